package mix

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Room is one meeting's audio. Its methods are safe for concurrent use.
type Room struct {
	// awakeUntil is when the last loud packet stops mattering, as nanoseconds since
	// the engine's epoch. Until then there may be talkers to choose.
	awakeUntil atomic.Int64

	mu     sync.Mutex // held during a tick; guards the following
	closed bool
	mixer
}

// NewRoom returns a room without members. It costs nothing until it has some.
func (e *Engine) NewRoom() *Room {
	r := &Room{mixer: mixer{engine: e}}
	r.awakeUntil.Store(-1)
	return r
}

// AddMember lets somebody in. A closed room returns a member that is never served.
func (r *Room) AddMember(cfg MemberConfig) *Member {
	m := &Member{room: r, id: cfg.ID, hearsNot: slices.Clone(cfg.HearsNot), speaker: cfg.Speaker, sink: cfg.Sink, sends: true}
	m.receive.Store(true)
	m.codings = cfg.Format.codings(r.engine.cfg.Bitrate)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		m.gone = true
		return m
	}
	r.members = append(r.members, m)
	r.countStereo(m, 1)
	if len(r.members) == 1 {
		r.engine.activate(r)
	}
	return m
}

func (r *Room) remove(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.members, m)
	if i < 0 {
		return
	}
	r.members = slices.Delete(r.members, i, i+1)
	r.countStereo(m, -1)
	r.part(m)
	if len(r.members) == 0 {
		r.sleep()
		r.engine.deactivate(r)
	}
}

// setFormat changes how a member takes what it hears.
func (r *Room) setFormat(m *Member, f Format) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.members, m) {
		return
	}
	r.countStereo(m, -1)
	m.codings = f.codings(r.engine.cfg.Bitrate)
	r.countStereo(m, 1)
}

// Close removes all members. When it returns, no sink is being called.
func (r *Room) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	for _, m := range r.members {
		r.part(m)
	}
	if len(r.members) > 0 {
		r.engine.deactivate(r)
	}
	r.members, r.stereoEars, r.tap = nil, 0, nil
	r.sleep()
}

// Refresh has the next frame of those who hear everybody coded so that a decoder
// can begin with it.
func (r *Room) Refresh() { r.refresh.Store(true) }

// wake notes that somebody was loud at the given time.
func (r *Room) wake(at time.Time) {
	until := int64(at.Sub(r.engine.epoch) + talkHold)
	for {
		old := r.awakeUntil.Load()
		if old >= until || r.awakeUntil.CompareAndSwap(old, until) {
			return
		}
	}
}

// tick makes one frame for every member.
func (r *Room) tick(n uint64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.voices) > 0 || r.awakeUntil.Load() > int64(now.Sub(r.engine.epoch)) {
		r.choose(now)
		r.decode(now)
	}
	r.serve(n)
	r.endFaded()
}
