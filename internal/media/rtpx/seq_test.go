package rtpx

import "testing"

func TestSeqOrder(t *testing.T) {
	tests := []struct {
		a, b uint16
		less bool
		diff int
	}{
		{1, 2, true, -1},
		{2, 1, false, 1},
		{7, 7, false, 0},
		{65535, 0, true, -1},
		{0, 65535, false, 1},
		{0, 32767, true, -32767},
		{32768, 0, false, -32768}, // opposite: neither comes first
		{0, 32768, false, -32768},
	}
	for _, tt := range tests {
		if got := SeqLess(tt.a, tt.b); got != tt.less {
			t.Errorf("SeqLess(%d, %d) = %v", tt.a, tt.b, got)
		}
		if got := SeqDiff(tt.a, tt.b); got != tt.diff {
			t.Errorf("SeqDiff(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.diff)
		}
	}
}

func TestUnwrap(t *testing.T) {
	var seq Unwrapper[uint16]
	for _, step := range []struct {
		in   uint16
		want int64
	}{{65534, 65534}, {65535, 65535}, {1, 65537}, {0, 65536}, {65535, 65535}, {2, 65538}, {30000, 95536}, {60000, 125536}, {1000, 132072}} {
		if got := seq.Unwrap(step.in); got != step.want {
			t.Errorf("sequence %d unwrapped to %d, want %d", step.in, got, step.want)
		}
	}
	var ts Unwrapper[uint32]
	for _, step := range []struct {
		in   uint32
		want int64
	}{{1<<32 - 960, 1<<32 - 960}, {0, 1 << 32}, {1<<32 - 1920, 1<<32 - 1920}, {960, 1<<32 + 960}} {
		if got := ts.Unwrap(step.in); got != step.want {
			t.Errorf("timestamp %d unwrapped to %d, want %d", step.in, got, step.want)
		}
	}
}
