package forward

import (
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// TapPacket is one packet of a publication as its publisher sent it.
type TapPacket struct {
	// StreamID names the layer: its numbers and times are its own.
	StreamID uint32
	Codec    rtpx.Codec
	Seq      uint16
	TS       uint32 // in units of 1/90000 s
	Marker   bool
	At       time.Time // arrival
	// Captured is when the picture was, by our clock, and so much later as the
	// fastest packets are on their way; zero if the sender's reports do not tell.
	Captured time.Time
	Payload  []byte // valid during the call
	Info     rtpx.Info
}

// Tap hands a publication's packets to somebody who watches without being sent
// anything: a recorder. It takes the highest layer that flows, and changes to
// another one at a key frame. Packets come in the order of their arrival, those
// sent again late; none comes twice. Safe for concurrent use.
type Tap struct {
	pub  *Publication
	sink func(*TapPacket)

	mu      sync.Mutex // guards what follows
	wanted  *Layer     // nil for nothing
	current *Layer     // nil while waiting for a key frame
	closed  bool
	packet  TapPacket // what the sink is given
}

// Tap begins to hand the publication's packets to sink, from the next key frame
// on, which is asked for. sink is called with locks held: it must not block and
// must not call back.
func (p *Publication) Tap(sink func(*TapPacket), now time.Time) *Tap {
	t := &Tap{pub: p, sink: sink}
	t.Choose(now)
	return t
}

// Choose makes the tap take the highest layer that flows now; while none does it
// keeps what it has. Call it now and then.
func (t *Tap) Choose(now time.Time) {
	best, flows := t.pub.layers[0], false
	for _, l := range t.pub.layers {
		if l.Info(now).Flowing {
			best, flows = l, true
		}
	}
	t.mu.Lock()
	old := t.wanted
	keep := t.closed || old == best || old != nil && !flows
	if !keep {
		t.wanted = best
		if old != nil && old != t.current {
			old.untap(t)
		}
		best.tap(t)
	}
	ask := !keep && best != t.current
	t.mu.Unlock()
	if ask {
		best.RequestKeyFrame(now)
	}
}

// RequestKeyFrame asks the publisher for a key frame of what the tap takes.
func (t *Tap) RequestKeyFrame(now time.Time) {
	t.mu.Lock()
	l := t.wanted
	t.mu.Unlock()
	if l != nil {
		l.RequestKeyFrame(now)
	}
}

// Close ends the tap. The sink may be in a call still, but gets no other one.
func (t *Tap) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, l := range t.pub.layers {
		l.untap(t)
	}
	t.wanted, t.current = nil, nil
}

// write takes a packet of a layer that the tap is attached to.
func (t *Tap) write(l *Layer, p *packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(p.payload) == 0 {
		return
	}
	if t.current != l {
		if l != t.wanted || !p.info.Key {
			return
		}
		if t.current != nil {
			t.current.untap(t)
		}
		t.current = l
	}
	t.packet = TapPacket{
		StreamID: l.StreamID, Codec: p.codec, Seq: p.seq, TS: p.ts, Marker: p.marker, At: p.at, Captured: p.captured,
		Payload: p.payload, Info: p.info,
	}
	t.sink(&t.packet)
}

// tap makes the layer's packets go to t as well.
func (l *Layer) tap(t *Tap) {
	l.tracksMu.Lock()
	defer l.tracksMu.Unlock()
	var list []*Tap
	if old := l.taps.Load(); old != nil {
		if slices.Contains(*old, t) {
			return
		}
		list = append(list, *old...)
	}
	list = append(list, t)
	l.taps.Store(&list)
}

// untap ends what tap began.
func (l *Layer) untap(t *Tap) {
	l.tracksMu.Lock()
	defer l.tracksMu.Unlock()
	old := l.taps.Load()
	if old == nil {
		return
	}
	list := slices.DeleteFunc(slices.Clone(*old), func(o *Tap) bool { return o == t })
	if len(list) == 0 {
		l.taps.Store(nil)
		return
	}
	l.taps.Store(&list)
}
