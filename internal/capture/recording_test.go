package capture

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// studio is a recording whose room and clock the test plays.
type studio struct {
	*recording
	t  *testing.T
	mu sync.Mutex
	at time.Time
	ts uint32
	// unreported says that cameras do not report when pictures were captured.
	unreported bool
}

func newStudio(t *testing.T, dir string, settings meeting.PipelineSettings) *studio {
	t.Helper()
	p := aPipeline()
	p.Settings = settings
	p.Settings.Prefix = "p"
	s := &studio{t: t, at: start}
	spool := openTestSpool(t, dir, new(budget))
	s.recording = newRecording(p, spool, func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.at
	})
	s.failed = func(err error) { t.Error(err) }
	s.over = func() {}
	t.Cleanup(func() { must(t, spool.close()) })
	return s
}

// play lets time go on, 20 ms a frame; each is called with the number of the
// frame.
func (s *studio) play(d time.Duration, each func(n int)) {
	for n := range int(d / soundFrame) {
		if each != nil {
			each(n)
		}
		s.WriteFrame([]byte{0xF8, byte(n)}, s.ts, false)
		s.ts += rtpx.FrameSamples
		s.mu.Lock()
		s.at = s.at.Add(soundFrame)
		s.mu.Unlock()
	}
}

// camera enters a view as review does.
func (s *studio) camera(group uint32, attendee string, apart bool) *view {
	v := &view{recording: s.recording, video: media.Video{GroupID: group, AttendeeID: attendee}}
	if apart {
		v.camera = &camera{stream: videoFolder + "/" + attendee}
	}
	s.recording.mu.Lock()
	defer s.recording.mu.Unlock()
	s.views[group], s.live[group] = v, attendee
	return v
}

// film sends a picture of a view.
func (s *studio) film(v *view, n int, key bool) { s.filmed(v, n, key, 0) }

// filmed sends a picture of a view that was captured so long ago, if that is not
// 0.
func (s *studio) filmed(v *view, n int, key bool, ago time.Duration) {
	s.mu.Lock()
	at := s.at
	s.mu.Unlock()
	captured := time.Time{}
	if ago > 0 && !s.unreported {
		captured = at.Add(-ago)
	}
	payload := []byte{0x10, 1, 0, 0} // VP8, not a key frame
	if key {
		payload = []byte{0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01, byte(n)}
	}
	info, err := rtpx.Inspect(rtpx.VP8, payload)
	must(s.t, err)
	v.packet(&media.VideoPacket{StreamID: 1, Codec: rtpx.VP8, Seq: uint16(n), TS: uint32((at.Sub(start) - ago).Milliseconds()) * 90, Marker: true, At: at, Captured: captured, Payload: payload, Info: info})
}

// objects returns what was recorded: by stream, in order.
func (s *studio) objects() map[string][]Piece {
	list := map[string][]Piece{}
	for _, p := range s.spool.all() {
		list[p.Stream] = append(list[p.Stream], p)
	}
	return list
}

func (s *studio) tracks(p Piece) []mp4.ReadTrack {
	s.t.Helper()
	content, err := s.spool.content(p)
	must(s.t, err)
	tracks, err := mp4.Read(content)
	must(s.t, err)
	return tracks
}

// events returns the types of the events in an object, with the attendees.
func (s *studio) events(p Piece) (list []string) {
	s.t.Helper()
	content, err := s.spool.content(p)
	must(s.t, err)
	for text := range strings.Lines(string(content)) {
		var e eventLine
		must(s.t, json.Unmarshal([]byte(text), &e))
		name := e.EventType
		if e.EventParameters != nil {
			name += " " + e.EventParameters.AttendeeID
		}
		list = append(list, name)
	}
	return list
}

func TestARecordingOfSound(t *testing.T) {
	s := newStudio(t, t.TempDir(), meeting.PipelineSettings{})
	s.Joined("ann", start)
	s.play(12*time.Second, func(n int) {
		if n == 300 {
			s.Message("ann", "chat", []byte("hello"), s.now())
		}
	})
	s.close(true)
	all := s.objects()
	sounds := all[audioFolder]
	if len(sounds) != 3 || !sounds[0].Start.Equal(start) {
		t.Fatalf("%+v", sounds)
	}
	for i, want := range []int64{5000, 5000, 2000} {
		if sounds[i].Millis != want || i > 0 && sounds[i].Start.Sub(sounds[i-1].Start) != pieceFor {
			t.Errorf("piece %d: %+v", i, sounds[i])
		}
		if tracks := s.tracks(sounds[i]); length(tracks[0].Samples) != uint64(want)*48 {
			t.Errorf("piece %d holds %d", i, length(tracks[0].Samples))
		}
	}
	if len(all[dataFolder]) != 1 || len(all) != 3 {
		t.Errorf("%v", all)
	}
}

func TestTheBeginningAndTheEndAreNeverInOneFile(t *testing.T) {
	for _, length := range []time.Duration{0, 100 * time.Millisecond, 4 * time.Second, 11 * time.Second} {
		s := newStudio(t, t.TempDir(), meeting.PipelineSettings{})
		s.Joined("ann", start)
		s.play(length, func(n int) {
			if n == 500 {
				s.Left("ann", s.now())
			}
		})
		s.close(true)
		events := s.objects()[eventsFolder]
		first, last := s.events(events[0]), s.events(events[len(events)-1])
		if len(events) < 2 || first[0] != "CaptureStarted" || first[1] != "AttendeeJoined ann" || last[len(last)-1] != "CaptureEnded" {
			t.Errorf("%s: %q … %q", length, first, last)
		}
		if !events[len(events)-1].Last || events[0].Last {
			t.Errorf("%s: %+v", length, events)
		}
	}
}

func TestARecordingGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := newStudio(t, dir, meeting.PipelineSettings{})
	s.play(6*time.Second, nil)
	s.close(false)
	again := newStudio(t, dir, meeting.PipelineSettings{})
	again.at = start.Add(time.Minute)
	again.play(time.Second, nil)
	again.close(true)
	all := again.objects()
	if len(all[audioFolder]) != 3 || !all[audioFolder][2].Start.Equal(start.Add(time.Minute)) {
		t.Errorf("%+v", all[audioFolder])
	}
	started, ended := 0, 0
	for _, p := range all[eventsFolder] {
		for _, e := range again.events(p) {
			switch e {
			case captureStarted:
				started++
			case captureEnded:
				ended++
			}
		}
	}
	if started != 1 || ended != 1 {
		t.Errorf("started %d times, ended %d times", started, ended)
	}
}

func TestARecordingThatACrashEndedEndsWithItsLastPiece(t *testing.T) {
	dir := t.TempDir()
	s := newStudio(t, dir, meeting.PipelineSettings{})
	s.play(6*time.Second, nil)
	s.close(false)
	again := newStudio(t, dir, meeting.PipelineSettings{})
	again.at = start.Add(time.Hour)
	again.close(true)
	events := again.objects()[eventsFolder]
	if last := events[len(events)-1]; !last.Last || last.Start.Sub(start) > 7*time.Second {
		t.Errorf("%+v", last)
	}
}

func TestEveryCameraGetsPiecesOfItsOwn(t *testing.T) {
	s := newStudio(t, t.TempDir(), meeting.PipelineSettings{Artifacts: meeting.Artifacts{Video: true}})
	v := s.camera(1, "ann", true)
	s.play(12*time.Second, func(n int) {
		if n%2 == 0 {
			s.film(v, n/2, n%250 == 0)
		}
	})
	s.close(true)
	films := s.objects()["video/ann"]
	if len(films) != 3 || films[0].Key != "p/video/2026-03-04-05-06-07-123-ann.mp4" {
		t.Fatalf("%+v", films)
	}
	for i, p := range films {
		tracks := s.tracks(p)
		if len(tracks) != 1 || tracks[0].Codec != mp4.VP8 || tracks[0].Width != 640 || !tracks[0].Samples[0].Sync {
			t.Errorf("%+v", tracks)
		}
		if i > 0 && p.Start.Sub(films[i-1].Start) != time.Duration(films[i-1].Millis)*time.Millisecond {
			t.Errorf("piece %d begins %s after the one before, which lasts %d ms", i, p.Start.Sub(films[i-1].Start), films[i-1].Millis)
		}
	}
	if last := s.objects()[eventsFolder]; fmt.Sprint(s.events(last[len(last)-1])) != "[AttendeeVideoLeft ann CaptureEnded]" {
		t.Errorf("%q", s.events(last[len(last)-1]))
	}
}

func TestThePictureOfWhoIsSpeakingGoesWithTheSound(t *testing.T) {
	s := newStudio(t, t.TempDir(), meeting.PipelineSettings{ActiveSpeakerVideo: true})
	ann, bob := s.camera(1, "ann", false), s.camera(2, "bob", false)
	show := func(v *view) {
		s.recording.mu.Lock()
		defer s.recording.mu.Unlock()
		s.showLocked(v)
	}
	show(ann)
	s.play(12*time.Second, func(n int) {
		switch n {
		case 200:
			show(bob)
		case 500:
			s.speaker.now = "cleo"
			show(nil)
		}
		if n%2 == 0 {
			s.film(ann, n/2, n%250 == 0)
			s.film(bob, n/2, n%250 == 210%250)
		}
	})
	s.close(true)
	var got []string
	total := int64(0)
	for _, p := range s.objects()[audioFolder] {
		got = append(got, fmt.Sprint(p.Codec, " ", p.Millis))
		total += p.Millis
		tracks := s.tracks(p)
		if len(tracks) == 2 {
			sound, pictures := length(tracks[0].Samples)/48, length(tracks[1].Samples)/90
			if !tracks[1].Samples[0].Sync || max(sound, pictures)-min(sound, pictures) > 40 {
				t.Errorf("%s: sound %d ms, pictures %d ms", p.Key, sound, pictures)
			}
		}
	}
	// Bob's picture is there from his key frame on, and ends when Cleo speaks, who
	// has no camera.
	if want := "[opus vp8 4200 opus vp8 5000 opus vp8 800 opus 2000]"; fmt.Sprint(got) != want || total != 12_000 {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestASpoolThatCannotBeWrittenIsTold(t *testing.T) {
	dir := t.TempDir()
	s := newStudio(t, dir, meeting.PipelineSettings{})
	told := make(chan error, 10)
	s.failed = func(err error) { told <- err }
	must(t, os.RemoveAll(dir))
	s.play(6*time.Second, nil)
	s.close(true)
	if err := <-told; err == nil {
		t.Error("nothing is told")
	}
}

func TestNothingComesAfterTheEnd(t *testing.T) {
	s := newStudio(t, t.TempDir(), meeting.PipelineSettings{})
	v := s.camera(1, "ann", true)
	s.close(true)
	before := len(s.spool.all())
	s.play(6*time.Second, nil)
	s.film(v, 1, true)
	s.Joined("late", start)
	s.Muted("late", true, start)
	s.Message("late", "chat", nil, start)
	s.Speaking("late", start)
	if after := len(s.spool.all()); after != before {
		t.Errorf("%d pieces more", after-before)
	}
	told := false
	s.over = func() { told = true }
	if s.Over(start); !told {
		t.Error("the end of the meeting is not told")
	}
}

func TestACameraHasAMomentToChangeItsCodec(t *testing.T) {
	for _, c := range []struct {
		asked []media.Codec
		want  int64 // ms that are recorded of six seconds in VP8
	}{{nil, 6000}, {[]media.Codec{media.CodecVP8}, 6000}, {[]media.Codec{media.CodecH264}, 3000}} {
		s := newStudio(t, t.TempDir(), meeting.PipelineSettings{Artifacts: meeting.Artifacts{Video: true}})
		s.codecs = c.asked
		v := s.camera(1, "ann", true)
		s.play(6*time.Second, func(n int) {
			if n%2 == 0 {
				s.film(v, n/2, n%50 == 0)
			}
		})
		s.close(true)
		total := int64(0)
		for _, p := range s.objects()["video/ann"] {
			total += p.Millis
		}
		if total != c.want {
			t.Errorf("asked for %v: %d ms, want %d", c.asked, total, c.want)
		}
	}
}
