package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// sender makes the packets of one publication.
type sender struct {
	t     testing.TB
	codec rtpx.Codec
	seq   uint16
	ts    uint32
	at    time.Time
}

func newSender(t testing.TB, c rtpx.Codec) *sender {
	return &sender{t: t, codec: c, seq: 65530, ts: 0xFFFF0000, at: start}
}

// picture returns the packets of a picture with these payloads.
func (s *sender) picture(payloads ...[]byte) (packets []*media.VideoPacket) {
	s.t.Helper()
	for i, payload := range payloads {
		info, err := rtpx.Inspect(s.codec, payload)
		if err != nil {
			s.t.Fatalf("payload %x: %v", payload, err)
		}
		packets = append(packets, &media.VideoPacket{
			StreamID: 1, Codec: s.codec, Seq: s.seq, TS: s.ts, Marker: i == len(payloads)-1, At: s.at, Payload: payload, Info: info,
		})
		s.seq++
	}
	s.ts += 3000
	s.at = s.at.Add(time.Second / 30)
	return packets
}

// push gives packets to an assembler and returns the pictures that come of them.
func push(a *Assembler, packets ...*media.VideoPacket) (pictures []Picture, broken bool) {
	for _, p := range packets {
		list, lost := a.Push(p)
		pictures, broken = append(pictures, list...), broken || lost
	}
	return pictures, broken
}

// vp8Frame is a VP8 frame of a size: its header, and rest.
func vp8Frame(key bool, width, height int, rest string) []byte {
	if !key {
		return append([]byte{0x11, 0, 0}, rest...)
	}
	f := []byte{0x10, 0, 0, 0x9D, 0x01, 0x2A}
	f = binary.LittleEndian.AppendUint16(f, uint16(width))
	f = binary.LittleEndian.AppendUint16(f, uint16(height))
	return append(f, rest...)
}

// vp8Payloads splits a frame into payloads with descriptors.
func vp8Payloads(frame []byte, size int) (list [][]byte) {
	for part := range slices.Chunk(frame, size) {
		head := byte(0)
		if len(list) == 0 {
			head = 0x10
		}
		list = append(list, append([]byte{head}, part...))
	}
	return list
}

func TestVP8PicturesComeOutWhole(t *testing.T) {
	s, a := newSender(t, rtpx.VP8), new(Assembler)
	key, next := vp8Frame(true, 640, 360, "a key frame that takes some packets"), vp8Frame(false, 0, 0, "another picture")
	got, broken := push(a, append(s.picture(vp8Payloads(key, 12)...), s.picture(vp8Payloads(next, 100)...)...)...)
	if len(got) != 2 || broken {
		t.Fatalf("%d pictures, broken %t", len(got), broken)
	}
	if !bytes.Equal(got[0].Data, key) || !got[0].Key || got[0].Track.Width != 640 || got[0].Track.Height != 360 || got[0].Track.Codec != mp4.VP8 || !got[0].At.Equal(start) {
		t.Errorf("%+v", got[0])
	}
	if !bytes.Equal(got[1].Data, next) || got[1].Key || got[1].TS-got[0].TS != 3000 {
		t.Errorf("%+v", got[1])
	}
}

func TestNothingComesBeforeAKeyFrame(t *testing.T) {
	s, a := newSender(t, rtpx.VP8), new(Assembler)
	if got, broken := push(a, s.picture(vp8Payloads(vp8Frame(false, 0, 0, "x"), 9)...)...); len(got) != 0 || broken {
		t.Errorf("%d pictures, broken %t", len(got), broken)
	}
	if got, _ := push(a, s.picture(vp8Payloads(vp8Frame(true, 16, 16, "x"), 9)...)...); len(got) != 1 {
		t.Errorf("%d pictures", len(got))
	}
}

func TestPacketsComeInAnyOrder(t *testing.T) {
	s, a := newSender(t, rtpx.VP8), new(Assembler)
	key := vp8Frame(true, 640, 360, "a key frame in five packets")
	first, second := s.picture(vp8Payloads(key, 8)...), s.picture(vp8Payloads(vp8Frame(false, 0, 0, "second"), 3)...)
	all := append(slices.Clone(first[1:]), second...)
	slices.Reverse(all)
	got, broken := push(a, append([]*media.VideoPacket{first[0]}, all...)...)
	if len(got) != 2 || broken || !bytes.Equal(got[0].Data, key) {
		t.Errorf("%d pictures, broken %t", len(got), broken)
	}
	if got, _ := push(a, first...); len(got) != 0 {
		t.Error("what came before comes again")
	}
}

func TestALossEndsAtTheNextKeyFrame(t *testing.T) {
	s, a := newSender(t, rtpx.VP8), new(Assembler)
	key := func() []*media.VideoPacket { return s.picture(vp8Payloads(vp8Frame(true, 640, 360, "key"), 100)...) }
	other := func() []*media.VideoPacket { return s.picture(vp8Payloads(vp8Frame(false, 0, 0, "another one"), 5)...) }
	if got, _ := push(a, key()...); len(got) != 1 {
		t.Fatal("no key frame")
	}
	hurt := other()
	pictures, broken := push(a, hurt[1:]...)
	for range 20 { // 0.67 s
		more, lost := push(a, other()...)
		pictures, broken = append(pictures, more...), broken || lost
	}
	if len(pictures) != 0 || !broken {
		t.Errorf("%d pictures after a loss, broken %t", len(pictures), broken)
	}
	if got, _ := push(a, hurt[0]); len(got) != 0 {
		t.Error("what came too late made a picture")
	}
	if got, broken := push(a, append(key(), other()...)...); len(got) != 2 || broken {
		t.Errorf("after the key frame: %d pictures, broken %t", len(got), broken)
	}
}

func TestALatePacketWithinReasonLosesNothing(t *testing.T) {
	s, a := newSender(t, rtpx.VP8), new(Assembler)
	push(a, s.picture(vp8Payloads(vp8Frame(true, 640, 360, "key"), 100)...)...)
	late := s.picture(vp8Payloads(vp8Frame(false, 0, 0, "late"), 100)...)
	for range 10 { // 0.33 s
		if got, broken := push(a, s.picture(vp8Payloads(vp8Frame(false, 0, 0, "x"), 100)...)...); len(got) != 0 || broken {
			t.Fatalf("%d pictures before the one that is late, broken %t", len(got), broken)
		}
	}
	if got, broken := push(a, late...); len(got) != 11 || broken || !bytes.HasSuffix(got[0].Data, []byte("late")) {
		t.Errorf("%d pictures, broken %t", len(got), broken)
	}
}

func TestAnotherLayerBeginsAnew(t *testing.T) {
	s, a := newSender(t, rtpx.VP8), new(Assembler)
	push(a, s.picture(vp8Payloads(vp8Frame(true, 320, 180, "low"), 100)...)...)
	s.seq, s.ts = 7, 1234
	high := s.picture(vp8Payloads(vp8Frame(true, 1280, 720, "high"), 100)...)
	high[0].StreamID = 2
	if got, broken := push(a, high...); len(got) != 1 || broken || got[0].Track.Width != 1280 {
		t.Errorf("%+v, broken %t", got, broken)
	}
}

// sps and pps are parameter sets that x264 and OpenH264 wrote, for pictures of
// 640 × 360 and 1280 × 720.
const (
	sps360 = "67640016acd940a02ff97016a020202800001f480005dc0478b16cb0"
	sps720 = "6742c01fd9005005bb016a02020280000003008000001e478c1924"
	pps    = "68ebe3cb22c0"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSizesAreReadOffParameterSets(t *testing.T) {
	for _, c := range []struct {
		sps           string
		width, height int
	}{{sps360, 640, 360}, {sps720, 1280, 720}} {
		if w, h, ok := spsSize(unhex(t, c.sps)); !ok || w != c.width || h != c.height {
			t.Errorf("%s: %d × %d, %t", c.sps, w, h, ok)
		}
	}
	for _, bad := range []string{"", "67", "67640016ac"} {
		if w, h, ok := spsSize(unhex(t, bad)); ok {
			t.Errorf("%s: %d × %d", bad, w, h)
		}
	}
}

// stapA puts NAL units into one payload (RFC 6184 §5.7.1).
func stapA(nals ...[]byte) []byte {
	p := []byte{24}
	for _, n := range nals {
		p = binary.BigEndian.AppendUint16(p, uint16(len(n)))
		p = append(p, n...)
	}
	return p
}

// fuA splits a NAL unit (§5.8).
func fuA(nal []byte, size int) (list [][]byte) {
	parts := slices.Collect(slices.Chunk(nal[1:], size))
	for i, part := range parts {
		flags := nal[0] & 0x1F
		if i == 0 {
			flags |= 0x80
		}
		if i == len(parts)-1 {
			flags |= 0x40
		}
		list = append(list, append([]byte{nal[0]&0xE0 | 28, flags}, part...))
	}
	return list
}

// sized is NAL units as a file has them.
func sized(nals ...[]byte) (out []byte) {
	for _, n := range nals {
		out = binary.BigEndian.AppendUint32(out, uint32(len(n)))
		out = append(out, n...)
	}
	return out
}

func TestH264PicturesComeOutAsFilesHaveThem(t *testing.T) {
	s, a := newSender(t, rtpx.H264), new(Assembler)
	sps, set := unhex(t, sps720), unhex(t, pps)
	idr := append([]byte{0x65, 0x88}, bytes.Repeat([]byte("idr"), 40)...)
	slice, sei := append([]byte{0x41, 0x9A}, "slice"...), []byte{6, 1, 2, 3}
	packets := s.picture(append([][]byte{stapA(sps, set, sei)}, fuA(idr, 30)...)...)
	packets = append(packets, s.picture([]byte{9, 0xF0}, slice)...)
	got, broken := push(a, packets...)
	if len(got) != 2 || broken {
		t.Fatalf("%d pictures, broken %t", len(got), broken)
	}
	if !got[0].Key || !bytes.Equal(got[0].Data, sized(sei, idr)) {
		t.Errorf("key frame %x", got[0].Data)
	}
	if got[1].Key || !bytes.Equal(got[1].Data, sized(slice)) {
		t.Errorf("slice %x", got[1].Data)
	}
	track := got[0].Track
	if track.Width != 1280 || track.Height != 720 || !bytes.Contains(track.Config, sps) || !bytes.HasSuffix(track.Config, set) || track.Config[1] != sps[1] {
		t.Errorf("%+v", track)
	}
}

func TestH264WithoutParameterSetsMakesNoPicture(t *testing.T) {
	s, a := newSender(t, rtpx.H264), new(Assembler)
	idr := append([]byte{0x65, 0x88}, "idr"...)
	if got, broken := push(a, s.picture(idr)...); len(got) != 0 || !broken {
		t.Errorf("%d pictures, broken %t", len(got), broken)
	}
	for name, payloads := range map[string][][]byte{
		"a fragment without its beginning": {stapA(unhex(t, sps720), unhex(t, pps)), {0x7C, 0x05, 1, 2}},
	} {
		if got, broken := push(a, s.picture(payloads...)...); len(got) != 0 || !broken {
			t.Errorf("%s: %d pictures, broken %t", name, len(got), broken)
		}
	}
}

// vp9Key is the beginning of a VP9 key frame's header of a size.
func vp9Key(width, height int) []byte {
	bits := "10" + "00" + "0" + "0" + "11" + "010010011000001101000010" + "001" + "0"
	for _, n := range []int{width - 1, height - 1} {
		for i := 15; i >= 0; i-- {
			bits += string('0' + rune(n>>i&1))
		}
	}
	var out []byte
	for len(bits)%8 != 0 {
		bits += "0"
	}
	for i := 0; i < len(bits); i += 8 {
		b := byte(0)
		for _, c := range bits[i : i+8] {
			b = b<<1 | byte(c-'0')
		}
		out = append(out, b)
	}
	return append(out, "vp9"...)
}

func TestVP9LayersBecomeASuperframe(t *testing.T) {
	s, a := newSender(t, rtpx.VP9), new(Assembler)
	base, upper := vp9Key(320, 180), []byte("the upper layer")
	const first, last = 0x08, 0x04
	plain, _ := push(a, s.picture(append([]byte{first | last}, base...))...)
	if len(plain) != 1 || !bytes.Equal(plain[0].Data, base) || plain[0].Track.Width != 320 || plain[0].Track.Height != 180 || plain[0].Track.Codec != mp4.VP9 {
		t.Fatalf("%+v", plain)
	}
	layered := s.picture(
		append([]byte{0x20 | first | last, 0x00, 1}, base...),
		append([]byte{0x20 | 0x40 | first | last, 0x02, 1}, upper...))
	got, broken := push(a, layered...)
	if len(got) != 1 || broken {
		t.Fatalf("%d pictures, broken %t", len(got), broken)
	}
	data := got[0].Data
	index := data[len(base)+len(upper):]
	if want := appendSuperframe(nil, []int{len(base), len(upper)}); !bytes.Equal(index, want) || index[0] != 0b11011001 || len(index) != 10 {
		t.Errorf("index %x", index)
	}
}

func TestVP9OfOtherProfilesMakesNoPicture(t *testing.T) {
	for _, head := range []string{"", "c0", "a2", "8a", "8249834240"} {
		if w, h, ok := vp9Size(unhex(t, head)); ok {
			t.Errorf("%s: %d × %d", head, w, h)
		}
	}
}

// av1Sequence is a sequence header for pictures of 640 × 360 (profile 0, one
// operating point, level 4).
func av1Sequence() []byte {
	bits := "000" + "0" + "0" + "0" + "0" + "00000" + "000000000000" + "00100" + "1001" + "1000"
	for _, c := range []struct{ n, size int }{{639, 10}, {359, 9}} {
		for i := c.size - 1; i >= 0; i-- {
			bits += string('0' + rune(c.n>>i&1))
		}
	}
	for len(bits)%8 != 0 {
		bits += "0"
	}
	out := []byte{1 << 3}
	for i := 0; i < len(bits); i += 8 {
		b := byte(0)
		for _, c := range bits[i : i+8] {
			b = b<<1 | byte(c-'0')
		}
		out = append(out, b)
	}
	return out
}

func TestAV1UnitsGetTheirSizes(t *testing.T) {
	s, a := newSender(t, rtpx.AV1), new(Assembler)
	sequence, frame := av1Sequence(), append([]byte{6 << 3}, bytes.Repeat([]byte("frame"), 30)...)
	const starts, goesOn, continues, two, one = 0x08, 0x40, 0x80, 0x20, 0x10
	first := append([]byte{starts | goesOn | two, byte(len(sequence))}, sequence...)
	first = append(first, frame[:50]...)
	second := append([]byte{continues | one}, frame[50:]...)
	got, broken := push(a, s.picture(first, second)...)
	if len(got) != 1 || broken {
		t.Fatalf("%d pictures, broken %t", len(got), broken)
	}
	withSize := func(obu []byte) []byte {
		return append(appendLEB128([]byte{obu[0] | 2}, len(obu)-1), obu[1:]...)
	}
	if want := append(withSize(sequence), withSize(frame)...); !bytes.Equal(got[0].Data, want) {
		t.Errorf("got  %x\nwant %x", got[0].Data, want)
	}
	if track := got[0].Track; track.Width != 640 || track.Height != 360 || track.Codec != mp4.AV1 || track.Config[1] != 4 {
		t.Errorf("%+v", track)
	}
	lost := s.picture([]byte{continues | one, 1, 2, 3})
	if got, broken := push(a, lost...); len(got) != 0 || !broken {
		t.Errorf("a part without its beginning: %d pictures, broken %t", len(got), broken)
	}
}

func TestLEB128(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 300, 1 << 20} {
		b := appendLEB128(nil, n)
		if got, size := leb128(append(b, 0xFF)); got != n || size != len(b) {
			t.Errorf("%d: %x is %d of %d bytes", n, b, got, size)
		}
	}
	if _, size := leb128([]byte{0x80, 0x80, 0x80, 0x80, 1}); size != 0 {
		t.Error("a number that is too long is read")
	}
}

// FuzzPush gives an assembler packets that a client made up.
func FuzzPush(f *testing.F) {
	for _, codec := range []rtpx.Codec{rtpx.VP8, rtpx.VP9, rtpx.H264, rtpx.AV1} {
		f.Add(byte(codec), []byte{3, 0x08, 0x82, 0x49, 0x83, 2, 0x7C, 0x85, 0x67})
		f.Add(byte(codec), append([]byte{40}, stapA(unhex(f, sps720), unhex(f, pps))...))
	}
	f.Fuzz(func(t *testing.T, codec byte, script []byte) {
		a, seq, at := new(Assembler), uint16(0), start
		for len(script) > 1 {
			n := min(int(script[0]&0x3F)+1, len(script)-1)
			payload, flags := script[1:1+n], script[0]
			script = script[1+n:]
			c := rtpx.Codec(codec%4 + 1)
			info, err := rtpx.Inspect(c, payload)
			if err != nil {
				continue
			}
			seq += uint16(flags>>7) + 1
			at = at.Add(50 * time.Millisecond)
			pictures, _ := a.Push(&media.VideoPacket{StreamID: 1, Codec: c, Seq: seq, TS: uint32(seq) * 100, Marker: flags&0x40 != 0, At: at, Payload: payload, Info: info})
			for _, p := range pictures {
				if len(p.Data) == 0 || p.Key && p.Track.Codec == 0 {
					t.Fatalf("%+v", p)
				}
			}
		}
	})
}
