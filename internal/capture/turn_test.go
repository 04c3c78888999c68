package capture

import (
	"fmt"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestPicturesFollowWhatTheirSenderReports(t *testing.T) {
	var c rtpClock
	frame := time.Second / 30
	at := func(n int, encoding time.Duration, heard bool) time.Duration {
		captured := start.Add(time.Duration(n) * frame)
		arrival, told := captured.Add(encoding), time.Time{}
		if heard {
			told = captured.Add(60 * time.Millisecond)
		}
		return c.at(uint32(n*3000), arrival, told).Sub(captured)
	}
	if got := at(0, 300*time.Millisecond, false); got != 300*time.Millisecond {
		t.Errorf("before a report: %s", got)
	}
	before := at(1, 300*time.Millisecond, false)
	for n := 2; n < 120; n++ {
		got := at(n, 300*time.Millisecond, true)
		if got > before || before-got > frame/turn+time.Microsecond {
			t.Fatalf("picture %d: %s after %s", n, got, before)
		}
		before = got
	}
	if (before - 60*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("in the end: %s", before)
	}
	if got := at(120, time.Second, false); (got - before).Abs() > time.Millisecond {
		t.Errorf("a picture without a report: %s", got)
	}
	if got := at(600, 0, true); (got - 60*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("after a pause: %s", got)
	}
}

func TestReportsThatAreKnownAtTheBeginningCountAtOnce(t *testing.T) {
	var c rtpClock
	heard := start.Add(-240 * time.Millisecond)
	if got := c.at(1, start, heard); !got.Equal(heard) {
		t.Errorf("off by %s", got.Sub(heard))
	}
}

func TestTheBeginningOfARunCanBeMoved(t *testing.T) {
	for name, c := range map[string]struct {
		by   int
		want []int
	}{
		"earlier":              {-10, []int{110, 100, 100}},
		"later":                {60, []int{40, 100, 100}},
		"beyond a picture":     {150, []int{0, 50, 100}},
		"beyond all but one":   {250, []int{0, 0, 50}},
		"where it is":          {0, []int{100, 100, 100}},
		"beyond all there are": {350, []int{0, 0, 50}},
	} {
		r := newRun(picture(0, true))
		r.add(picture(100, false))
		r.add(picture(200, false))
		r.begin(start.Add(time.Duration(c.by) * time.Millisecond))
		r.end(start.Add(max(300, time.Duration(c.by)+50) * time.Millisecond))
		for i, want := range c.want {
			if got := int(r.samples[i].Duration+45) / 90; got < want-1 || got > want+1 {
				t.Errorf("%s: picture %d lasts %d ms, want %d", name, i, got, want)
			}
		}
	}
	one := newRun(picture(0, true))
	one.begin(start.Add(20 * time.Millisecond))
	one.add(picture(100, false))
	if got := one.samples[0].Duration / 90; got != 80 {
		t.Errorf("the only one: %d ms", got)
	}
}

// lookAt returns for each piece of sound how long it is, and how long after its
// beginning the key frames of its pictures are shown.
func (s *studio) lookAt() (list []string) {
	s.t.Helper()
	for _, p := range s.objects()[audioFolder] {
		text := fmt.Sprint(p.Start.Sub(start).Milliseconds(), "+", p.Millis)
		tracks := s.tracks(p)
		if len(tracks) == 2 {
			if pictures := int64(length(tracks[1].Samples) / 90); pictures < p.Millis-1 || pictures > p.Millis+1 {
				s.t.Errorf("%s: pictures last %d ms of %d", p.Key, pictures, p.Millis)
			}
			text += " " + tracks[1].Codec.String()
		}
		list = append(list, text)
	}
	return list
}

// The sound is cut where the key frame belongs, whether that comes before the
// sound or long after it.
func TestSoundIsCutWhereItsPictureBelongs(t *testing.T) {
	for _, ago := range []time.Duration{10 * time.Millisecond, 58 * time.Millisecond, 400 * time.Millisecond} {
		s := newStudio(t, t.TempDir(), meeting.PipelineSettings{ActiveSpeakerVideo: true})
		v := s.camera(1, "ann", false)
		s.recording.mu.Lock()
		s.showLocked(v)
		s.recording.mu.Unlock()
		s.play(12*time.Second, func(n int) {
			if n >= 50 && n%2 == 0 {
				s.filmed(v, n/2, n%250 == 50, ago)
			}
		})
		s.close(true)
		// Pictures are captured at a second, and every five more, less what they need.
		first := (time.Second - ago + v.video.SoundDelay()).Round(soundFrame).Milliseconds()
		want := fmt.Sprint([]string{
			fmt.Sprint("0+", first), fmt.Sprint(first, "+5000 vp8"), fmt.Sprint(first+5000, "+5000 vp8"), fmt.Sprint(first+10_000, "+", 2000-first, " vp8"),
		})
		if got := fmt.Sprint(s.lookAt()); got != want {
			t.Errorf("%s ago: %s, want %s", ago, got, want)
		}
	}
}

func TestTwoSpeakersInQuickSuccessionAreShownInTurn(t *testing.T) {
	s := newStudio(t, t.TempDir(), meeting.PipelineSettings{ActiveSpeakerVideo: true})
	ann, bob := s.camera(1, "ann", false), s.camera(2, "bob", false)
	show := func(v *view) {
		s.recording.mu.Lock()
		defer s.recording.mu.Unlock()
		s.showLocked(v)
	}
	s.play(4*time.Second, func(n int) {
		switch n {
		case 50:
			show(ann)
			s.filmed(ann, n, true, 10*time.Millisecond)
		case 51: // before the sound has come to Ann's picture
			show(bob)
			s.filmed(bob, n, true, 10*time.Millisecond)
		case 100: // a picture that took so long that it belongs before Bob's
			show(ann)
			s.filmed(ann, n, true, 2*time.Second)
		}
	})
	s.close(true)
	if got, want := fmt.Sprint(s.lookAt()), "[0+1040 1040+20 vp8 1060+2940 vp8]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestASoundWhoseMixerTellsWhenItBeganBelievesIt(t *testing.T) {
	var s sound
	s.write([]byte{1}, 0, start.Add(70*time.Millisecond)) // called late
	s.begin(start)
	s.write([]byte{2}, 960, start)
	if p, _ := s.take(); !p.start.Equal(start) || !s.at(960).Equal(start.Add(soundFrame)) {
		t.Errorf("%s", p.start)
	}
}

func TestAViewWithoutAPublisherIsHeldAsUsual(t *testing.T) {
	v := media.Video{}
	if d := v.SoundDelay(); d < 40*time.Millisecond || d > 80*time.Millisecond {
		t.Errorf("%s", d)
	}
}

// What does not move is cut nevertheless, and each piece shows it.
func TestAPictureThatStandsStillIsInEveryPiece(t *testing.T) {
	s := newStudio(t, t.TempDir(), meeting.PipelineSettings{ActiveSpeakerVideo: true, Artifacts: meeting.Artifacts{Content: true}})
	v := s.camera(1, "ann", true)
	s.recording.mu.Lock()
	s.showLocked(v)
	s.recording.mu.Unlock()
	s.play(62*time.Second, func(n int) {
		switch {
		case n < 20, n >= 2800:
			s.filmed(v, n, n == 0 || n == 2900, time.Millisecond)
		}
	})
	s.close(true)
	for stream, pieces := range map[string][]Piece{"sound": s.objects()[audioFolder][1:], "camera": s.objects()["video/ann"]} {
		if len(pieces) < 6 {
			t.Errorf("%s: %d pieces", stream, len(pieces))
		}
		for i, p := range pieces {
			tracks := s.tracks(p)
			pictures := tracks[len(tracks)-1]
			if pictures.Codec != mp4.VP8 || !pictures.Samples[0].Sync || p.Millis > 12_001 || (int64(length(pictures.Samples))/90-p.Millis) > 1 {
				t.Errorf("%s, piece %d: %d ms, %d of pictures", stream, i, p.Millis, length(pictures.Samples)/90)
			}
			if i > 0 && p.Start.Sub(pieces[i-1].Start.Add(time.Duration(pieces[i-1].Millis)*time.Millisecond)).Abs() > 2*time.Millisecond {
				t.Errorf("%s, piece %d begins at %s", stream, i, p.Start)
			}
		}
	}
}

// FuzzClock gives the clock of a camera the times that its packets may have: those
// of their sender, when they come, and when they were captured as far as that is
// believed.
func FuzzClock(f *testing.F) {
	f.Add([]byte{0, 0, 0, 33, 60, 1, 0, 0, 66, 60})
	f.Add([]byte{255, 255, 255, 0, 0, 0, 0, 0, 255, 255})
	f.Fuzz(func(t *testing.T, script []byte) {
		var c rtpClock
		var last time.Time
		arrival := start
		for ; len(script) >= 5; script = script[5:] {
			ts := uint32(script[0])<<24 | uint32(script[1])<<12 | uint32(script[2])
			arrival = arrival.Add(time.Duration(script[3]) * time.Millisecond)
			heard := time.Time{}
			if ago := time.Duration(script[4]) * 20 * time.Millisecond; ago > 0 {
				heard = arrival.Add(60*time.Millisecond - ago)
			}
			at := c.at(ts, arrival, heard)
			if !at.After(last) || at.Sub(arrival).Abs() > 10*time.Second {
				t.Fatalf("%s after %s, came at %s", at, last, arrival)
			}
			last = at
		}
	})
}
