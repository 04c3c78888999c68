package capture

import (
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// encoding is how long a camera needs for a picture.
const encoding = 300 * time.Millisecond

// filmUntil has a camera film for a while; it reports when pictures were captured
// from a moment on. It returns the pieces, and the view.
func filmUntil(t *testing.T, d, reported time.Duration) (s *studio, v *view) {
	t.Helper()
	s = newStudio(t, t.TempDir(), meeting.PipelineSettings{Artifacts: meeting.Artifacts{Video: true}})
	v = s.camera(1, "ann", true)
	s.play(d, func(n int) {
		s.unreported = time.Duration(n)*soundFrame < reported
		if n%2 == 0 {
			s.filmed(v, n/2, n == 0, encoding)
		}
	})
	return s, v
}

// A camera is switched on, and reports for the first time later: its first
// pictures are shown when what was said as they were captured is heard, too.
func TestPicturesBeforeTheFirstReportGoByIt(t *testing.T) {
	for _, reported := range []time.Duration{0, 600 * time.Millisecond, time.Second} {
		s, v := filmUntil(t, 3*time.Second, reported)
		s.close(true)
		films := s.objects()["video/ann"]
		want := start.Add(v.video.SoundDelay() - encoding)
		if len(films) != 1 || films[0].Start.Sub(want).Abs() > time.Millisecond {
			t.Fatalf("reported after %s: %+v, want a piece from %s", reported, films, want)
		}
		for i, sample := range s.tracks(films[0])[0].Samples[:70] {
			if sample.Duration < 40*90-1 || sample.Duration > 40*90+1 {
				t.Errorf("reported after %s: picture %d is shown for %d ticks", reported, i, sample.Duration)
			}
		}
	}
}

// Who never reports is recorded as it comes.
func TestPicturesWaitForAReportForAMomentOnly(t *testing.T) {
	s, v := filmUntil(t, 3*time.Second, time.Hour)
	if len(v.held) > 0 || v.camera.run == nil {
		t.Error("pictures still wait")
	}
	s.close(true)
	if films := s.objects()["video/ann"]; len(films) != 1 || !films[0].Start.Equal(start) || films[0].Millis != 3000 {
		t.Errorf("%+v", films)
	}
}

func TestACameraThatEndsBeforeItReportsIsRecorded(t *testing.T) {
	s, v := filmUntil(t, time.Second, time.Hour)
	if v.camera.run != nil {
		t.Error("no picture has waited")
	}
	s.close(true)
	if films := s.objects()["video/ann"]; len(films) != 1 || films[0].Millis != 1000 || len(s.tracks(films[0])[0].Samples) != 25 {
		t.Errorf("%+v", films)
	}
}
