package mix

import (
	"slices"
	"time"
)

// mixer is all that a room mixes with. It belongs to whoever holds the room's mu.
type mixer struct {
	engine     *Engine // never changes
	members    []*Member
	voices     []*voice // members being decoded, at most MaxTalkers and those fading out
	candidates []candidate
	tap        Tap // nil while nobody wants voices one by one
	mixdown
}

// serve mixes, and hands every member its frame of tick n.
func (x *mixer) serve(n uint64) {
	encode := x.mix(n)
	for _, m := range x.members {
		switch {
		case m.sink == nil:
		case encode:
			payload, audible := x.frameFor(m, n)
			m.write(n, payload, audible)
		default:
			m.write(n, silence, false)
		}
	}
}

// countStereo counts a member that takes stereo in or out.
func (x *mixer) countStereo(m *Member, by int) {
	if m.sink != nil && m.codings.takesStereo() {
		x.stereoEars += by
	}
}

// part gives back what a member who leaves has in use.
func (x *mixer) part(m *Member) {
	m.mu.Lock()
	m.gone = true
	m.buffer.Stop()
	m.mu.Unlock()
	if m.voice != nil {
		x.endVoice(m.voice)
	}
	x.releaseOwn(m)
}

// decode makes each talker's frame.
func (x *mixer) decode(now time.Time) {
	for _, v := range x.voices {
		v.fill(now, x.stereoEars > 0 && x.hasStereoListener(v.member))
		x.engine.count.decodes.Add(uint64(v.decoded))
	}
	if x.tap != nil {
		x.fillTap()
	}
}

// startVoice makes m a talker.
func (x *mixer) startVoice(m *Member, rank float32, now time.Time) {
	v, err := x.engine.pool.voice()
	if err != nil {
		x.engine.cfg.Logger.Error("a member cannot be heard", "error", err)
		return
	}
	v.member, v.rank, v.since = m, rank, now
	m.voice = v
	x.voices = append(x.voices, v)
}

// endVoice ends a member's turn at once.
func (x *mixer) endVoice(v *voice) {
	v.member.mu.Lock()
	v.member.buffer.Stop()
	v.member.mu.Unlock()
	v.member.voice = nil
	if i := slices.Index(x.voices, v); i >= 0 {
		x.voices = slices.Delete(x.voices, i, i+1)
	}
	x.engine.pool.putVoice(v)
}

// hasListener reports whether anybody is there to hear m.
func (x *mixer) hasListener(m *Member) bool {
	return x.tapped(m) || slices.ContainsFunc(x.members, func(other *Member) bool { return other.hears(m) })
}

// hasStereoListener reports whether anybody would hear m in stereo.
func (x *mixer) hasStereoListener(m *Member) bool {
	return slices.ContainsFunc(x.members, func(other *Member) bool { return other.codings.takesStereo() && other.hears(m) })
}
