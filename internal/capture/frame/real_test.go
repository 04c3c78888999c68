package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Pictures that real encoders made go through packets and the assembler into a
// file, and must be decoded from there as they were before. Both sides are
// Debian's ffmpeg.

const (
	shots  = 60 // pictures of each film
	width  = 320
	height = 180
)

// encoded returns the pictures of a film, each as its encoder gave it.
func encoded(t *testing.T, c rtpx.Codec) [][]byte {
	t.Helper()
	options := map[rtpx.Codec]string{
		rtpx.VP8: "-c:v libvpx -deadline realtime -cpu-used 8 -lag-in-frames 0 -auto-alt-ref 0 -f ivf",
		rtpx.VP9: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -auto-alt-ref 0 -f ivf",
		rtpx.AV1: "-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -f ivf",
		// Without an access unit delimiter as browsers leave it out, one slice a picture.
		rtpx.H264: "-c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -x264-params slices=1:sliced-threads=0 -f h264",
	}
	path := filepath.Join(t.TempDir(), "film")
	args := strings.Fields(fmt.Sprintf("-v error -f lavfi -i testsrc2=size=%dx%d:rate=30 -frames:v %d -g 20 -b:v 300k -pix_fmt yuv420p %s %s", width, height, shots, options[c], path))
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if c == rtpx.H264 {
		return accessUnits(data)
	}
	return ivfFrames(data)
}

// ivfFrames takes an IVF file apart.
func ivfFrames(data []byte) (frames [][]byte) {
	const head, frameHead = 32, 12
	for data = data[head:]; len(data) >= frameHead; {
		n := int(binary.LittleEndian.Uint32(data))
		frames = append(frames, data[frameHead:frameHead+n])
		data = data[frameHead+n:]
	}
	return frames
}

// accessUnits takes an H.264 byte stream apart: the NAL units of a picture, each
// behind four bytes of length.
func accessUnits(data []byte) (units [][]byte) {
	var unit []byte
	for _, nal := range bytes.Split(data, []byte{0, 0, 1}) {
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) == 0 {
			continue
		}
		unit = append(unit, sized(nal)...)
		if kind := nal[0] & nalTypeMask; kind == 1 || kind == 5 {
			units = append(units, unit)
			unit = nil
		}
	}
	return units
}

// payloads makes packets' payloads of a picture, small ones so that there are
// many.
func payloads(c rtpx.Codec, picture []byte) (list [][]byte) {
	const size = 200
	switch c {
	case rtpx.VP8:
		return vp8Payloads(picture, size)
	case rtpx.VP9:
		return vp9Payloads(picture, size)
	case rtpx.AV1:
		return av1Payloads(picture, size)
	}
	for len(picture) > 0 {
		n := int(binary.BigEndian.Uint32(picture))
		nal := picture[4 : 4+n]
		picture = picture[4+n:]
		if n <= size {
			list = append(list, nal)
		} else {
			list = append(list, fuA(nal, size)...)
		}
	}
	return list
}

func vp9Payloads(picture []byte, size int) (list [][]byte) {
	_, _, key := vp9Size(picture)
	for part := range slices.Chunk(picture, size) {
		head := byte(0)
		if !key {
			head |= 0x40
		}
		if len(list) == 0 {
			head |= 0x08
		}
		list = append(list, append([]byte{head}, part...))
	}
	list[len(list)-1][0] |= 0x04
	return list
}

// av1Payloads leaves out temporal delimiters and the sizes of OBUs, as the payload
// format wants it.
func av1Payloads(picture []byte, size int) (list [][]byte) {
	starts := byte(0)
	for len(picture) > 0 {
		kind := picture[0] >> 3 & 0x0F
		n, sizeBytes := leb128(picture[1:])
		obu := append([]byte{picture[0] &^ 2}, picture[1+sizeBytes:1+sizeBytes+n]...)
		picture = picture[1+sizeBytes+n:]
		if kind == obuTemporalDelimiter {
			continue
		}
		if kind == obuSequenceHeader {
			starts = 0x08
		}
		parts := slices.Collect(slices.Chunk(obu, size))
		for i, part := range parts {
			head := byte(0x10)
			if len(list) == 0 {
				head |= starts
			}
			if i > 0 {
				head |= 0x80
			}
			if i < len(parts)-1 {
				head |= 0x40
			}
			list = append(list, append([]byte{head}, part...))
		}
	}
	if starts != 0 {
		list[0][0] |= starts
	}
	return list
}

// film sends the pictures and returns what the assembler makes of them.
func film(t *testing.T, c rtpx.Codec, pictures [][]byte, shuffle func([]*media.VideoPacket) []*media.VideoPacket) (got []Picture) {
	t.Helper()
	s, a := newSender(t, c), new(Assembler)
	for _, p := range pictures {
		packets := s.picture(payloads(c, p)...)
		if shuffle != nil {
			packets = shuffle(packets)
		}
		list, broken := push(a, packets...)
		if broken {
			t.Fatal("broken without a loss")
		}
		got = append(got, list...)
	}
	return got
}

// decode returns the pictures of a file, in raw form.
func decode(t *testing.T, path string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command("ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("decoding: %v\n%s", err, errs.String())
	}
	return out.Bytes()
}

// plain writes the pictures as their encoder did, for comparison.
func plain(t *testing.T, c rtpx.Codec, pictures [][]byte) string {
	t.Helper()
	var data []byte
	name := "plain.h264"
	if c == rtpx.H264 {
		for _, p := range pictures {
			for len(p) > 0 {
				n := int(binary.BigEndian.Uint32(p))
				data = append(append(data, 0, 0, 0, 1), p[4:4+n]...)
				p = p[4+n:]
			}
		}
	} else {
		name = "plain.ivf"
		data = append([]byte("DKIF\x00\x00\x20\x00"), map[rtpx.Codec]string{rtpx.VP8: "VP80", rtpx.VP9: "VP90", rtpx.AV1: "AV01"}[c]...)
		data = binary.LittleEndian.AppendUint16(data, width)
		data = binary.LittleEndian.AppendUint16(data, height)
		for _, n := range []uint32{30, 1, uint32(len(pictures)), 0} {
			data = binary.LittleEndian.AppendUint32(data, n)
		}
		for i, p := range pictures {
			data = binary.LittleEndian.AppendUint32(data, uint32(len(p)))
			data = binary.LittleEndian.AppendUint64(data, uint64(i))
			data = append(data, p...)
		}
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// file writes pictures as one piece.
func file(t *testing.T, pictures []Picture) string {
	t.Helper()
	samples := make([]mp4.Sample, len(pictures))
	for i, p := range pictures {
		samples[i] = mp4.Sample{Data: p.Data, Duration: 3000, Sync: p.Key}
	}
	path := filepath.Join(t.TempDir(), "piece.mp4")
	if err := os.WriteFile(path, mp4.Piece([]mp4.Track{pictures[0].Track}, [][]mp4.Sample{samples}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func codecsToTry() []rtpx.Codec { return []rtpx.Codec{rtpx.H264, rtpx.VP8, rtpx.VP9, rtpx.AV1} }

func TestFilmsOfRealEncodersAreDecodedAsTheyWereMade(t *testing.T) {
	for _, c := range codecsToTry() {
		t.Run(c.String(), func(t *testing.T) {
			pictures := encoded(t, c)
			if len(pictures) != shots {
				t.Fatalf("%d pictures", len(pictures))
			}
			got := film(t, c, pictures, nil)
			if len(got) != shots || !got[0].Key || got[0].Track.Width != width || got[0].Track.Height != height {
				t.Fatalf("%d pictures, the first %+v", len(got), got[0].Track)
			}
			keys := 0
			for _, p := range got {
				if p.Key {
					keys++
				}
			}
			if keys < shots/20 {
				t.Errorf("%d key frames", keys)
			}
			want := decode(t, plain(t, c, pictures))
			if made := decode(t, file(t, got)); !bytes.Equal(made, want) || len(want) != shots*width*height*3/2 {
				t.Errorf("decoded %d bytes, not the %d of before", len(made), len(want))
			}
		})
	}
}

func TestFilmsSurviveDisorder(t *testing.T) {
	for _, c := range codecsToTry() {
		t.Run(c.String(), func(t *testing.T) {
			pictures := encoded(t, c)
			got := film(t, c, pictures, func(packets []*media.VideoPacket) []*media.VideoPacket {
				out := slices.Clone(packets)
				slices.Reverse(out[1:]) // the very first has to come first: it begins the film
				return out
			})
			want := film(t, c, pictures, nil)
			if len(got) != len(want) {
				t.Fatalf("%d pictures, want %d", len(got), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i].Data, want[i].Data) || got[i].Key != want[i].Key {
					t.Errorf("picture %d differs", i)
				}
			}
		})
	}
}

// Whatever is lost: what is left is decoded without an error.
func TestFilmsWithLossesAreCleanAfterwards(t *testing.T) {
	for _, c := range codecsToTry() {
		t.Run(c.String(), func(t *testing.T) {
			s, a := newSender(t, c), new(Assembler)
			var got []Picture
			lost := 0
			for i, p := range encoded(t, c) {
				packets := s.picture(payloads(c, p)...)
				s.at = s.at.Add(70 * time.Millisecond) // ten pictures a second: a loss is given up within half of it
				if i%15 == 7 {
					lost++
					packets = slices.Delete(packets, len(packets)/2, len(packets)/2+1)
				}
				list, _ := push(a, packets...)
				got = append(got, list...)
			}
			if len(got) >= shots || len(got) < shots/6 || lost == 0 {
				t.Fatalf("%d of %d pictures are left of %d losses", len(got), shots, lost)
			}
			if made := decode(t, file(t, got)); len(made) != len(got)*width*height*3/2 {
				t.Errorf("%d bytes of %d pictures", len(made), len(got))
			}
		})
	}
}
