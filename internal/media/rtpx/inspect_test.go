package rtpx

import (
	"bytes"
	"errors"
	"testing"
)

// keyVP8 is a VP8 key frame header of 640 x 360.
var keyVP8 = []byte{0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestInspect(t *testing.T) {
	tests := []struct {
		name    string
		codec   Codec
		payload []byte
		want    Info
	}{
		{"VP8 key frame, bare descriptor", VP8, cat([]byte{0x10}, keyVP8),
			Info{Key: true, Start: true, Width: 640, Height: 360}},
		{"VP8 inter frame with everything", VP8, []byte{0xB0, 0xF0, 0x92, 0x34, 0x07, 0x60, 0x01},
			Info{Start: true, Predicted: true, HasLayers: true, TID: 1, SwitchUp: true,
				Picture: Picture{ID: 0x1234, HasID: true, TL0: 7, HasTL0: true}}},
		{"VP8 short picture id", VP8, []byte{0x90, 0x80, 0x55, 0x01},
			Info{Start: true, Predicted: true, Picture: Picture{ID: 0x55, HasID: true}}},
		{"VP8 key index alone has no layers", VP8, []byte{0x90, 0x10, 0x05, 0x01}, Info{Start: true, Predicted: true}},
		{"VP8 later partition", VP8, []byte{0x11, 0x00}, Info{}},
		{"VP8 later packet", VP8, []byte{0x00, 0x00}, Info{}},
		{"VP8 cut key frame header", VP8, []byte{0x10, 0x10, 0x02}, Info{Key: true, Start: true}},

		{"VP9 key frame with structure", VP9,
			[]byte{0xAA, 0x92, 0x34, 0x00, 0x07, 0x38, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68, 0x01, 0x04, 0x00, 0xFF},
			Info{Key: true, Start: true, HasLayers: true, Width: 640, Height: 360,
				Picture: Picture{ID: 0x1234, HasID: true, TL0: 7, HasTL0: true}}},
		{"VP9 upper spatial layer of a key frame", VP9, []byte{0xAC, 0x05, 0x03, 0x07, 0xFF},
			Info{Start: true, End: true, HasLayers: true, SID: 1,
				Picture: Picture{ID: 5, HasID: true, TL0: 7, HasTL0: true}}},
		{"VP9 flexible mode", VP9, []byte{0xF8, 0x05, 0x50, 0x03, 0x02, 0xFF},
			Info{Start: true, Predicted: true, HasLayers: true, TID: 2, SwitchUp: true, Picture: Picture{ID: 5, HasID: true}}},
		{"VP9 no picture id", VP9, []byte{0x0D, 0xFF}, Info{Key: true, Start: true, End: true}},

		{"H264 parameter set", H264, []byte{0x67, 0x42}, Info{Key: true, Start: true}},
		{"H264 IDR slice", H264, []byte{0x65, 0x88}, Info{Key: true, Start: true}},
		{"H264 second IDR slice", H264, []byte{0x65, 0x40}, Info{}},
		{"H264 inter slice", H264, []byte{0x41, 0x9A}, Info{Start: true, Predicted: true}},
		{"H264 unused slice", H264, []byte{0x01, 0x9A}, Info{Start: true, Predicted: true}},
		{"H264 aggregate with parameter sets", H264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xCE}, Info{Key: true, Start: true}},
		{"H264 aggregate without", H264, []byte{0x78, 0, 2, 0x06, 0x05, 0, 2, 0x41, 0x9A}, Info{Start: true, Predicted: true}},
		{"H264 fragment, first", H264, []byte{0x7C, 0x85, 0x88}, Info{Key: true, Start: true}},
		{"H264 fragment, later", H264, []byte{0x7C, 0x05, 0x88}, Info{}},

		{"AV1 new sequence", AV1, []byte{0x18, 0x08, 0x00}, Info{Key: true, Start: true}},
		{"AV1 sequence header without the bit", AV1, []byte{0x20, 0x02, 0x08, 0x00, 0x30, 0x01}, Info{Key: true, Start: true}},
		{"AV1 frame", AV1, []byte{0x10, 0x30, 0x00}, Info{Start: true}},
		{"AV1 continued frame", AV1, []byte{0x90, 0x08, 0x00}, Info{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Inspect(tt.codec, tt.payload)
			if err != nil || got != tt.want {
				t.Errorf("Inspect = %+v, %v\n want %+v", got, err, tt.want)
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	tests := []struct {
		name    string
		codec   Codec
		payload []byte
	}{
		{"VP8 empty", VP8, nil},
		{"VP8 descriptor without data", VP8, []byte{0x90, 0x80, 0x05}},
		{"VP8 cut picture id", VP8, []byte{0x90, 0x80, 0x85}},
		{"VP8 cut TL0 index", VP8, []byte{0x90, 0x40}},
		{"VP8 cut layer byte", VP8, []byte{0x90, 0x20}},
		{"VP9 cut picture id", VP9, []byte{0x80, 0x92}},
		{"VP9 cut layers", VP9, []byte{0xA0, 0x05}},
		{"VP9 cut TL0 index", VP9, []byte{0x20, 0x05}},
		{"VP9 endless references", VP9, []byte{0x50, 0x03, 0x03, 0x03, 0x03}},
		{"VP9 cut structure", VP9, []byte{0x02, 0x30, 0x01, 0x40}},
		{"VP9 cut picture group", VP9, []byte{0x02, 0x08, 0x02, 0x04}},
		{"VP9 nothing behind the descriptor", VP9, []byte{0x80, 0x05}},
		{"H264 one byte", H264, []byte{0x67}},
		{"H264 aggregate too short", H264, []byte{0x78, 0, 9, 0x67}},
		{"H264 aggregate of nothing", H264, []byte{0x78, 0, 0, 0}},
		{"AV1 one byte", AV1, []byte{0x10}},
		{"AV1 new sequence in a continuation", AV1, []byte{0x98, 0x08}},
		{"AV1 element too long", AV1, []byte{0x00, 0x7F, 0x08}},
		{"AV1 endless length", AV1, append([]byte{0}, bytes.Repeat([]byte{0x80}, 12)...)},
		{"no codec", CodecUnknown, []byte{1, 2, 3}},
	}
	for _, tt := range tests {
		if _, err := Inspect(tt.codec, tt.payload); !errors.Is(err, ErrPayload) {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestCodecOf(t *testing.T) {
	for mime, want := range map[string]Codec{
		"video/VP8": VP8, "video/vp9": VP9, "Video/H264": H264, "video/AV1": AV1,
		"video/rtx": CodecUnknown, "audio/VP8": CodecUnknown, "": CodecUnknown,
	} {
		if got := CodecOf(mime); got != want {
			t.Errorf("CodecOf(%q) = %v, want %v", mime, got, want)
		}
	}
}

func TestWritePicture(t *testing.T) {
	p := Picture{ID: 0x7ABC, TL0: 0xEE}
	tests := []struct {
		name     string
		codec    Codec
		in, want []byte
	}{
		{"VP8 long", VP8, []byte{0x90, 0xC0, 0x80, 0x01, 0x07, 0x01}, []byte{0x90, 0xC0, 0xFA, 0xBC, 0xEE, 0x01}},
		{"VP8 short", VP8, []byte{0x90, 0x80, 0x01, 0x01}, []byte{0x90, 0x80, 0x3C, 0x01}},
		{"VP8 none", VP8, []byte{0x10, 0x01}, []byte{0x10, 0x01}},
		{"VP9 long", VP9, []byte{0xA8, 0x80, 0x01, 0x00, 0x07, 0x01}, []byte{0xA8, 0xFA, 0xBC, 0x00, 0xEE, 0x01}},
		{"malformed", VP8, []byte{0x90, 0xC0, 0x80, 0x01}, []byte{0x90, 0xC0, 0x80, 0x01}},
		{"malformed VP9", VP9, []byte{0xA8, 0x80}, []byte{0xA8, 0x80}},
		{"H264 has none", H264, []byte{0x67, 0x42}, []byte{0x67, 0x42}},
	}
	for _, tt := range tests {
		got := bytes.Clone(tt.in)
		if WritePicture(tt.codec, got, p); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %x, want %x", tt.name, got, tt.want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(uint8(VP8), cat([]byte{0xB0, 0xF0, 0x92, 0x34, 0x07, 0x60}, keyVP8))
	f.Add(uint8(VP9), []byte{0xAA, 0x92, 0x34, 0x00, 0x07, 0x38, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68, 0x01, 0x04, 0x00, 0xFF})
	f.Add(uint8(H264), []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xCE})
	f.Add(uint8(AV1), []byte{0x20, 0x02, 0x08, 0x00, 0x30, 0x01})
	f.Fuzz(func(t *testing.T, codec uint8, payload []byte) {
		c := Codec(codec % 5)
		before, err := Inspect(c, payload)
		changed := bytes.Clone(payload)
		p := Picture{ID: 0x2BCD, TL0: 0x5A, HasID: before.Picture.HasID, HasTL0: before.Picture.HasTL0}
		WritePicture(c, changed, p)
		if err != nil {
			if !bytes.Equal(changed, payload) {
				t.Fatal("wrote into a malformed payload")
			}
			return
		}
		if !p.HasID {
			p.ID = 0
		}
		if !p.HasTL0 {
			p.TL0 = 0
		}
		after, err := Inspect(c, changed)
		if after.Picture.ID == p.ID&0x7F {
			p.ID &= 0x7F // a short field
		}
		if err != nil || after.Picture != p {
			t.Fatalf("wrote %+v, read %+v, %v", p, after.Picture, err)
		}
		after.Picture = before.Picture
		if after != before {
			t.Fatalf("writing the picture changed %+v to %+v", before, after)
		}
	})
}

func BenchmarkInspectVP8(b *testing.B) {
	payload := cat([]byte{0x90, 0xE0, 0x92, 0x34, 0x07, 0x60}, keyVP8)
	b.ReportAllocs()
	for b.Loop() {
		info, err := Inspect(VP8, payload)
		if err != nil {
			b.Fatal(err)
		}
		WritePicture(VP8, payload, info.Picture)
	}
}
