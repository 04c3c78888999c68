package media

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// codecMask is a set of codecs, one bit each.
type codecMask uint8

// codecOf translates between the vocabularies.
func codecOf(c rtpx.Codec) Codec {
	switch c {
	case rtpx.VP8:
		return CodecVP8
	case rtpx.VP9:
		return CodecVP9
	case rtpx.H264:
		return CodecH264
	case rtpx.AV1:
		return CodecAV1
	}
	return 0
}

func (m *codecMask) add(c rtpx.Codec) { *m |= 1 << codecOf(c) }

// list is the set in the order in which codecs save bandwidth.
func (m codecMask) list() []Codec {
	var out []Codec
	for _, c := range []Codec{CodecAV1, CodecVP9, CodecH264, CodecVP8} {
		if m&(1<<c) != 0 {
			out = append(out, c)
		}
	}
	return out
}

// Index is the room's video as this peer may see it: without its own camera
// and content, and within its permissions.
func (p *Peer) Index() Index {
	now := p.room.node.now()
	ix := Index{AtCapacity: p.atCapacity(), Codecs: p.room.codecs()}
	for _, other := range p.room.members() {
		pub := other.up.Publication()
		if pub == nil || !pub.Live() || !p.sees(other) {
			continue
		}
		stalled := pub.Stalled(now)
		for _, l := range pub.Listed(now) {
			ix.Sources = append(ix.Sources, other.source(pub, l))
			if stalled {
				ix.PausedAtSource = append(ix.PausedAtSource, l.StreamID)
			}
		}
	}
	slices.SortStableFunc(ix.Sources, func(a, b Source) int { return int(a.GroupID) - int(b.GroupID) })
	return ix
}

// source describes one of the peer's own layers for others.
func (p *Peer) source(pub *forward.Publication, l forward.LayerInfo) Source {
	s := Source{
		StreamID: l.StreamID, GroupID: pub.GroupID,
		MaxKbps: l.MaxKbps, AvgBps: l.Bps, Framerate: l.FPS,
		Width: uint32(l.Width), Height: uint32(l.Height),
		AttendeeID: p.cfg.AttendeeID, ExternalUserID: p.cfg.ExternalUserID,
	}
	if s.Framerate == 0 {
		s.Framerate = l.Framerate
	}
	return s
}

// sees says whether the peer may watch what another publishes.
func (p *Peer) sees(other *Peer) bool {
	if p.cfg.Content || other.cfg.Owner == p.cfg.Owner {
		return false
	}
	perms := p.permissions()
	return perms.VideoReceive && (perms.ContentReceive || !other.cfg.Content)
}

// atCapacity says that the peer cannot begin to send video.
func (p *Peer) atCapacity() bool {
	return !p.permissions().VideoSend || p.cfg.MaxVideo.Off || !p.room.hasRoom(p)
}

// indexChanged announces a new index, once for changes in quick succession.
func (p *Peer) indexChanged() {
	if p.indexDirty.Swap(true) {
		return
	}
	p.post(func(e PeerEvents) {
		p.indexDirty.Store(false)
		e.SourcesChanged()
	})
}
