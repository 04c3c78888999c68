package rtpx

import (
	"bytes"
	"errors"
	"testing"
)

func TestParseLevel(t *testing.T) {
	tests := []struct {
		ext   []byte
		level uint8
		voice bool
		ok    bool
	}{
		{nil, LevelSilent, false, false},
		{[]byte{0x85}, 5, true, true},
		{[]byte{0x7F}, 127, false, true},
		{[]byte{0x80, 0}, 0, true, true}, // two-byte form with padding
	}
	for _, tt := range tests {
		level, voice, ok := ParseLevel(tt.ext)
		if level != tt.level || voice != tt.voice || ok != tt.ok {
			t.Errorf("ParseLevel(%v) = %d, %v, %v", tt.ext, level, voice, ok)
		}
	}
}

func TestOpusSamples(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		want    int
	}{
		{"empty", nil, 0},
		{"silence frame", []byte{0xF8, 0xFF, 0xFE}, 960},
		{"SILK 60 ms", []byte{3 << 3}, 2880},
		{"hybrid 10 ms", []byte{14 << 3}, 480},
		{"hybrid 20 ms", []byte{15 << 3}, 960},
		{"CELT 2.5 ms", []byte{16 << 3}, 120},
		{"two frames", []byte{15<<3 | 1}, 1920},
		{"two frames of different size", []byte{15<<3 | 2}, 1920},
		{"six frames of 20 ms", []byte{15<<3 | 3, 6}, 5760},
		{"count missing", []byte{15<<3 | 3}, 0},
		{"count 0", []byte{15<<3 | 3, 0}, 0},
		{"more than 120 ms", []byte{15<<3 | 3, 7}, 0},
	}
	for _, tt := range tests {
		if got := OpusSamples(tt.payload); got != tt.want {
			t.Errorf("%s: %d samples, want %d", tt.name, got, tt.want)
		}
	}
}

// red builds a redundant-audio payload; the last block is the primary one.
func red(blocks ...REDBlock) []byte {
	var out []byte
	for _, b := range blocks[:len(blocks)-1] {
		n := len(b.Payload)
		out = append(out, 0x80|b.PayloadType, byte(b.TSOffset>>6), byte(b.TSOffset<<2)|byte(n>>8), byte(n))
	}
	out = append(out, blocks[len(blocks)-1].PayloadType)
	for _, b := range blocks {
		out = append(out, b.Payload...)
	}
	return out
}

func TestUnwrapRED(t *testing.T) {
	older := REDBlock{111, 3840, bytes.Repeat([]byte{1}, 1023)}
	old := REDBlock{111, 1920, []byte("redundant")}
	now := REDBlock{111, 0, []byte("primary")}
	tests := []struct {
		name string
		in   []byte
		want []REDBlock
	}{
		{"primary only", red(now), []REDBlock{now}},
		{"one redundant block", red(old, now), []REDBlock{old, now}},
		{"two, the first of the largest size", red(older, old, now), []REDBlock{older, old, now}},
		{"longest offset", red(REDBlock{5, 1<<14 - 1, []byte{9}}, now), []REDBlock{{5, 1<<14 - 1, []byte{9}}, now}},
		{"empty redundant block left out", red(REDBlock{111, 960, nil}, now), []REDBlock{now}},
		{"empty primary kept", red(old, REDBlock{111, 0, []byte{}}), []REDBlock{old, {111, 0, []byte{}}}},
	}
	buf := make([]REDBlock, 0, 4)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := UnwrapRED(tt.in, buf[:0])
			if err != nil || len(got) != len(tt.want) {
				t.Fatalf("got %d blocks, %v", len(got), err)
			}
			for i := range got {
				if got[i].PayloadType != tt.want[i].PayloadType || got[i].TSOffset != tt.want[i].TSOffset ||
					!bytes.Equal(got[i].Payload, tt.want[i].Payload) {
					t.Errorf("block %d = %+v", i, got[i])
				}
			}
		})
	}
}

func TestAppendRED(t *testing.T) {
	older := REDBlock{111, 960, bytes.Repeat([]byte{7}, MaxREDBlock)}
	got := AppendRED([]byte("before"), older, []byte("primary"))
	if want := red(older, REDBlock{111, 0, []byte("primary")}); string(got) != "before"+string(want) {
		t.Errorf("% x\nwant % x", got, want)
	}
}

func TestUnwrapREDRefuses(t *testing.T) {
	good := red(REDBlock{111, 1920, []byte("redundant")}, REDBlock{111, 0, nil})
	for name, in := range map[string][]byte{
		"empty":                       nil,
		"only headers":                {0x80 | 111, 0, 0, 1},
		"cut header":                  good[:3],
		"block longer than the data":  good[:len(good)-1],
		"more blocks than allowed":    append(bytes.Repeat([]byte{0x80, 0, 0, 0}, 20), 111),
		"redundant header at the end": {0x80},
	} {
		kept := []REDBlock{{PayloadType: 1}}
		got, err := UnwrapRED(in, kept)
		if !errors.Is(err, ErrRED) || len(got) != 1 {
			t.Errorf("%s: %d blocks, error %v", name, len(got), err)
		}
	}
}

func FuzzUnwrapRED(f *testing.F) {
	f.Add(red(REDBlock{111, 1920, []byte("redundant")}, REDBlock{111, 0, []byte("primary")}))
	f.Add([]byte{111})
	f.Fuzz(func(t *testing.T, in []byte) {
		blocks, err := UnwrapRED(in, nil)
		if err != nil {
			return
		}
		// What was read must give the same bytes again, if no empty block was left out.
		again := red(blocks...)
		if len(again) == len(in) {
			if !bytes.Equal(again, in) {
				t.Fatalf("%x became %x", in, again)
			}
		}
		if len(again) > len(in) {
			t.Fatal("more data out than in")
		}
	})
}

func BenchmarkUnwrapRED(b *testing.B) {
	in := red(REDBlock{111, 3840, make([]byte, 80)}, REDBlock{111, 1920, make([]byte, 80)}, REDBlock{111, 0, make([]byte, 80)})
	buf := make([]REDBlock, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := UnwrapRED(in, buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
