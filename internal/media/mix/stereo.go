package mix

import "github.com/carillon-meetings/carillon/internal/media/opus"

const (
	// stereoHold is how many frames without a difference between the channels it takes
	// for a mix to count as mono again: 2 s.
	stereoHold = 100
	// warmFrames is how many frames an encoder gets before it takes over from one with
	// another number of channels. By then it sends nothing that a decoder, with the
	// other one's past, would not make the right sound of.
	warmFrames = 5
)

// spell is a time, in ticks, in which a mix is stereo. The zero value has passed.
type spell struct{ from, until uint64 }

// extend notes that the mix of tick n is stereo. If its listeners have been
// hearing mono up to now, the stereo encoder is warmed first.
func (s *spell) extend(n uint64, hearing bool) {
	if s.over(n) {
		s.from = n
		if hearing {
			s.from += warmFrames
		}
	}
	s.until = n + stereoHold
}

func (s spell) over(n uint64) bool { return n >= s.until }

// codings returns in which coding a member is sent tick n, and in which one it is
// encoded besides because that will be sent soon; mostly they are the same.
func (s spell) codings(c codings, n uint64) (send, warm coding) {
	switch {
	case s.over(n):
		return c.mono, c.mono
	case n < s.from:
		return c.mono, c.stereo
	case n+warmFrames >= s.until:
		return c.stereo, c.mono
	}
	return c.stereo, c.stereo
}

// stereoMix is what a room needs, in addition to its mixdown, while there is
// stereo to be heard by somebody.
type stereoMix struct {
	side    [frameSamples]float32        // sum of all talkers', as mixdown.sum
	limited [2][2 * frameSamples]float32 // both channels after the soft clip, as mixdown.limited
	ownSide [frameSamples]float32        // one member's sum, before encoding
	own     [2 * frameSamples]float32    // the same in both channels
}

// mixStereo adds up the talkers' sides, if there have been any of late and somebody
// hears them. The mids are added up already.
func (x *mixer) mixStereo(n uint64) {
	for _, v := range x.voices {
		if v.stereo && x.stereoEars > 0 {
			x.spell.extend(n, x.before)
		}
	}
	if x.spell.over(n) || x.stereoEars == 0 {
		x.endStereo()
		return
	}
	if x.stereo == nil {
		x.stereo = x.engine.pool.stereoMix()
		double(x.stereo.limited[x.now^1][:], x.limited[x.now^1][:])
	}
	s := x.stereo
	clear(s.side[:])
	for _, v := range x.voices {
		if v.stereo {
			add(s.side[:], v.side.frame[:])
		}
	}
	interleave(s.limited[x.now][:], x.sum[:], s.side[:])
}

func (x *mixer) endStereo() {
	if x.stereo != nil {
		x.engine.pool.putStereoMix(x.stereo)
		x.stereo, x.spell = nil, spell{}
	}
}

// ownStereo makes the two channels of the sum of a member that hears only some of
// the talkers; the mid is in scratch.
func (x *mixer) ownStereo(m *Member, n uint64) {
	if x.stereo == nil {
		m.spell = spell{}
		return
	}
	s := x.stereo
	clear(s.ownSide[:])
	for _, v := range x.voices {
		if v.stereo && !m.without(v.member) {
			add(s.ownSide[:], v.side.frame[:])
			m.spell.extend(n, m.sounds)
		}
	}
	if !m.spell.over(n) {
		interleave(s.own[:], x.scratch[:], s.ownSide[:])
	}
}

// mixNow is the mix of all talkers in the current tick.
func (x *mixer) mixNow(channels opus.Channels) []float32 {
	if channels == opus.Stereo {
		return x.stereo.limited[x.now][:]
	}
	return x.limited[x.now][:]
}

// mixBefore is the mix of all talkers in the last tick.
func (x *mixer) mixBefore(channels opus.Channels) []float32 {
	if channels == opus.Stereo {
		return x.stereo.limited[x.now^1][:]
	}
	return x.limited[x.now^1][:]
}

// ownMix is the mix of a member that hears only some of the talkers.
func (x *mixer) ownMix(channels opus.Channels) []float32 {
	if channels == opus.Stereo {
		return x.stereo.own[:]
	}
	return x.scratch[:]
}
