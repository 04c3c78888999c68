package forward

import (
	"slices"
	"sync/atomic"
	"time"
)

// Publication is what a client publishes from switching its camera (or content)
// on to switching it off. Safe for concurrent use.
type Publication struct {
	// GroupID is the publication's id in the index.
	GroupID uint32
	// Content marks shared content.
	Content bool

	uplink *Uplink
	layers []*Layer // from the lowest up
	live   atomic.Bool
	ended  atomic.Bool
	// before are the stream ids that were listed before the last announcement,
	// nil if none ever were.
	before atomic.Pointer[[]uint32]
}

// Encoding describes one layer as its publisher announced it.
type Encoding struct {
	// MaxKbps is the largest bitrate in kbit/s; 0 means switched off.
	MaxKbps uint32
	// Framerate in frames per second, 0 unknown.
	Framerate uint32
}

// newPublication makes a publication with one layer for each encoding; next
// yields fresh ids.
func newPublication(u *Uplink, encodings []Encoding, content bool, next func() uint32) *Publication {
	p := &Publication{GroupID: next(), Content: content, uplink: u}
	for i := range encodings {
		p.layers = append(p.layers, &Layer{StreamID: next(), pub: p, index: i})
	}
	p.Describe(encodings)
	return p
}

// Describe takes over new announcements for the same layers; it reports whether
// they differ from the old ones.
func (p *Publication) Describe(encodings []Encoding) (changed bool) {
	if on := p.on(); len(on) > 0 {
		p.before.Store(&on)
	}
	for i, l := range p.layers[:min(len(p.layers), len(encodings))] {
		e := encodings[i]
		changed = l.maxKbps.Swap(e.MaxKbps) != e.MaxKbps || changed
		changed = l.framerate.Swap(e.Framerate) != e.Framerate || changed
	}
	return changed
}

// on are the stream ids of the layers that are switched on and have carried
// packets.
func (p *Publication) on() (ids []uint32) {
	for _, l := range p.layers {
		if l.flowed.Load() && l.maxKbps.Load() > 0 {
			ids = append(ids, l.StreamID)
		}
	}
	return ids
}

// Live says whether the publication has carried packets.
func (p *Publication) Live() bool { return p.live.Load() }

// Ended says whether the publication is over.
func (p *Publication) Ended() bool { return p.ended.Load() }

// Layers returns the layers from the lowest up; the caller only reads.
func (p *Publication) Layers() []*Layer { return p.layers }

// Layer finds a layer by its stream id, nil if it is not one of this
// publication's.
func (p *Publication) Layer(streamID uint32) *Layer {
	for _, l := range p.layers {
		if l.StreamID == streamID {
			return l
		}
	}
	return nil
}

// Listed describes the layers that belong in the index: those that are switched
// on and have carried packets. While there is none (layers are being changed)
// it keeps to those before the change, because viewers give up a publication that
// vanishes for a moment.
func (p *Publication) Listed(now time.Time) []LayerInfo {
	var on, seen []LayerInfo
	last := p.before.Load()
	for _, l := range p.layers {
		i := l.Info(now)
		if i.Seen && i.MaxKbps > 0 {
			on = append(on, i)
		}
		if i.Seen && (last == nil || slices.Contains(*last, i.StreamID)) {
			seen = append(seen, i)
		}
	}
	if len(on) > 0 {
		return on
	}
	return seen
}

// Stalled says that the publication is live but nothing of it arrives.
func (p *Publication) Stalled(now time.Time) bool {
	if !p.Live() {
		return false
	}
	for _, l := range p.layers {
		if l.Info(now).Flowing {
			return false
		}
	}
	return true
}

// close ends the publication.
func (p *Publication) close() {
	p.ended.Store(true)
	for _, l := range p.layers {
		l.close()
	}
}
