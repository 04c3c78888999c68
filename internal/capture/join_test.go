package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// shelf is a store with the pieces of one capture.
type shelf struct {
	*store
	t      *testing.T
	pieces []Piece
	names  *namer
}

func newShelf(t *testing.T) *shelf {
	return &shelf{store: newStore(), t: t, names: newNamer(aPipeline(), nil)}
}

// put adds a piece that begins so long after start.
func (s *shelf) put(stream string, at time.Duration, millis int64, content []byte) {
	s.t.Helper()
	folder, _, _ := strings.Cut(stream, "/")
	kind, _ := artifactIn(folder)
	p := Piece{Stream: stream, Type: kind.mimeType, Start: start.Add(at), Millis: millis}
	s.names.name(&p)
	spool := openTestSpool(s.t, s.t.TempDir(), new(budget))
	must(s.t, spool.add(p, content))
	s.pieces = append(s.pieces, spool.all()...)
	upload(s.t, s.store, spool, nil)
	must(s.t, spool.close())
}

// join makes the outputs and returns those of them by their names behind the
// concatenation's id.
func (s *shelf) join(a meeting.Artifacts) (map[string][]byte, error) {
	s.t.Helper()
	return s.joinOf(aPipeline(), a, false)
}

// joinFrom does so with what of the capture is on the shelf beside the pieces.
func (s *shelf) joinFrom(source *meeting.Pipeline, a meeting.Artifacts) (map[string][]byte, error) {
	s.t.Helper()
	return s.joinOf(source, a, true)
}

func (s *shelf) joinOf(source *meeting.Pipeline, a meeting.Artifacts, listed bool) (map[string][]byte, error) {
	s.t.Helper()
	p := &meeting.Pipeline{ID: meeting.ID{9}, Kind: meeting.ConcatenationPipeline, Meeting: meeting.ID{2}, Settings: meeting.PipelineSettings{Bucket: "out", Artifacts: a}}
	j := joining{sink: s.store, source: source, pipeline: p, dir: filepath.Join(s.t.TempDir(), "join"), pieces: s.pieces, listed: listed}
	err := j.run(context.Background())
	made := map[string][]byte{}
	for key, content := range s.objects {
		if name, ok := strings.CutPrefix(key, "out/"+p.ID.String()+"/"); ok {
			made[strings.Replace(name, p.ID.String(), "ID", 1)] = content
		}
	}
	if left, _ := os.ReadDir(j.dir); len(left) > 0 {
		s.t.Errorf("%d files are left", len(left))
	}
	return made, err
}

func soundOf(frames int) []mp4.Sample {
	list := make([]mp4.Sample, frames)
	for i := range list {
		list[i] = mp4.Sample{Data: silence(), Duration: 960, Sync: true}
	}
	return list
}

func soundPieceOf(frames int) []byte {
	return mp4.Piece([]mp4.Track{{Codec: mp4.Opus}}, [][]mp4.Sample{soundOf(frames)})
}

func films(codec mp4.Codec, n int, config ...byte) ([]mp4.Track, [][]mp4.Sample) {
	list := make([]mp4.Sample, n)
	for i := range list {
		list[i] = mp4.Sample{Data: []byte{0, 0, 0, 2, 0x65, byte(i)}, Duration: 3000, Sync: i == 0}
	}
	return []mp4.Track{{Codec: codec, Width: 64, Height: 64, Config: config}}, [][]mp4.Sample{list}
}

// probed is what ffprobe says of a file.
type probed struct {
	Streams []struct {
		Codec string `json:"codec_name"`
		Tag   string `json:"codec_tag_string"`
		Start string `json:"start_time"`
		Count string `json:"nb_read_packets"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

func probe(t *testing.T, content []byte) (p probed) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.mp4")
	must(t, os.WriteFile(path, content, 0o600))
	text, err := exec.Command("ffprobe", "-v", "quiet", "-count_packets", "-show_streams", "-show_format", "-of", "json", path).Output()
	if err != nil {
		t.Fatalf("ffprobe, of Debian's ffmpeg: %v", err)
	}
	must(t, json.Unmarshal(text, &p))
	return p
}

func TestPiecesOfSoundBecomeOneFile(t *testing.T) {
	s := newShelf(t)
	for i := range 4 {
		s.put(audioFolder, time.Duration(i)*5*time.Second, 5000, soundPieceOf(250))
	}
	made, err := s.join(meeting.Artifacts{Audio: true, Video: true, Content: true, DataChannel: true, MeetingEvents: true})
	must(t, err)
	file := made["audio/ID.mp4"]
	if len(made) != 1 || !bytes.HasPrefix(file[4:], []byte("ftyp")) || bytes.Index(file, []byte("moov")) > bytes.Index(file, []byte("mdat")) {
		t.Fatalf("%d outputs", len(made))
	}
	if p := probe(t, file); p.Streams[0].Codec != "opus" || p.Streams[0].Count != "1000" || p.Format.Duration != "20.000000" {
		t.Errorf("%+v", p)
	}
}

func TestHolesAreFilled(t *testing.T) {
	s := newShelf(t)
	s.put(eventsFolder, 0, 0, []byte("begin\n"))
	s.put(audioFolder, time.Second, 5000, soundPieceOf(250))
	s.put(audioFolder, 16*time.Second, 5000, soundPieceOf(250)) // ten seconds are missing
	tracks, samples := films(mp4.VP8, 30)
	s.put("video/ann", 4*time.Second, 1000, mp4.Piece(tracks, samples))
	s.put("video/ann", 8*time.Second, 1000, mp4.Piece(tracks, samples))
	made, err := s.join(meeting.Artifacts{Audio: true, Video: true})
	must(t, err)
	if p := probe(t, made["audio/ID.mp4"]); p.Streams[0].Count != "1000" || p.Format.Duration != "21.000000" || p.Streams[0].Start != "1.000000" {
		t.Errorf("sound: %+v", p)
	}
	if p := probe(t, made["video/ID.mp4"]); p.Streams[0].Count != "60" || p.Format.Duration != "9.000000" || p.Streams[0].Start != "4.000000" {
		t.Errorf("pictures: %+v", p)
	}
}

func TestOutputsAreNamedByWhatTheyHold(t *testing.T) {
	s := newShelf(t)
	tracks, samples := films(mp4.VP8, 3)
	film := mp4.Piece(tracks, samples)
	s.put("video/ann", 0, 100, film)
	s.put("video/bob", 0, 100, film)
	s.put("video/bob#content", 0, 100, film)
	s.put(dataFolder, 0, 100, []byte("one\n"))
	s.put(dataFolder, time.Second, 100, []byte("two\n"))
	s.put(eventsFolder, 0, 100, []byte("event\n"))
	s.put(transcriptFolder, 0, 100, []byte("word\n"))
	s.put(composedFolder, 0, 100, film)
	for want, a := range map[string]meeting.Artifacts{
		"video/ID-ann.mp4 video/ID-bob.mp4": {Video: true},
		"video/ID-bob#content.mp4":          {Content: true},
		"data-channel/ID.txt":               {DataChannel: true},
		"meeting-events/ID.txt":             {MeetingEvents: true},
		"transcription-messages/ID.txt":     {Transcription: true},
		"composited-video/ID.mp4":           {Composed: true},
		"":                                  {Audio: true},
	} {
		fresh := &shelf{store: newStore(), t: t, pieces: s.pieces}
		for k, v := range s.objects {
			if !strings.HasPrefix(k, "out/") {
				fresh.objects[k] = v
			}
		}
		made, err := fresh.join(a)
		must(t, err)
		for _, name := range strings.Fields(want) {
			if _, ok := made[name]; !ok {
				t.Errorf("%s is missing: %d outputs", name, len(made))
			}
		}
		if len(made) != len(strings.Fields(want)) {
			t.Errorf("%d outputs, want %q", len(made), want)
		}
		if text, ok := made["data-channel/ID.txt"]; ok && string(text) != "one\ntwo\n" {
			t.Errorf("%q", text)
		}
	}
}

// sets returns a configuration with one parameter set of each kind.
func sets(sps, pps byte) []byte {
	return []byte{1, 66, 0, 30, 0xFF, 0xE1, 0, 2, 0x67, sps, 1, 0, 2, 0x68, pps}
}

func TestChangedParameterSetsStandAmongTheSamples(t *testing.T) {
	s := newShelf(t)
	for i, config := range [][]byte{sets(1, 1), sets(1, 1), sets(2, 2)} {
		tracks, samples := films(mp4.H264, 30, config...)
		s.put("video/ann", time.Duration(i)*time.Second, 1000, mp4.Piece(tracks, samples))
	}
	made, err := s.join(meeting.Artifacts{Video: true})
	must(t, err)
	file := made["video/ID.mp4"]
	if n := bytes.Count(file, []byte{0, 0, 0, 2, 0x67, 2, 0, 0, 0, 2, 0x68, 2, 0, 0, 0, 2, 0x65, 0}); n != 1 {
		t.Errorf("the new sets stand there %d times", n)
	}
	if bytes.Count(file, []byte{0x67, 1}) != 1 || !bytes.Contains(file, []byte("avc3")) {
		t.Error("the first sets belong into the index")
	}
	if got := parameterSets(sets(7, 8)); !bytes.Equal(got, []byte{0, 0, 0, 2, 0x67, 7, 0, 0, 0, 2, 0x68, 8}) {
		t.Errorf("%x", got)
	}
	for n := range sets(7, 8) {
		parameterSets(sets(7, 8)[:n]) // must not panic
	}
}

func TestAnotherCodecBecomesAnotherFile(t *testing.T) {
	s := newShelf(t)
	for i, codec := range []mp4.Codec{mp4.VP8, mp4.VP9, mp4.VP8} {
		tracks, samples := films(codec, 30)
		tracks, samples = append([]mp4.Track{{Codec: mp4.Opus}}, tracks...), append([][]mp4.Sample{soundOf(50)}, samples...)
		s.put(audioFolder, time.Duration(i)*time.Second, 1000, mp4.Piece(tracks, samples))
	}
	made, err := s.join(meeting.Artifacts{Audio: true})
	must(t, err)
	for name, want := range map[string]string{"audio/ID.mp4": "opus 150 vp8 60", "audio/ID-2.mp4": "opus 150 vp9 30"} {
		p := probe(t, made[name])
		if got := fmt.Sprint(p.Streams[0].Codec, " ", p.Streams[0].Count, " ", p.Streams[1].Codec, " ", p.Streams[1].Count); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestObjectsThatChangedAreNotJoined(t *testing.T) {
	s := newShelf(t)
	s.put(audioFolder, 0, 5000, soundPieceOf(250))
	for key, content := range s.objects {
		s.objects[key] = append(bytes.Clone(content[:len(content)-1]), content[len(content)-1]^1)
	}
	if made, err := s.join(meeting.Artifacts{Audio: true}); !isUnreadable(err) || len(made) != 0 {
		t.Errorf("%d outputs, %v", len(made), err)
	}
	for key := range s.objects {
		s.objects[key] = s.objects[key][:100]
	}
	if _, err := s.join(meeting.Artifacts{Audio: true}); !isUnreadable(err) {
		t.Errorf("%v", err)
	}
	if _, err := newShelf(t).join(meeting.Artifacts{Audio: true}); err == nil {
		t.Error("something was made of nothing")
	}
}

// An hour of sound and of one camera: the bound is on what is kept of it.
func TestTheIndexOfAnHourIsSmall(t *testing.T) {
	var m mp4.Movie
	sound, picture := m.Add(mp4.Track{Codec: mp4.Opus}), m.Add(mp4.Track{Codec: mp4.VP8, Width: 1280, Height: 720})
	at := int64(0)
	for range 720 {
		m.Append(sound, soundOf(250), at)
		at += 250 * 3
		_, list := films(mp4.VP8, 150)
		m.Append(picture, list[0], at)
		at += 150 * 6
	}
	if head := m.Head(at); len(head) > 2<<20 {
		t.Errorf("%d bytes", len(head))
	}
}

// FuzzParameterSets gives it what stands in an object that somebody else put where
// a piece was.
func FuzzParameterSets(f *testing.F) {
	f.Add([]byte{1, 66, 192, 30, 255, 225, 0, 2, 0x67, 66, 1, 0, 1, 0x68})
	f.Add([]byte{1, 66, 192, 30, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, config []byte) {
		for sets := parameterSets(config); len(sets) > 0; {
			size := int(binary.BigEndian.Uint32(sets))
			if sets = sets[4:]; size > len(sets) {
				t.Fatalf("a set of %d bytes, %d are left", size, len(sets))
			}
			sets = sets[size:]
		}
	})
}
