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
		l.level += (in - l.level) * 0.5
	} else {
		l.level += (in - l.level) * 0.05
	}
	if in < l.peak {
		l.peak += (in - l.peak) * 0.3
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

// choose updates the room's talkers. Who has gone quiet leaves, the loudest
// newcomers take the free places, and one who is clearly louder takes the place
// of the faintest. The room's lock is held.
func (r *Room) choose(now time.Time) {
	r.candidates = r.candidates[:0]
	for _, m := range r.members {
		m.mu.Lock()
		heard, talks, rank := m.heard(), m.loud.talking(now), m.loud.rank()
		m.mu.Unlock()
		switch {
		case !heard && m.voice != nil:
			m.voice.cut = true
		case m.voice != nil:
			m.voice.leaving, m.voice.rank = !talks || !r.hasListener(m), rank
		case heard && talks && r.hasListener(m):
			r.candidates = append(r.candidates, candidate{m, rank})
		}
	}
	for len(r.candidates) > 0 {
		best := r.takeLoudest()
		if len(r.voices) < r.engine.cfg.MaxTalkers {
			r.startVoice(best.member, best.rank, now)
			continue
		}
		faintest := r.faintestVoice(now)
		if faintest == nil || best.rank < faintest.rank+keepMargin {
			return
		}
		faintest.leaving = true
		r.startVoice(best.member, best.rank, now)
	}
}

// takeLoudest removes and returns the loudest candidate.
func (r *Room) takeLoudest() candidate {
	best := 0
	for i, c := range r.candidates {
		if c.rank > r.candidates[best].rank {
			best = i
		}
	}
	c, last := r.candidates[best], len(r.candidates)-1
	r.candidates[best] = r.candidates[last]
	r.candidates = r.candidates[:last]
	return c
}

// faintestVoice returns the talker that a louder one may displace, or nil.
func (r *Room) faintestVoice(now time.Time) *voice {
	var faintest *voice
	for _, v := range r.voices {
		if v.leaving || now.Sub(v.since) < minTurn {
			continue
		}
		if faintest == nil || v.rank < faintest.rank {
			faintest = v
		}
	}
	return faintest
}
