package mp4

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// moviePath writes a movie whose data are those of the samples.
func moviePath(t *testing.T, m *Movie, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "movie.mp4")
	if err := os.WriteFile(path, append(m.Head(int64(len(data))), data...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// appendTo adds samples to a movie and to the data.
func appendTo(m *Movie, data []byte, track int, samples []Sample) []byte {
	m.Append(track, samples, int64(len(data)))
	for _, s := range samples {
		data = append(data, s.Data...)
	}
	return data
}

// packets returns what ffprobe reads: a line for each packet of a stream, of the
// named fields.
func packets(t *testing.T, path, stream, fields string) []string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "packet="+fields, "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	return strings.Fields(string(out))
}

func TestPlayersFindEverySampleOfAMovie(t *testing.T) {
	var m Movie
	sound, picture := m.Add(Track{Codec: Opus}), m.Add(Track{Codec: VP8, Width: 64, Height: 64})
	var data []byte
	for i := range 3 {
		data = appendTo(&m, data, sound, soundTrack(50+i))
		data = appendTo(&m, data, picture, []Sample{{Data: []byte{1, 2, 3, byte(i)}, Duration: 3000, Sync: true}, {Data: []byte{4, 5}, Duration: 6000}})
	}
	path := moviePath(t, &m, data)
	if got := packets(t, path, "a", "pts,size"); len(got) != 153 || got[0] != "0,3" || got[152] != "145920,3" {
		t.Errorf("%d packets of sound, %q", len(got), got[len(got)-1])
	}
	want := "0,4 3000,2 9000,4 12000,2 18000,4 21000,2"
	if got := packets(t, path, "v", "pts,size"); strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
}

func TestATrackThatBeginsLaterIsShownLater(t *testing.T) {
	var m Movie
	sound, picture := m.Add(Track{Codec: Opus}), m.Add(Track{Codec: VP8, Width: 64, Height: 64})
	m.Wait(picture, 90_000)
	if !m.Empty(picture) || m.Duration(picture) != 90_000 {
		t.Errorf("empty %t, %d", m.Empty(picture), m.Duration(picture))
	}
	data := appendTo(&m, nil, sound, soundTrack(100))
	data = appendTo(&m, data, picture, []Sample{{Data: []byte{1}, Duration: 3000, Sync: true}, {Data: []byte{2}, Duration: 3000}})
	m.Wait(picture, 45_000)
	data = appendTo(&m, data, picture, []Sample{{Data: []byte{3}, Duration: 3000, Sync: true}})
	if m.Empty(picture) || m.Duration(picture) != 90_000+9000+45_000 {
		t.Errorf("%d", m.Duration(picture))
	}
	if got := strings.Join(packets(t, moviePath(t, &m, data), "v", "pts"), " "); got != "90000 93000 141000" {
		t.Errorf("%s", got)
	}
}

func TestTracksWithoutSamplesAreLeftOut(t *testing.T) {
	var m Movie
	sound := m.Add(Track{Codec: Opus})
	m.Add(Track{Codec: VP8, Width: 64, Height: 64})
	data := appendTo(&m, nil, sound, soundTrack(10))
	m.Append(sound, nil, 0)
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", moviePath(t, &m, data)).Output()
	if err != nil || strings.TrimSpace(string(out)) != "opus" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestTheIndexFindsDataBehindFourGigabytes(t *testing.T) {
	var m Movie
	sound := m.Add(Track{Codec: Opus})
	const far = 5 << 30
	m.Append(sound, soundTrack(1), 0)
	m.Append(sound, soundTrack(1), far)
	head := m.Head(far + 3)
	at := strings.Index(string(head), "co64")
	first, second := binary.BigEndian.Uint64(head[at+12:]), binary.BigEndian.Uint64(head[at+20:])
	if first != uint64(len(head)) || second != uint64(len(head))+far {
		t.Errorf("%d, %d behind a head of %d", first, second, len(head))
	}
	if size := binary.BigEndian.Uint64(head[len(head)-8:]); size != far+3+16 {
		t.Errorf("the data's box has %d bytes", size)
	}
}

func TestRunsOfEqualDurationsAreOne(t *testing.T) {
	var m Movie
	sound := m.Add(Track{Codec: Opus})
	for i := range 100 {
		m.Append(sound, soundTrack(250), int64(i*750))
	}
	head := m.Head(75_000)
	at := strings.Index(string(head), "stts")
	if runs := binary.BigEndian.Uint32(head[at+8:]); runs != 1 || m.Duration(sound) != 100*250*960 {
		t.Errorf("%d runs, %d", runs, m.Duration(sound))
	}
	at = strings.Index(string(head), "stsc")
	if runs := binary.BigEndian.Uint32(head[at+8:]); runs != 1 {
		t.Errorf("%d runs of chunks", runs)
	}
}

func TestChangingParameterSetsHaveASampleEntryOfTheirOwn(t *testing.T) {
	for _, changing := range []bool{false, true} {
		var m Movie
		picture := m.Add(Track{Codec: H264, Width: 64, Height: 64, Config: []byte{1}})
		m.Append(picture, []Sample{{Data: []byte{1}, Duration: 1, Sync: true}}, 0)
		want := "avc1"
		if changing {
			m.InBand(picture)
			want = "avc3"
		}
		if head := string(m.Head(1)); !strings.Contains(head, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestCodecsHaveTheNamesThatToolsGiveThem(t *testing.T) {
	for c, want := range map[Codec]string{Opus: "opus", H264: "h264", VP8: "vp8", VP9: "vp9", AV1: "av1", 0: "unknown", 9: "unknown"} {
		if c.String() != want {
			t.Errorf("%d: %s", c, c)
		}
	}
	if (Track{Codec: Opus}).Timescale() != AudioTimescale || (Track{Codec: AV1}).Timescale() != VideoTimescale {
		t.Error("timescales")
	}
	a := Track{Codec: H264, Width: 1, Height: 2, Config: []byte{3}}
	for _, b := range []Track{{Codec: VP8, Width: 1, Height: 2, Config: []byte{3}}, {Codec: H264, Width: 2, Height: 2, Config: []byte{3}}, {Codec: H264, Width: 1, Height: 2}} {
		if a.Same(b) || !a.Same(a) {
			t.Errorf("%+v is the same as %+v", a, b)
		}
	}
}
