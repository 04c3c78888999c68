package transcribe

import (
	"encoding/binary"
	"math"
)

const (
	// decimation is how many samples of the mixer become one for the engine: from
	// 48 to 16 kHz.
	decimation = 3
	// taps is the length of the low-pass filter before that, a windowed sinc that
	// passes speech up to 7 kHz and stops what would fold back.
	taps   = 48
	cutoff = 7500.0 / 48000 // of the sampling rate
)

// decimator makes 16 kHz of 48 kHz. It keeps the end of what came before, so that
// pieces join without a seam. The zero decimator is ready.
type decimator struct {
	past [taps - 1]float32
	work []float32
}

// lowPass returns the filter's coefficients: sinc, Hann window, sum 1.
func lowPass() (h [taps]float32) {
	var raw [taps]float64
	sum := 0.0
	for i := range raw {
		x := float64(i) - (taps-1)/2.0
		raw[i] = math.Sin(2*math.Pi*cutoff*x) / (math.Pi * x) * (0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/taps))
		sum += raw[i]
	}
	for i := range h {
		h[i] = float32(raw[i] / sum)
	}
	return h
}

// append resamples pcm, whose length is a multiple of decimation, and appends it to
// out as 16-bit little-endian samples.
func (d *decimator) append(out []byte, h *[taps]float32, pcm []float32) []byte {
	d.work = append(append(d.work[:0], d.past[:]...), pcm...)
	for at := 0; at+taps <= len(d.work); at += decimation {
		var sum float32
		for i, s := range d.work[at : at+taps] {
			sum += s * h[i]
		}
		value := math.Min(math.Max(float64(sum)*math.MaxInt16, math.MinInt16), math.MaxInt16)
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(value)))
	}
	copy(d.past[:], d.work[len(d.work)-len(d.past):])
	return out
}
