package capture

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestNamesSortAndNeverRepeat(t *testing.T) {
	p := aPipeline()
	n := newNamer(p, nil)
	for i, want := range []string{
		"p/audio/2026-03-04-05-06-07-123.mp4", "p/audio/2026-03-04-05-06-07-124.mp4", "p/audio/2026-03-04-05-06-07-125.mp4",
	} {
		piece := Piece{Stream: audioFolder, Type: typeMP4, Start: start.Add(-time.Duration(i) * time.Second)}
		if n.name(&piece); piece.Key != want {
			t.Errorf("%s, want %s", piece.Key, want)
		}
	}
	for stream, want := range map[string]string{
		"video/aa-bb":         "p/video/2026-03-04-05-06-07-123-aa-bb.mp4",
		"video/aa-bb#content": "p/video/2026-03-04-05-06-07-123-aa-bb#content.mp4",
	} {
		piece := Piece{Stream: stream, Type: typeMP4, Start: start.In(time.FixedZone("", 3600))}
		if n.name(&piece); piece.Key != want {
			t.Errorf("%s, want %s", piece.Key, want)
		}
	}
	p.Settings.Prefix = ""
	after := newNamer(p, []Piece{{Stream: dataFolder, Start: start}})
	piece := Piece{Stream: dataFolder, Type: typeText, Start: start}
	if after.name(&piece); piece.Key != p.Meeting.String()+"/data-channel/2026-03-04-05-06-07-124.txt" {
		t.Errorf("after a restart: %s", piece.Key)
	}
}

// The network delays packets as it likes; the sender's clock runs a little fast.
func TestPicturesGetTheTimeTheyWereSent(t *testing.T) {
	for _, ppm := range []float64{-200, 0, 200} {
		var c rtpClock
		ts := uint32(0xFFFFF000)
		worst, before := time.Duration(0), time.Time{}
		for i := range 30 * 600 { // ten minutes
			sent := start.Add(time.Duration(i) * time.Second / 30)
			delay := 20*time.Millisecond + time.Duration(i*7919%40)*time.Millisecond
			got := c.at(ts, sent.Add(delay), time.Time{})
			if off := got.Sub(sent) - 20*time.Millisecond; i > 300 {
				worst = max(worst, off, -off)
			}
			if !got.After(before) {
				t.Fatalf("%v ppm: picture %d goes back", ppm, i)
			}
			before = got
			ts += uint32(3000 * (1 + ppm/1e6) * 1)
			if ppm != 0 && i%int(1e6/(3000*max(ppm, -ppm))+1) == 0 {
				ts += uint32(int32(ppm / max(ppm, -ppm)))
			}
		}
		if worst > 45*time.Millisecond {
			t.Errorf("%v ppm: off by %s", ppm, worst)
		}
	}
}

func TestASenderThatBeginsAnewIsBelieved(t *testing.T) {
	var c rtpClock
	c.at(1000, start, time.Time{})
	if got := c.at(900_000_000, start.Add(time.Second), time.Time{}); !got.Equal(start.Add(time.Second)) {
		t.Errorf("%s", got)
	}
	if got := c.at(5, start.Add(2*time.Second), time.Time{}); got.Sub(start.Add(2*time.Second)).Abs() > time.Millisecond {
		t.Errorf("%s", got)
	}
}

func TestLinesAreWhatReadersOfAmazonsFilesExpect(t *testing.T) {
	l := lines{stream: eventsFolder}
	l.plainEvent(start, captureStarted)
	l.event(start.Add(time.Millisecond), attendeeJoined, "a-1", "")
	l.event(start, videoJoined, "a-1#content", "ContentShare")
	if l.due(start.Add(textFor-1)) || !l.due(start.Add(textFor)) {
		t.Error("an object is due at the wrong time")
	}
	p, content, ok := l.take(start.Add(6 * time.Second))
	want := `{"Timestamp":"2026-03-04T05:06:07.123+00:00","EventType":"CaptureStarted"}
{"Timestamp":"2026-03-04T05:06:07.124+00:00","EventType":"AttendeeJoined","EventParameters":{"AttendeeId":"a-1","MediaModality":""}}
{"Timestamp":"2026-03-04T05:06:07.123+00:00","EventType":"AttendeeVideoJoined","EventParameters":{"AttendeeId":"a-1#content","MediaModality":"ContentShare"}}
`
	if !ok || string(content) != want || p.Type != typeText || !p.Start.Equal(start) || p.Millis != 6000 {
		t.Errorf("%+v\n%s", p, content)
	}
	if _, _, ok := l.take(start); ok || l.due(start.Add(time.Hour)) {
		t.Error("an object of nothing")
	}
}

func TestDataMessagesAreLines(t *testing.T) {
	l := lines{stream: dataFolder}
	l.message(start, "a-1", "chat", []byte(`say "hé"`))
	l.message(start, "a-1", "raw", []byte{0xFF, 0})
	l.message(start, "a-1", "aws:chime:transcription", []byte("not ours to keep"))
	_, content, _ := l.take(start)
	var got []map[string]string
	for text := range strings.Lines(string(content)) {
		var m map[string]string
		must(t, json.Unmarshal([]byte(text), &m))
		got = append(got, m)
	}
	if len(got) != 2 || got[0]["Data"] != `say "hé"` || got[0]["Topic"] != "chat" || got[0]["SenderAttendeeId"] != "a-1" || got[1]["Data"] != "/wA=" || got[1]["DataEncoding"] != "base64" {
		t.Errorf("%v", got)
	}
	if _, marked := got[0]["DataEncoding"]; marked {
		t.Error("text is marked as encoded")
	}
}

// picture is a picture so many milliseconds after start.
func picture(ms int, key bool) timed {
	p := frame.Picture{Data: []byte(fmt.Sprint("p", ms)), Key: key}
	if key {
		p.Track = mp4.Track{Codec: mp4.H264, Width: 640, Height: 360, Config: []byte{1}}
	}
	return timed{p, start.Add(time.Duration(ms) * time.Millisecond)}
}

func TestPicturesAreCutAtKeyFrames(t *testing.T) {
	r := newRun(picture(0, true))
	asked := 0
	for ms := 33; ; ms += 33 {
		p := picture(ms, ms >= 5100)
		cut, ask := r.cuts(p)
		if ask {
			asked++
			if ms < 4700 || ms > 4733 {
				t.Errorf("a key frame is asked for at %d ms", ms)
			}
		}
		if !cut {
			r.add(p)
			continue
		}
		if next := r.cut(p); ms < 5100 || ms > 5133 || !next.samples[0].Sync || !next.start.Equal(p.at) {
			t.Errorf("cut at %d ms: %+v", ms, next)
		}
		c := camera{stream: "video/a"}
		piece, content := c.piece(r)
		tracks, err := mp4.Read(content())
		if err != nil || length(tracks[0].Samples) != uint64(ms)*90 || piece.Millis != int64(ms) || piece.Codec != "h264" || len(tracks[0].Samples) != ms/33 {
			t.Errorf("%+v, %v", piece, err)
		}
		break
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestPicturesAreCutInTimeWithoutAKeyFrame(t *testing.T) {
	r := newRun(picture(0, true))
	for ms := 100; ms < 10_000; ms += 100 {
		if cut, _ := r.cuts(picture(ms, false)); cut {
			t.Fatalf("cut at %d ms", ms)
		}
		r.add(picture(ms, false))
	}
	late := picture(10_000, false)
	if cut, _ := r.cuts(late); !cut {
		t.Fatal("not cut")
	}
	if next := r.cut(late); next.samples[0].Sync || !next.track.Same(r.track) {
		t.Errorf("%+v", next)
	}
}

func TestAnotherSizeBeginsAnotherPiece(t *testing.T) {
	r := newRun(picture(0, true))
	other := picture(100, true)
	other.Track.Width = 1280
	if cut, _ := r.cuts(other); !cut {
		t.Error("not cut")
	}
	if cut, _ := r.cuts(picture(100, true)); cut {
		t.Error("a key frame of the same size cuts")
	}
}

func TestSoundIsCutEveryFiveSeconds(t *testing.T) {
	var s sound
	var pieces []soundPiece
	for i := range uint32(600) {
		s.write([]byte{byte(i)}, 7*960+i*960, start.Add(time.Duration(i)*20*time.Millisecond))
		if s.full() {
			p, _ := s.take()
			pieces = append(pieces, p)
		}
	}
	if len(pieces) != 2 || len(pieces[0].samples) != 250 || pieces[1].start.Sub(pieces[0].start) != 5*time.Second {
		t.Fatalf("%d pieces", len(pieces))
	}
	if p, content := pieces[1].piece(); p.Millis != 5000 || p.Codec != "opus" || p.Stream != audioFolder {
		t.Errorf("%+v", p)
	} else if tracks, err := mp4.Read(content()); err != nil || len(tracks) != 1 || length(tracks[0].Samples) != 240_000 || tracks[0].Samples[0].Data[0] != 250 {
		t.Errorf("%v", err)
	}
	if _, ok := s.take(); !ok {
		t.Error("the rest is lost")
	}
	if _, ok := s.take(); ok {
		t.Error("a piece of nothing")
	}
}

func TestAStallIsFilledWithSilence(t *testing.T) {
	var s sound
	s.write([]byte{1}, 0, start)
	s.write([]byte{2}, 4*960, start)
	p, _ := s.take()
	if len(p.samples) != 5 || string(p.samples[2].Data) != string(silence()) || p.samples[4].Data[0] != 2 {
		t.Errorf("%+v", p.samples)
	}
	far := 5*960 + (fillFrames+1)*960
	if s.stalled(5*960) || !s.stalled(far) {
		t.Error("a stall is not told from none")
	}
	s.write([]byte{3}, far, start)
	if p, _ := s.take(); len(p.samples) != 1 || !p.start.Equal(s.at(far)) {
		t.Errorf("after a long stall: %+v", p)
	}
}

func TestTheSpeakerIsWhoStaysTheLoudest(t *testing.T) {
	var s speaker
	at := start
	hear := func(who string, ms int) (changed bool) {
		for range ms / 200 {
			at = at.Add(200 * time.Millisecond)
			changed = s.hear(who, at) || changed
		}
		return changed
	}
	for i, step := range []struct {
		who  string
		ms   int
		now  string
		told bool
	}{
		{"ann", 200, "", false}, {"ann", 600, "ann", true}, {"bob", 200, "ann", false}, {"ann", 2000, "ann", false},
		{"bob", 800, "bob", true}, {"ann", 600, "bob", false}, {"ann", 600, "ann", true}, {"", 1800, "ann", false}, {"", 600, "", true},
	} {
		if told := hear(step.who, step.ms); told != step.told || s.now != step.now {
			t.Errorf("step %d: %q is speaking, told %t; want %q, %t", i, s.now, told, step.now, step.told)
		}
	}
}

func TestModalities(t *testing.T) {
	if modality("a") != "Video" || modality("a"+meeting.ContentSuffix) != "ContentShare" {
		t.Error("wrong")
	}
}

func TestTheKeyFrameThatWasAskedForCuts(t *testing.T) {
	r := newRun(picture(0, true))
	for ms, want := range map[int]bool{4600: false, 4700: true, 4999: true} {
		if cut, _ := r.cuts(picture(ms, true)); cut != want {
			t.Errorf("at %d ms: cut %t", ms, cut)
		}
	}
}

// length is how long samples last together.
func length(samples []mp4.Sample) (n uint64) {
	for _, s := range samples {
		n += uint64(s.Duration)
	}
	return n
}
