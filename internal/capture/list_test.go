package capture

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

const someAttendee = "e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6"

func TestNamesTellWhatAnObjectIs(t *testing.T) {
	for name, want := range map[string]string{
		"audio/2026-03-04-05-06-07-123.mp4":                              audioFolder,
		"meeting-events/2026-03-04-05-06-07-123.txt":                     eventsFolder,
		"data-channel/2026-03-04-05-06-07-123.txt":                       dataFolder,
		"transcription-messages/2026-03-04-05-06-07-123.txt":             transcriptFolder,
		"composited-video/2026-03-04-05-06-07-123.mp4":                   composedFolder,
		"composited-video/2026-03-04-05-06-07-123.txt":                   "",
		"transcription-messages/2026-03-04-05-06-07-123.mp4":             "",
		"video/2026-03-04-05-06-07-123-" + someAttendee + ".mp4":         videoFolder + "/" + someAttendee,
		"video/2026-03-04-05-06-07-123-" + someAttendee + "#content.mp4": videoFolder + "/" + someAttendee + "#content",
		"video/2026-03-04-05-06-07-123.mp4":                              "",
		"video/2026-03-04-05-06-07-123-nobody.mp4":                       "",
		"audio/2026-03-04-05-06-07-123-" + someAttendee + ".mp4":         "",
		"audio/2026-03-04-05-06-07-123.txt":                              "",
		"audio/2026-13-04-05-06-07-123.mp4":                              "",
		"audio/2026-03-04-05-06-07.123.mp4":                              "",
		"audio/" + someAttendee + ".mp4":                                 "",
		"audio/short.mp4":                                                "",
		"meeting-events/2026-03-04-05-06-07-123.mp4":                     "",
		"elsewhere/2026-03-04-05-06-07-123.mp4":                          "",
		"2026-03-04-05-06-07-123.mp4":                                    "",
		"audio/more/2026-03-04-05-06-07-123.mp4":                         "",
		"":                                                               "",
	} {
		p, ok := pieceOf(name)
		if ok != (want != "") || ok && (p.Stream != want || !p.Start.Equal(start)) {
			t.Errorf("%s: %t %+v", name, ok, p)
		}
	}
}

// streamsOf returns streams that a recording may have of a kind.
func streamsOf(kind artifact) []string {
	if kind.apart {
		return []string{kind.folder + "/" + someAttendee, kind.folder + "/" + someAttendee + meeting.ContentSuffix}
	}
	return []string{kind.folder}
}

func TestEveryKindOfPieceIsReadBack(t *testing.T) {
	other := map[string]string{typeMP4: typeText, typeText: typeMP4}
	for _, kind := range artifacts() {
		for _, stream := range streamsOf(kind) {
			p := Piece{Stream: stream, Type: kind.mimeType, Start: start}
			newNamer(aPipeline(), nil).name(&p)
			name := strings.TrimPrefix(p.Key, "p/")
			got, ok := pieceOf(name)
			if !ok || got.Stream != stream || got.Type != p.Type || !got.Start.Equal(start) {
				t.Errorf("%s is read as %t %+v", name, ok, got)
			}
			wrong := strings.TrimSuffix(name, extension(p.Type)) + extension(other[p.Type])
			if _, ok := pieceOf(wrong); ok {
				t.Errorf("%s is taken for a piece", wrong)
			}
		}
	}
}

// What another node has recorded is found where it is stored, of whatever kind it
// is, and follows what the journal here lists.
func TestPiecesOfAnotherNodeAreJoined(t *testing.T) {
	all := meeting.Artifacts{Audio: true, Video: true, Content: true, Composed: true, DataChannel: true, Transcription: true, MeetingEvents: true}
	s := newShelf(t)
	streams := 0
	for _, kind := range artifacts() {
		content := func(i int) []byte { return fmt.Appendf(nil, "line %d\n", i) }
		if kind.mimeType == typeMP4 {
			tracks, samples := films(mp4.VP8, 150)
			content = func(int) []byte { return mp4.Piece(tracks, samples) }
		}
		for _, stream := range streamsOf(kind) {
			streams++
			for i := range 2 {
				s.put(stream, time.Duration(i)*pieceFor, 5000, content(i))
			}
		}
	}
	s.pieces = slices.DeleteFunc(s.pieces, func(p Piece) bool { return p.Start.After(start) }) // the other node's
	source := aPipeline()
	source.Created, source.Updated = start, start.Add(2*pieceFor)
	made, err := s.joinFrom(source, all)
	must(t, err)
	if len(made) != streams {
		t.Errorf("of %d streams came %q", streams, slices.Sorted(maps.Keys(made)))
	}
	for name, content := range made {
		if strings.HasSuffix(name, ".txt") {
			if string(content) != "line 0\nline 1\n" {
				t.Errorf("%s: %q", name, content)
			}
		} else if got := secondsOf(t, content); got != 10 {
			t.Errorf("%s is %v s long", name, got)
		}
	}
}

func FuzzPieceOf(f *testing.F) {
	for _, kind := range artifacts() {
		f.Add(kind.folder + "/2026-03-04-05-06-07-123" + extension(kind.mimeType))
	}
	f.Add("video/2026-03-04-05-06-07-123-" + someAttendee + "#content.mp4")
	f.Add("audio/0000-01-01-00-00-00-000.mp4")
	f.Fuzz(func(t *testing.T, name string) {
		p, ok := pieceOf(name)
		if !ok || p.Start.Year() < 1 { // a namer begins with the year 1
			return
		}
		n := newNamer(aPipeline(), nil)
		if n.name(&p); p.Key != "p/"+name {
			t.Errorf("%q is named %q", name, p.Key)
		}
	})
}

func TestPiecesWithoutAJournalAreFoundByTheirTime(t *testing.T) {
	s := newShelf(t)
	for i := range 3 {
		s.put(audioFolder, time.Duration(i)*pieceFor, 5000, soundPieceOf(250))
	}
	s.put(eventsFolder, 0, 1000, []byte("begun\n"))
	s.put(audioFolder, time.Hour, 5000, soundPieceOf(250)) // of a later capture
	s.put(eventsFolder, 11*time.Second, 1000, []byte("ended\n"))
	s.objects["bucket/p/audio/notes.mp4"] = []byte("somebody else's")
	all := s.pieces
	a := meeting.Artifacts{Audio: true, MeetingEvents: true}
	for name, pieces := range map[string][]Piece{"none": nil, "some": all[1:3], "the others": {all[0], all[3]}} {
		s.pieces = pieces
		source := aPipeline()
		source.Created, source.Updated = start, start.Add(15*time.Second)
		made, err := s.joinFrom(source, a)
		must(t, err)
		if string(made["meeting-events/ID.txt"]) != "begun\nended\n" {
			t.Errorf("%s in the journal: %q", name, made["meeting-events/ID.txt"])
		}
		if got := secondsOf(t, made["audio/ID.mp4"]); got != 15 {
			t.Errorf("%s in the journal: %v s of %v", name, got, slices.Sorted(maps.Keys(made)))
		}
	}
	s.pieces = nil
	if _, err := s.joinFrom(aPipeline(), a); err == nil || !isUnreadable(err) {
		t.Errorf("of a capture of another time: %v", err)
	}
}

func TestADirectoryListsItsObjects(t *testing.T) {
	d := Directory(t.TempDir())
	for _, key := range []string{"p/audio/b", "p/audio/a", "p/video/c#content", "pq/audio/d", "other"} {
		must(t, d.Put(context.Background(), Object{Bucket: "bucket", Key: key}, strings.NewReader("four"), 4))
	}
	got, err := d.List(context.Background(), "bucket", "p/")
	if want := []Listed{{"p/audio/a", 4}, {"p/audio/b", 4}, {"p/video/c#content", 4}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := d.List(context.Background(), "nothing", "p/"); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAJournalIsCompleteFromTheBeginningToTheEnd(t *testing.T) {
	for want, pieces := range map[bool][][]Piece{
		false: {nil, {{First: true}}, {{Last: true}}, {{}}},
		true:  {{{First: true}, {}, {Last: true}}},
	} {
		for _, list := range pieces {
			if got := (&journal{pieces: list}).complete(); got != want {
				t.Errorf("%+v: %t", list, got)
			}
		}
	}
}

// secondsOf is how long a file is.
func secondsOf(t *testing.T, content []byte) float64 {
	t.Helper()
	if len(content) == 0 {
		return 0
	}
	got, err := strconv.ParseFloat(probe(t, content).Format.Duration, 64)
	must(t, err)
	return got
}
