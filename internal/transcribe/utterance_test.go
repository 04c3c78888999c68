package transcribe

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

func TestAnUtteranceThatGoesOnIsCut(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one two", false)
		s.says("one two", false)
		v.says("ada", utteranceAge+2*beat)
		v.told("started", "partial ada: one two", "final ada: one two")
		first := v.door.last(t).ID
		s.says("one two three", false)
		s.says("one two three", false)
		v.told("partial ada: three")
		s.says("one two three four", true)
		v.told("final ada: three four")
		if last := v.door.last(t); last.ID == first {
			t.Error("the second part has the id of the first")
		}
	})
}

// What was shown and is taken back by the engine is closed, without confidence.
func TestAWithdrawnUtteranceIsClosed(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("the", false)
		s.says("", true)
		v.told("started") // it was never shown
		s.says("the", false)
		s.says("the", false)
		s.says("", true)
		v.told("partial ada: the", "final ada: the")
		if r := v.door.last(t); r.Items[0].Confidence == nil || *r.Items[0].Confidence != 0 {
			t.Errorf("closed as %+v", r)
		}
	})
}

// An engine that never says that an utterance has ended.
func TestAFinalThatDoesNotCome(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		s.says("one", false)
		s.says("one", false)
		v.wait(finalWithin + time.Second)
		v.told("started", "partial ada: one", "final ada: one")
		s.says("one", true) // late
		v.told()
		v.says("ada", time.Second)
		s.says("two", true)
		v.told("final ada: two")
	})
}

func TestTheFirstHypothesisIsShownInTime(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		v.says("ada", time.Second)
		v.engine.session(t, 0).says("one", false)
		v.says("ada", settleWithin+beat)
		v.told("started", "partial ada: one")
	})
}

// Times of words are those of when they were said, across pauses, and never run
// back.
func TestWordsHaveTheTimeWhenTheyWereSaid(t *testing.T) {
	inBubble(t, func(v *env) {
		v.start(english)
		begun := time.Now()
		v.says("ada", time.Second)
		v.wait(4 * time.Second)
		again := time.Now()
		v.says("ada", time.Second)
		s := v.engine.session(t, 0)
		second := 1 + tail.Seconds() // of the session's sound
		s.heard(speech.Hypothesis{Utterance: 0, Final: true, Words: []speech.Word{
			{Text: "one", Timed: true, Start: 0.2, End: 0.5}, {Text: "two", Timed: true, Start: second + 0.2, End: second + 0.4},
			{Text: "odd", Timed: true, Start: 0, End: -1}, {Text: "far", Timed: true, Start: 1e9, End: 1e9},
		}})
		v.wait(0)
		items := v.door.last(t).Items
		for i, want := range []time.Time{begun.Add(200 * time.Millisecond), again.Add(200 * time.Millisecond)} {
			if d := items[i].Start.Sub(want); d < -150*time.Millisecond || d > 150*time.Millisecond {
				t.Errorf("word %d is off by %v", i, d)
			}
		}
		for i := range items {
			if items[i].End.Before(items[i].Start) || i > 0 && items[i].Start.Before(items[i-1].Start) || items[i].End.After(time.Now()) {
				t.Errorf("times run back: %+v", items)
			}
		}
	})
}

func TestTextsAreWrittenAsTheLanguageDoes(t *testing.T) {
	items := []speech.Item{{Text: "Hello"}, {Text: ",", Punctuation: true}, {Text: "world"}, {Text: ".", Punctuation: true}}
	for language, want := range map[string]string{"en-US": "Hello, world.", "": "Hello, world.", "ja-JP": "Hello,world."} {
		if got := textOf(items, language); got != want {
			t.Errorf("%s: %q", language, got)
		}
	}
}

// With random hypotheses, a word that was once stable never changes.
func TestStableWordsStay(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		rule := []*stability{{2, 300 * time.Millisecond}, {3, 700 * time.Millisecond}, {4, 1200 * time.Millisecond}}[seed%3]
		s, now := steady{rule: rule}, time.Unix(0, 0)
		var kept []string
		for step := range 60 {
			now = now.Add(time.Duration(rnd.IntN(200)) * time.Millisecond)
			var words []speech.Word
			for range rnd.IntN(7) {
				words = append(words, speech.Word{Text: []string{"a", "b"}[rnd.IntN(5)/4]})
			}
			got := s.keep(words, step == 59, now)
			for i, w := range got {
				if w.Stable == nil {
					t.Fatal("nothing is said of a word")
				}
				if i < len(kept) && (w.Text != kept[i] || !*w.Stable) {
					t.Fatalf("seed %d: word %d was %s and stable, and is %s", seed, i, kept[i], w.Text)
				}
				if *w.Stable && i >= len(kept) {
					kept = append(kept, w.Text)
				}
			}
			if len(got) < len(kept) {
				t.Fatalf("seed %d: stable words are gone", seed)
			}
		}
	}
}

func TestStabilityIsAsAsked(t *testing.T) {
	for level, want := range map[string]int{"": 2, "high": 2, "medium": 3, "low": 4} {
		got := stabilityOf(&speech.Settings{EnablePartialResultsStabilization: true, PartialResultsStability: level})
		if got == nil || got.hypotheses != want {
			t.Errorf("%q: %+v", level, got)
		}
	}
	if stabilityOf(&speech.Settings{PartialResultsStability: "low"}) != nil {
		t.Error("a rule that nobody asked for")
	}
}

// The decimator passes speech as loud as it was, stops what would fold back, and
// pieces join without a seam.
func TestDecimator(t *testing.T) {
	h := lowPass()
	loudness := func(hz float64, pieces int) float64 {
		var d decimator
		var out []byte
		pcm := make([]float32, 48000)
		for i := range pcm {
			pcm[i] = float32(0.5 * math.Sin(2*math.Pi*hz*float64(i)/48000))
		}
		for n := len(pcm) / pieces; len(pcm) > 0; pcm = pcm[n:] {
			out = d.append(out, &h, pcm[:n])
		}
		if len(out) != bytesPerSecond {
			t.Fatalf("a second became %d bytes", len(out))
		}
		sum := 0.0
		for i := bytesPerSecond / 2; i < len(out); i += 2 {
			s := float64(int16(uint16(out[i])|uint16(out[i+1])<<8)) / math.MaxInt16
			sum += s * s
		}
		return math.Sqrt(sum / (bytesPerSecond / 4))
	}
	full := 0.5 / math.Sqrt2
	for hz, want := range map[float64][2]float64{300: {0.97, 1.03}, 3000: {0.97, 1.03}, 6000: {0.9, 1.05}, 10000: {0, 0.02}, 15000: {0, 0.01}, 20000: {0, 0.01}} {
		for _, pieces := range []int{1, 50, 100} {
			if got := loudness(hz, pieces) / full; got < want[0] || got > want[1] {
				t.Errorf("%v Hz in %d pieces comes out at %.4f, want %v", hz, pieces, got, want)
			}
		}
	}
}

func TestUtterancesEndAtTwoHundredWords(t *testing.T) {
	inBubble(t, func(v *env) {
		s := v.adaSpeaks()
		long := strings.Repeat("la ", utteranceWords)
		s.says(long, false)
		s.says(long, false)
		v.wait(2 * beat)
		if r := v.door.last(t); r.Partial || len(r.Items) != utteranceWords {
			t.Errorf("%d items, partial %t", len(r.Items), r.Partial)
		}
	})
}
