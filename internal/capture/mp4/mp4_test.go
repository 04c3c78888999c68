package mp4

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

func soundTrack(frames int) []Sample {
	list := make([]Sample, frames)
	for i := range list {
		list[i] = Sample{Data: []byte{0xF8, 0xFF, 0xFE}, Duration: 960, Sync: true}
	}
	return list
}

func samplePiece() ([]Track, [][]Sample) {
	tracks := []Track{{Codec: Opus}, {Codec: H264, Width: 640, Height: 360, Config: []byte{1, 66, 192, 30, 255, 225, 0, 0, 1, 0, 0}}}
	return tracks, [][]Sample{soundTrack(50), {
		{Data: []byte("key frame"), Duration: 3000, Sync: true}, {Data: []byte("next"), Duration: 3001}, {Data: []byte{}, Duration: 84000},
	}}
}

func TestWhatPieceWritesReadReads(t *testing.T) {
	tracks, samples := samplePiece()
	for _, codec := range []Codec{H264, VP8, VP9, AV1} {
		tracks[1].Codec = codec
		if codec == VP8 || codec == VP9 {
			tracks[1].Config = nil
		} else {
			tracks[1].Config = []byte{1, 66, 192, 30, 255, 225, 0, 0, 1, 0, 0}
		}
		got, err := Read(Piece(tracks, samples))
		if err != nil || len(got) != 2 {
			t.Fatalf("%s: %v, %d tracks", codec, err, len(got))
		}
		for i := range got {
			if !got[i].Same(tracks[i]) || !reflect.DeepEqual(got[i].Samples, samples[i]) {
				t.Errorf("%s: track %d: read %+v", codec, i, got[i])
			}
		}
		if length(got[0].Samples) != 48000 || length(got[1].Samples) != 90001 {
			t.Errorf("%s: durations %d, %d", codec, length(got[0].Samples), length(got[1].Samples))
		}
	}
}

func TestEveryCutOfAPieceIsRefused(t *testing.T) {
	data := Piece(samplePiece())
	for n := range data {
		if _, err := Read(data[:n]); n > 0 && !errors.Is(err, ErrFormat) && !wholeBoxes(data, n) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := Read(nil); !errors.Is(err, ErrFormat) {
		t.Errorf("nothing: %v", err)
	}
}

// wholeBoxes reports whether the first n bytes end between two boxes, which is no
// fault as long as there is an index.
func wholeBoxes(data []byte, n int) bool {
	r := reader{}
	at := 0
	for b := range r.boxes(data) {
		if at += b.size; at == n {
			return b.kind == "moov"
		}
	}
	return false
}

func FuzzRead(f *testing.F) {
	f.Add(Piece(samplePiece()))
	f.Add(Piece([]Track{{Codec: Opus}}, [][]Sample{soundTrack(3)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		tracks, err := Read(data)
		if err != nil {
			return
		}
		for _, track := range tracks {
			for _, s := range track.Samples {
				if len(s.Data) > 0 && !bytes.Contains(data, s.Data) {
					t.Fatal("a sample from nowhere")
				}
			}
		}
	})
}

// probe returns what ffprobe says of a file.
func probe(t *testing.T, path string) (out struct {
	Streams []struct {
		Codec string `json:"codec_name"`
		Start string `json:"start_time"`
		Count string `json:"nb_read_packets"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}) {
	t.Helper()
	text, err := exec.Command("ffprobe", "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", path).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPlayersReadAPieceOfSound(t *testing.T) {
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Fatal("this test needs Debian's ffmpeg:", err)
	}
	path := filepath.Join(t.TempDir(), "piece.mp4")
	if err := os.WriteFile(path, Piece([]Track{{Codec: Opus}}, [][]Sample{soundTrack(250)}), 0o600); err != nil {
		t.Fatal(err)
	}
	got := probe(t, path)
	if len(got.Streams) != 1 || got.Streams[0].Codec != "opus" || got.Streams[0].Count != "250" || got.Format.Duration != "5.000000" {
		t.Errorf("%+v", got)
	}
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("decoding: %v %s", err, out)
	}
}

// length is how long samples last together.
func length(samples []Sample) (n uint64) {
	for _, s := range samples {
		n += uint64(s.Duration)
	}
	return n
}
