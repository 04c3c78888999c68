package media

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/mix"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

// Subscribe answers one offer of the client. It is quick and waits for
// nothing on the network; ctx is heeded before it begins. After an error
// (ErrBadOffer, ErrClosed) nothing has changed.
func (p *Peer) Subscribe(ctx context.Context, offer Offer) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	parsed, err := sdp.Parse(offer.SDP)
	if err != nil {
		return Answer{}, errors.Join(ErrBadOffer, err)
	}
	p.negotiation.Lock()
	defer p.negotiation.Unlock()
	if p.closed.Load() {
		return Answer{}, ErrClosed
	}
	if err := p.conn.SetRemote(parsed); err != nil {
		return Answer{}, errors.Join(ErrBadOffer, err)
	}
	n := negotiation{peer: p, offer: offer, sdp: parsed, now: p.room.node.now()}
	n.plan()
	n.audio()
	n.publish()
	n.receive()
	p.finish(&n)
	return n.answer(), nil
}

// finish makes everything else follow the offer.
func (p *Peer) finish(n *negotiation) {
	p.SetMuted(n.offer.Muted)
	p.joinSound()
	p.updateVideo()
	if p.learnCodecs(n) {
		p.room.changed()
	}
	p.room.node.listener.Flush()
}

// learnCodecs notes what the client decodes; it reports whether that is news.
func (p *Peer) learnCodecs(n *negotiation) bool {
	mask := codecMask(0)
	for i := range n.sdp.Sections {
		s := &n.sdp.Sections[i]
		if s.Kind == sdp.Video && !s.Stopped() && (s.Direction == sdp.RecvOnly || s.Direction == sdp.Inactive) {
			for _, f := range sdp.VideoFormats(s, receivable()) {
				mask.add(f.Codec)
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.decoder
	p.decoder |= mask
	return p.decoder != old
}

// negotiation is one offer being answered. Its methods need the peer's
// negotiation lock.
type negotiation struct {
	peer  *Peer
	offer Offer
	sdp   *sdp.Offer
	now   time.Time

	camera   int      // index of the sending section, -1 without
	wanted   []uint32 // by section: the stream to receive, 0 for none
	sections []sdp.AnswerSection
	result   Answer
}

// plan finds out what each section is for.
func (n *negotiation) plan() {
	n.camera = -1
	n.wanted = make([]uint32, len(n.sdp.Sections))
	n.sections = make([]sdp.AnswerSection, len(n.sdp.Sections))
	video := 0
	for i := range n.sdp.Sections {
		s := &n.sdp.Sections[i]
		n.sections[i] = sdp.AnswerSection{Of: s, Rejected: true}
		if s.Kind != sdp.Video {
			continue
		}
		if video < len(n.offer.ReceiveStreamIDs) {
			n.wanted[i] = n.offer.ReceiveStreamIDs[video]
		}
		video++
		if n.isCamera(s) {
			n.camera = i
			n.peer.camera = s.Mid
		}
	}
	n.byMid()
}

// isCamera recognises the section the client sends video on: it stays the same
// for the whole connection and is the first video section that can send.
func (n *negotiation) isCamera(s *sdp.Section) bool {
	if s.Stopped() || n.camera >= 0 {
		return false
	}
	if n.peer.camera != "" {
		return s.Mid == n.peer.camera
	}
	return s.Direction != sdp.RecvOnly
}

// byMid lets the subscriptions that name a section overrule the list that goes
// by the order of sections, which clients have been seen to leave entries out of.
func (n *negotiation) byMid() {
	for _, sub := range n.offer.Subscriptions {
		for i := range n.sdp.Sections {
			if s := &n.sdp.Sections[i]; s.Kind != sdp.Video || s.Mid != sub.Mid || i == n.camera {
				continue
			}
			if id := n.peer.streamOf(sub); id != 0 && n.foreign(i, sub) {
				n.wanted[i] = id
			}
		}
	}
}

// foreign says whether the stream listed for a section is none of the group that
// the subscription names.
func (n *negotiation) foreign(i int, sub VideoSubscription) bool {
	_, pub := n.peer.visible(n.wanted[i], 0)
	return pub == nil || sub.GroupID != 0 && pub.GroupID != sub.GroupID
}

// streamOf is the stream a subscription means, 0 if there is none.
func (p *Peer) streamOf(sub VideoSubscription) uint32 {
	if _, pub := p.visible(sub.StreamID, sub.GroupID); pub != nil {
		if sub.StreamID != 0 {
			return sub.StreamID
		}
		layers := pub.Layers()
		return layers[len(layers)-1].StreamID
	}
	return 0
}

// visible finds a publication by stream, or else by group, if the peer may see
// it.
func (p *Peer) visible(streamID, groupID uint32) (*Peer, *forward.Publication) {
	owner, pub := p.room.find(func(o *forward.Publication) bool {
		if streamID != 0 {
			return o.Layer(streamID) != nil
		}
		return groupID != 0 && o.GroupID == groupID
	})
	if owner == nil || !p.sees(owner) {
		return nil, nil
	}
	return owner, pub
}

// audio answers the first sound section.
func (n *negotiation) audio() {
	for i := range n.sdp.Sections {
		s := &n.sdp.Sections[i]
		if s.Kind != sdp.Audio || s.Stopped() {
			continue
		}
		f, ok := sdp.AudioFormatOf(s)
		if !ok {
			return
		}
		f.MaxBitrate = min(f.MaxBitrate, mix.MaxBitrate)
		a := &n.sections[i]
		a.Rejected = false
		a.Direction = answerTo(s.Direction)
		a.Codecs = f.Codecs()
		a.Extensions = s.Choose(sdp.ExtLevel)
		if a.Direction.Sends() {
			a.Stream, a.Track, a.SSRC = "carillon", "audio", n.peer.audio.ssrc
		}
		n.peer.audio.plan.Store(&audioPlan{
			opus: f.Opus, red: f.RED, level: s.Extension(sdp.ExtLevel), receives: a.Direction.Sends(),
			format: mix.Format{Stereo: f.Stereo, MaxBitrate: f.MaxBitrate},
		})
		return
	}
}

// answerTo is the direction that takes up everything offered.
func answerTo(d sdp.Direction) sdp.Direction {
	switch d {
	case sdp.SendOnly:
		return sdp.RecvOnly
	case sdp.RecvOnly:
		return sdp.SendOnly
	}
	return d
}

// answer writes what has been decided.
func (n *negotiation) answer() Answer {
	p := n.peer
	p.version++
	ufrag, pwd := p.conn.Credentials()
	a := sdp.Answer{
		SessionID: p.session, Version: p.version, Ufrag: ufrag, Pwd: pwd,
		Fingerprint: p.room.node.listener.Fingerprint(), Candidates: p.room.node.listener.Candidates(),
		Bundle: n.sdp.Bundle, CName: fmt.Sprintf("carillon-%d", p.session), Sections: n.sections,
	}
	n.result.SDP = a.String()
	return n.result
}
