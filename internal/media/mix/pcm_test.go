package mix

import (
	"math"
	"testing"
)

func tone(hz, volume float64, samples int) []float32 {
	pcm := make([]float32, samples)
	for i := range pcm {
		pcm[i] = float32(volume * math.Sin(2*math.Pi*hz*float64(i)/48000))
	}
	return pcm
}

func TestSoftClip(t *testing.T) {
	in := []float32{0, 0.5, -0.7, 0.71, 1, 2, -5, 100}
	out := make([]float32, len(in))
	softClip(out, in)
	for i, s := range out {
		switch {
		case math.Abs(float64(in[i])) <= knee && s != in[i]:
			t.Errorf("%v became %v under the knee", in[i], s)
		case math.Abs(float64(s)) > 1, s*in[i] < 0:
			t.Errorf("%v became %v", in[i], s)
		}
	}
	last := float32(-10)
	for x := float32(-3); x < 3; x += 0.001 {
		y := []float32{x}
		if softClip(y, y); y[0] < last || y[0]-last > 0.0011 && last > -10 {
			t.Fatalf("jumps or falls at %v", x)
		}
		last = y[0]
	}
}

// shorten takes up to excess samples out of pcm.
func shorten(pcm []float32, excess int) []float32 {
	if lag := spare(pcm, excess); lag > 0 {
		return pcm[:join(pcm, lag)]
	}
	return pcm
}

func TestShortenKeepsThePitch(t *testing.T) {
	for _, hz := range []float64{110, 180, 300, 433} {
		pcm := tone(hz, 0.3, frameSamples)
		out := shorten(pcm, 480)
		cut := frameSamples - len(out)
		if cut < minLag || cut > maxLag {
			t.Errorf("%v Hz: %d samples cut", hz, cut)
			continue
		}
		if r := residue(out, hz); r > 0.05 {
			t.Errorf("%v Hz: %.1f %% of the result is something else", hz, 100*r)
		}
	}
}

func TestShortenLeavesAloneWhatItWouldHarm(t *testing.T) {
	noise := make([]float32, frameSamples)
	seed := uint32(1)
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = float32(int32(seed)) / (1 << 33)
	}
	if got := len(shorten(append([]float32{}, noise...), 480)); got != frameSamples {
		t.Errorf("noise was cut to %d samples", got)
	}
	if got := len(shorten(append([]float32{}, noise...), urgent)); got == frameSamples {
		t.Error("a large delay was not reduced")
	}
	if got := len(shorten(tone(200, 0.3, frameSamples), minLag-1)); got != frameSamples {
		t.Errorf("cut to %d samples although less was allowed", got)
	}
	if got := len(shorten(make([]float32, frameSamples), 480)); got != frameSamples-480 {
		t.Errorf("silence was cut to %d samples", got)
	}
	if got := len(shorten(make([]float32, 120), 480)); got != 120 {
		t.Errorf("a short frame was cut to %d samples", got)
	}
}

func TestLevelOf(t *testing.T) {
	for volume, want := range map[float64]uint8{1: 3, 0.1: 23, 0.001: 63, 0: 127, 5: 0} {
		if got := levelOf(tone(1000, volume, frameSamples)); got != want {
			t.Errorf("a tone of amplitude %v has level %d, want %d", volume, got, want)
		}
	}
}
