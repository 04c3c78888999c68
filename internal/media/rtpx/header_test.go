package rtpx

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pion/rtp"
)

// packet builds an RTP packet with an independent implementation.
func packet(t testing.TB, mutate func(*rtp.Packet)) []byte {
	t.Helper()
	p := &rtp.Packet{
		Header: rtp.Header{Version: 2, Marker: true, PayloadType: 111,
			SequenceNumber: 0xFEDC, Timestamp: 0x01020304, SSRC: 0xCAFEBABE},
		Payload: []byte("voice"),
	}
	if mutate != nil {
		mutate(p)
	}
	raw, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestParseHeader(t *testing.T) {
	tests := map[string]func(*rtp.Packet){
		"plain": nil,
		"csrc":  func(p *rtp.Packet) { p.CSRC = []uint32{1, 2, 3} },
		"padding": func(p *rtp.Packet) {
			p.Padding = true
			p.PaddingSize = 7
		},
		"extension": func(p *rtp.Packet) {
			_ = p.SetExtension(1, []byte{0x85})
			_ = p.SetExtension(4, []byte("mid"))
		},
	}
	for name, mutate := range tests {
		t.Run(name, func(t *testing.T) {
			raw := packet(t, mutate)
			h, err := ParseHeader(raw)
			if err != nil {
				t.Fatal(err)
			}
			if !h.Marker || h.PayloadType != 111 || h.Seq != 0xFEDC || h.TS != 0x01020304 || h.SSRC != 0xCAFEBABE {
				t.Errorf("header = %+v", h)
			}
			if got := h.Payload(raw); string(got) != "voice" {
				t.Errorf("payload = %q", got)
			}
		})
	}
}

func TestHeaderExtensions(t *testing.T) {
	one := packet(t, func(p *rtp.Packet) {
		_ = p.SetExtension(1, []byte{0x85})
		_ = p.SetExtension(14, []byte("sixteen bytes!!!"))
	})
	two := packet(t, func(p *rtp.Packet) {
		p.Extension, p.ExtensionProfile = true, rtp.ExtensionProfileTwoByte
		_ = p.SetExtension(3, bytes.Repeat([]byte{9}, 40))
		_ = p.SetExtension(200, []byte{})
		_ = p.SetExtension(201, []byte{7})
	})
	tests := []struct {
		name string
		raw  []byte
		id   uint8
		want []byte
	}{
		{"one byte, first", one, 1, []byte{0x85}},
		{"one byte, longest", one, 14, []byte("sixteen bytes!!!")},
		{"one byte, absent", one, 2, nil},
		{"two bytes, long", two, 3, bytes.Repeat([]byte{9}, 40)},
		{"two bytes, empty", two, 200, []byte{}},
		{"two bytes, behind an empty one", two, 201, []byte{7}},
		{"id 0 is padding", one, 0, nil},
		{"no extension", packet(t, nil), 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := ParseHeader(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			got := h.Extension(tt.raw, tt.id)
			if !bytes.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
				t.Errorf("extension %d = %v, want %v", tt.id, got, tt.want)
			}
		})
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	good := packet(t, func(p *rtp.Packet) { _ = p.SetExtension(1, []byte{1}) })
	tests := []struct {
		name string
		raw  []byte
		want error
	}{
		{"empty", nil, ErrShort},
		{"cut in the fixed header", good[:11], ErrShort},
		{"cut in the extension", good[:18], ErrShort},
		{"version 1", append([]byte{0x50}, good[1:]...), ErrVersion},
		{"csrc count past the end", append([]byte{0x8F}, good[1:]...), ErrShort},
		{"no padding length", append(append([]byte{0xB0}, good[1:]...), 0), ErrShort},
		{"padding longer than the packet", append(append([]byte{0xB0}, good[1:]...), 200), ErrShort},
	}
	for _, tt := range tests {
		if _, err := ParseHeader(tt.raw); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestPutHeader(t *testing.T) {
	want := Header{Marker: true, PayloadType: 96, Seq: 7, TS: 1 << 31, SSRC: 42, PayloadStart: 12, PayloadEnd: 15}
	raw := make([]byte, 15)
	n := PutHeader(raw, want)
	got, err := ParseHeader(raw)
	if err != nil || n != HeaderSize || got != want {
		t.Errorf("read back %+v, %v (%d bytes)", got, err, n)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(packet(f, nil))
	f.Add(packet(f, func(p *rtp.Packet) { _ = p.SetExtension(1, []byte{0x85}) }))
	f.Add([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBE, 0xDE, 0, 1, 0xFF, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := ParseHeader(raw)
		if err != nil {
			return
		}
		payload := h.Payload(raw)
		for id := range 256 {
			if ext := h.Extension(raw, uint8(id)); len(ext) > len(raw) {
				t.Fatal("extension longer than the packet")
			}
		}
		var ref rtp.Packet
		if ref.Unmarshal(raw) != nil {
			return // stricter about extensions than this package needs to be
		}
		if ref.SequenceNumber != h.Seq || ref.SSRC != h.SSRC || !bytes.Equal(ref.Payload, payload) {
			t.Fatalf("disagrees with pion: %+v, %+v", h, ref.Header)
		}
	})
}

func BenchmarkParseHeader(b *testing.B) {
	raw := packet(b, func(p *rtp.Packet) {
		_ = p.SetExtension(3, []byte{0})
		_ = p.SetExtension(1, []byte{0x85})
	})
	b.ReportAllocs()
	for b.Loop() {
		h, err := ParseHeader(raw)
		if err != nil || h.Extension(raw, 1) == nil {
			b.Fatal(err)
		}
	}
}
