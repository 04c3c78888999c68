package mix

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// What counts as talking. Levels are in dB below full scale, so smaller is
// louder.
const (
	loudLevel   = 50                     // as loud as this is always talking
	faintLevel  = 70                     // talking, if it stands out from the member's own background
	standOut    = 12                     // by so many dB
	floorRise   = 1.0                    // dB per second by which a constant sound turns into background
	quietFloor  = 80                     // no background is taken to be quieter
	talkHold    = 600 * time.Millisecond // pauses that do not end a turn
	minTurn     = time.Second            // a talker is not displaced before
	levelRise   = 0.5                    // share of the difference that the level moves by in a packet
	levelFall   = 0.05                   // the same downwards
	peakRise    = 0.3                    // the same for the peak
	peakFall    = 0.1                    // dB a packet
	keepMargin  = 6                      // dB by which a newcomer must be louder
	voiceMargin = 3                      // dB in favour of what the sender calls speech
	staleAfter  = 300 * time.Millisecond // without packets a level means nothing
)

// loudness follows one member's audio level. It rises fast and falls slowly, like
// a meter.
type loudness struct {
	level  float32 // smoothed, dB below full scale
	peak   float32 // the same, but falling so slowly that pauses between words do not count
	floor  float32 // background noise
	last   time.Time
	until  time.Time // the member counts as talking until then
	begun  bool
	speech bool
}

// observe takes in the level of one packet and reports whether it is loud enough
// to be somebody talking.
func (l *loudness) observe(level uint8, speech bool, now time.Time) bool {
	in := float32(level)
	if !l.begun || now.Sub(l.last) > staleAfter {
		l.level, l.peak = rtpx.LevelSilent, rtpx.LevelSilent
	}
	if l.begun {
		l.floor -= floorRise * float32(now.Sub(l.last).Seconds())
	}
	// The background is the quietest of late: down at once, up slowly.
	l.floor = min(max(l.floor, in), quietFloor)
	l.begun = true
	if in < l.level {
		l.level += (in - l.level) * levelRise
	} else {
		l.level += (in - l.level) * levelFall
	}
	if in < l.peak {
		l.peak += (in - l.peak) * peakRise
	} else {
		l.peak = min(in, l.peak+peakFall)
	}
	l.last, l.speech = now, speech
	active := in <= loudLevel || in <= faintLevel && in <= l.floor-standOut
	if active {
		l.until = now.Add(talkHold)
	}
	return active
}

// silence ends the member's turn, as when it is muted.
func (l *loudness) silence() {
	l.until, l.level, l.peak = time.Time{}, rtpx.LevelSilent, rtpx.LevelSilent
}

// talking reports whether the member wants to be heard now.
func (l *loudness) talking(now time.Time) bool { return now.Before(l.until) }

// shown returns the level for other members' displays.
func (l *loudness) shown(now time.Time) uint8 {
	if !l.begun || now.Sub(l.last) > staleAfter {
		return rtpx.LevelSilent
	}
	return uint8(l.level)
}

// rank is the loudness talkers are compared by, higher is louder.
func (l *loudness) rank() float32 {
	if l.speech {
		return voiceMargin - l.peak
	}
	return -l.peak
}

// candidate is a member that talks, as the choice of talkers sees it.
type candidate struct {
	member *Member
	rank   float32
}

// choose updates the talkers. Who has gone quiet leaves, the loudest
// newcomers take the free places, and one who is clearly louder takes the place
// of the faintest.
func (x *mixer) choose(now time.Time) {
	x.candidates = x.candidates[:0]
	for _, m := range x.members {
		m.mu.Lock()
		heard, talks, rank := m.heardLocked(), m.loud.talking(now), m.loud.rank()
		m.mu.Unlock()
		switch {
		case !heard && m.voice != nil:
			m.voice.cut = true
		case m.voice != nil:
			m.voice.leaving, m.voice.rank = !talks || !x.hasListener(m), rank
		case heard && talks && x.hasListener(m):
			x.candidates = append(x.candidates, candidate{m, rank})
		}
	}
	for len(x.candidates) > 0 {
		best := x.takeLoudest()
		if len(x.voices) < x.engine.cfg.MaxTalkers {
			x.startVoice(best.member, best.rank, now)
			continue
		}
		faintest := x.faintestVoice(now)
		if faintest == nil || best.rank < faintest.rank+keepMargin {
			return
		}
		faintest.leaving = true
		x.startVoice(best.member, best.rank, now)
	}
}

// takeLoudest removes and returns the loudest candidate.
func (x *mixer) takeLoudest() candidate {
	best := 0
	for i, c := range x.candidates {
		if c.rank > x.candidates[best].rank {
			best = i
		}
	}
	c, last := x.candidates[best], len(x.candidates)-1
	x.candidates[best] = x.candidates[last]
	x.candidates = x.candidates[:last]
	return c
}

// faintestVoice returns the talker that a louder one may displace, or nil.
func (x *mixer) faintestVoice(now time.Time) *voice {
	var faintest *voice
	for _, v := range x.voices {
		if v.leaving || now.Sub(v.since) < minTurn {
			continue
		}
		if faintest == nil || v.rank < faintest.rank {
			faintest = v
		}
	}
	return faintest
}
