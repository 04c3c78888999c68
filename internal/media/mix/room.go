package mix

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Room is one meeting's audio. Its methods are safe for concurrent use.
type Room struct {
	engine *Engine
	// awakeUntil is when the last loud packet stops mattering, as nanoseconds since
	// the engine's epoch. Until then there may be talkers to choose.
	awakeUntil atomic.Int64

	mu      sync.Mutex // held during a tick; guards the following
	members []*Member
	closed  bool

	voices     []*voice // members being decoded, at most MaxTalkers and those fading out
	candidates []candidate
	mixdown
}

// NewRoom returns a room without members. It costs nothing until it has some.
func (e *Engine) NewRoom() *Room {
	r := &Room{engine: e}
	r.awakeUntil.Store(-1)
	return r
}

// AddMember lets somebody in. A closed room returns a member that is never served.
func (r *Room) AddMember(cfg MemberConfig) *Member {
	m := &Member{room: r, id: cfg.ID, hearsNot: slices.Clone(cfg.HearsNot), sink: cfg.Sink, sends: true}
	m.receive.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		m.gone = true
		return m
	}
	r.members = append(r.members, m)
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
	r.part(m)
	if len(r.members) == 0 {
		r.sleep()
		r.engine.deactivate(r)
	}
}

// part gives back what a member who leaves has in use.
func (r *Room) part(m *Member) {
	m.mu.Lock()
	m.gone = true
	m.buffer.Stop()
	m.mu.Unlock()
	if m.voice != nil {
		r.endVoice(m.voice)
	}
	r.releaseOwn(m)
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
	r.members = nil
	r.sleep()
}

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
	encode := r.mix(n)
	for _, m := range r.members {
		switch {
		case m.sink == nil:
		case encode:
			payload, audible := r.frameFor(m, n)
			m.write(n, payload, audible)
		default:
			m.write(n, silence, false)
		}
	}
	r.endFaded()
}

// decode makes each talker's frame.
func (r *Room) decode(now time.Time) {
	for _, v := range r.voices {
		v.fill(now)
		r.engine.count.decodes.Add(uint64(v.decoded))
	}
}

// startVoice makes m a talker.
func (r *Room) startVoice(m *Member, rank float32, now time.Time) {
	v, err := r.engine.pool.voice()
	if err != nil {
		r.engine.cfg.Logger.Error("a member cannot be heard", "error", err)
		return
	}
	v.member, v.rank, v.since = m, rank, now
	m.voice = v
	r.voices = append(r.voices, v)
}

// endVoice ends a member's turn at once.
func (r *Room) endVoice(v *voice) {
	v.member.mu.Lock()
	v.member.buffer.Stop()
	v.member.mu.Unlock()
	v.member.voice = nil
	if i := slices.Index(r.voices, v); i >= 0 {
		r.voices = slices.Delete(r.voices, i, i+1)
	}
	r.engine.pool.putVoice(v)
}

// hasListener reports whether anybody is there to hear m.
func (r *Room) hasListener(m *Member) bool {
	for _, other := range r.members {
		if other != m && other.sink != nil && other.receive.Load() && !slices.Contains(other.hearsNot, m.id) {
			return true
		}
	}
	return false
}
