package media

import (
	"math/rand/v2"

	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

// receivable are the codecs a subscriber may be sent.
func receivable() []rtpx.Codec { return []rtpx.Codec{rtpx.VP8, rtpx.VP9, rtpx.H264, rtpx.AV1} }

// sendable are the codecs a publisher may use, in the order in which a client
// without preferences of its own takes them. AV1 is for content only: it costs
// a camera's sender more than it saves.
func sendable(content bool) []rtpx.Codec {
	if content {
		return receivable()
	}
	return []rtpx.Codec{rtpx.VP8, rtpx.VP9, rtpx.H264}
}

// publish answers the sending section, and begins, keeps or ends the
// publication.
func (n *negotiation) publish() {
	p := n.peer
	if n.camera < 0 {
		p.unpublish()
		return
	}
	s := &n.sdp.Sections[n.camera]
	formats := sdp.VideoFormats(s, sendable(p.cfg.Content))
	if len(formats) == 0 {
		p.unpublish()
		return
	}
	wants := s.Direction.Sends() && n.offer.Duplex && len(n.offer.SendVideo) > 0
	may := wants && !p.atCapacity()
	n.result.VideoRefused = wants && !may
	n.answerCamera(s, formats, may)
	if !may {
		p.unpublish()
		return
	}
	p.up.Configure(uplinkConfig(s, formats))
	pub := p.publication(n.offer.SendVideo)
	for _, l := range pub.Layers() {
		n.result.Allocations = append(n.result.Allocations, Allocation{l.StreamID, pub.GroupID})
	}
}

func (n *negotiation) answerCamera(s *sdp.Section, formats []sdp.VideoFormat, may bool) {
	a := &n.sections[n.camera]
	a.Rejected = false
	a.Direction = sdp.Inactive
	if may {
		// Sendrecv although nothing is sent: only then the client applies its
		// own codec preferences.
		a.Direction = answerTo(s.Direction)
		a.RIDs = s.RIDs
		a.MaxKbps = n.peer.cfg.MaxVideo.MaxKbps
	}
	a.Codecs = videoCodecs(formats, n.peer.cfg.MaxVideo)
	a.Extensions = s.Choose(sdp.ExtMid, sdp.ExtRID, sdp.ExtRepairedRID, sdp.ExtTransportWide)
}

// videoCodecs lists the formats for an answer.
func videoCodecs(formats []sdp.VideoFormat, limit VideoLimit) []sdp.Codec {
	var out []sdp.Codec
	for _, f := range formats {
		f.Height = limit.Height
		out = append(out, f.Codecs()...)
	}
	return out
}

// uplinkConfig is what the forwarder must know of the sending section.
func uplinkConfig(s *sdp.Section, formats []sdp.VideoFormat) forward.UplinkConfig {
	c := forward.UplinkConfig{
		RIDExt: s.Extension(sdp.ExtRID), RepairedExt: s.Extension(sdp.ExtRepairedRID),
		TransportExt: s.Extension(sdp.ExtTransportWide),
		RIDs:         s.RIDs, SSRCs: s.SSRCs, Pairs: s.Pairs,
	}
	for _, f := range formats {
		c.Formats[f.PayloadType&0x7f].Codec = f.Codec
		if f.RTX != 0 {
			c.Formats[f.RTX&0x7f].Repairs = f.PayloadType
		}
	}
	return c
}

// publication is what the peer publishes from now on: the one there is if it has
// the same layers, else a new one.
func (p *Peer) publication(videos []VideoDescriptor) *forward.Publication {
	encodings := make([]forward.Encoding, len(videos))
	for i, v := range videos {
		encodings[i] = forward.Encoding{MaxKbps: v.MaxKbps, Framerate: v.Framerate}
	}
	if pub := p.up.Publication(); pub != nil {
		if len(pub.Layers()) == len(encodings) {
			if pub.Describe(encodings) && pub.Live() {
				p.room.changed()
			}
			return pub
		}
		p.unpublish()
	}
	pub := p.up.Publish(encodings, p.cfg.Content, p.room.freshID)
	p.room.changed() // capacity
	return pub
}

// receive answers the receiving sections and makes the tracks follow.
func (n *negotiation) receive() {
	p := n.peer
	keep := make(map[string]bool)
	watching := 0
	for i := range n.sdp.Sections {
		s := &n.sdp.Sections[i]
		if s.Kind != sdp.Video || s.Stopped() || i == n.camera {
			continue
		}
		keep[s.Mid] = true
		formats := sdp.VideoFormats(s, receivable())
		if len(formats) == 0 {
			continue
		}
		_, pub := p.visible(n.wanted[i], 0)
		if s.Direction != sdp.RecvOnly && s.Direction != sdp.SendRecv || watching >= p.room.node.cfg.MaxSubscriptions {
			pub = nil
		}
		n.answerReceiving(i, formats, pub)
		if pub != nil {
			watching++
		}
	}
	p.down.Drop(func(mid string) bool { return keep[mid] })
}

// answerReceiving answers one receiving section; pub is nil for nothing.
func (n *negotiation) answerReceiving(i int, formats []sdp.VideoFormat, pub *forward.Publication) {
	p, s, a := n.peer, &n.sdp.Sections[i], &n.sections[i]
	a.Rejected = false
	a.Direction = sdp.Inactive
	a.Codecs = videoCodecs(formats, VideoLimit{})
	a.Extensions = s.Choose(sdp.ExtTransportWide)
	if pub == nil {
		p.down.Watch(s.Mid, forward.Want{}, n.now)
		return
	}
	track := p.openTrack(s, formats)
	p.down.Watch(s.Mid, n.want(s.Mid, n.wanted[i], pub), n.now)
	a.Direction = sdp.SendOnly
	a.Stream, a.Track = "v_"+s.Mid, "t_"+s.Mid
	a.SSRC, a.RTX = track.SSRC()
	n.result.Tracks = append(n.result.Tracks, TrackMapping{StreamID: n.wanted[i], SSRC: a.SSRC, Label: a.Stream})
}

// want puts together what is known of a subscription.
func (n *negotiation) want(mid string, streamID uint32, pub *forward.Publication) forward.Want {
	w := forward.Want{Pub: pub, StreamID: streamID}
	for _, sub := range n.offer.Subscriptions {
		if sub.Mid == mid {
			w.Priority, w.TargetKbps = sub.Priority, sub.TargetKbps
		}
	}
	return w
}

func (p *Peer) openTrack(s *sdp.Section, formats []sdp.VideoFormat) *forward.Track {
	var table forward.Formats
	rtx := false
	for _, f := range formats {
		table[f.Codec] = forward.Format{PayloadType: f.PayloadType, RTX: f.RTX}
		rtx = rtx || f.RTX != 0
	}
	stamp := s.Extension(sdp.ExtTransportWide)
	return p.down.Open(s.Mid, table, stamp, func() forward.TrackConfig {
		c := forward.TrackConfig{
			SSRC:     rand.Uint32() | 1,
			FirstSeq: uint16(rand.Uint32() >> 17), FirstRTX: uint16(rand.Uint32() >> 17), FirstTS: rand.Uint32(),
		}
		if rtx {
			c.RTX = c.SSRC + 1
		}
		return c
	})
}

// UpdateVideo changes what is sent on receiving sections without a new offer,
// and stops sending on removedMids.
func (p *Peer) UpdateVideo(updates []VideoSubscription, removedMids []string) {
	now := p.room.node.now()
	p.negotiation.Lock()
	defer p.negotiation.Unlock()
	for _, mid := range removedMids {
		p.down.Watch(mid, forward.Want{}, now)
	}
	for _, u := range updates {
		w, ok := p.down.Wanted(u.Mid)
		if !ok {
			continue
		}
		if _, pub := p.visible(u.StreamID, u.GroupID); pub != nil {
			w.Pub = pub
			if u.StreamID != 0 {
				w.StreamID = u.StreamID
			}
		}
		if w.Pub == nil {
			continue
		}
		if u.Priority != 0 || u.TargetKbps != 0 {
			w.Priority, w.TargetKbps = u.Priority, u.TargetKbps
		}
		p.down.Watch(u.Mid, w, now)
	}
	p.updateVideo()
	p.room.node.listener.Flush()
}
