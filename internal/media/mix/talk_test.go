package mix

import (
	"math"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// feed gives a loudness the same level for a while and reports whether it was
// talking at the end.
func feed(l *loudness, level uint8, packets int, now *time.Time) bool {
	for range packets {
		*now = now.Add(Period)
		l.observe(level, false, *now)
	}
	return l.talking(*now)
}

func TestLoudnessTellsTalkFromBackground(t *testing.T) {
	now := epoch
	var l loudness
	if feed(&l, 127, 50, &now) {
		t.Error("digital silence is talk")
	}
	if !feed(&l, 30, 1, &now) {
		t.Error("a loud packet is not talk at once")
	}
	if !feed(&l, 90, 20, &now) {
		t.Error("a short pause ends the turn")
	}
	if feed(&l, 90, 20, &now) {
		t.Error("a long pause does not end the turn")
	}
	if !feed(&l, 62, 1, &now) {
		t.Error("a faint voice in a quiet room is not talk")
	}
	if feed(&l, 62, 1500, &now) {
		t.Error("a constant faint sound is still talk after 30 s")
	}
	if !feed(&l, 48, 1500, &now) {
		t.Error("a constant loud sound is taken for background")
	}
}

func TestLoudnessFollowsLikeAMeter(t *testing.T) {
	now := epoch
	var l loudness
	feed(&l, 20, 5, &now)
	if s := l.shown(now); s > 26 {
		t.Errorf("after 100 ms of level 20 it shows %d", s)
	}
	feed(&l, 100, 5, &now)
	if s := l.shown(now); s > 50 {
		t.Errorf("after a pause of 100 ms it shows %d", s)
	}
	feed(&l, 100, 100, &now)
	if s := l.shown(now); s < 95 {
		t.Errorf("after 2 s of silence it shows %d", s)
	}
	feed(&l, 20, 5, &now)
	now = now.Add(staleAfter + Period)
	if s := l.shown(now); s != rtpx.LevelSilent {
		t.Errorf("shows %d long after the last packet", s)
	}
	var other loudness
	if other.shown(now) != rtpx.LevelSilent {
		t.Error("one who never sent is not silent")
	}
}

func TestSpeechIsPreferred(t *testing.T) {
	now := epoch
	var noise, speech loudness
	for range 50 {
		now = now.Add(Period)
		noise.observe(24, false, now)
		speech.observe(26, true, now)
	}
	if noise.rank() >= speech.rank() {
		t.Errorf("noise ranks %v, slightly fainter speech %v", noise.rank(), speech.rank())
	}
}

func TestTakingTurnsDoesNotFlap(t *testing.T) {
	s := newStage(t, Config{MaxTalkers: 1})
	a, b := s.join(310), s.join(470)
	s.join(0)
	changes, last := 0, (*Member)(nil)
	for i := range 400 { // both talk, one or the other 4 dB louder in turn
		a.volume, b.volume = 0.2, 0.13
		if i/20%2 == 0 {
			a.volume, b.volume = 0.13, 0.2
		}
		s.run(1)
		if len(s.room.voices) == 1 && s.room.voices[0].member != last {
			changes, last = changes+1, s.room.voices[0].member
		}
	}
	if changes != 1 {
		t.Errorf("%d changes of talker", changes)
	}
}

// TestManyVoicesAtOnce lets twenty people talk at the same time, with syllables
// and pauses. Who is heard must not change with each syllable.
func TestManyVoicesAtOnce(t *testing.T) {
	h := newHall(t, Config{MaxTalkers: 4, Workers: 1}, 1, 20, 20)
	before, changes := h.engine.Stats(), 0
	was := map[*Member]bool{}
	for i := range 1000 {
		h.speak(func(talker int) uint8 {
			t := float64(i+37*talker) / 50
			syllable := max(0.05, math.Sin(2*math.Pi*2.2*t))
			if math.Mod(t, 1.3) > 1.15 {
				syllable = 0.01
			}
			return uint8(20 - 20*math.Log10(syllable))
		})
		for _, m := range h.talkers {
			if talks := m.voice != nil; talks != was[m] {
				was[m] = talks
				changes++
			}
		}
	}
	after := h.engine.Stats()
	if changes > 30 {
		t.Errorf("%d changes of talkers in 20 s", changes)
	}
	if n := float64(after.Encodes-before.Encodes) / 1000; n > 5.2 {
		t.Errorf("%.2f frames encoded per tick for 4 talkers", n)
	}
}
