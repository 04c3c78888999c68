package mix

import "math"

// Parameters of shortening, in 48 kHz samples.
const (
	minLag      = 120  // 2.5 ms, the period of a high voice
	maxLag      = 480  // 10 ms, that of a low one
	lagStep     = 4    // resolution of the search
	overlap     = 240  // cross-fade
	urgent      = 4800 // 100 ms of excess delay justify an audible cut
	likeEnough  = 0.6  // correlation above which a cut is not heard
	probeStride = 3    // of three samples, one is correlated
	quietPeak   = 3e-3 // -50 dB: below, no cut is heard
)

// spare returns how many samples, of up to excess, pcm can do without while its
// pitch stays: there are two places in it that sound alike, one period of the
// voice apart. It returns 0 if nothing alike was found.
func spare(pcm []float32, excess int) int {
	longest := min(maxLag, excess, len(pcm)-overlap)
	if longest < minLag {
		return 0
	}
	lag, likeness := bestLag(pcm, longest)
	if likeness < likeEnough && excess < urgent && peak(pcm) > quietPeak {
		return 0
	}
	return lag
}

// join takes lag samples out of pcm, and returns how many are left: what begins so
// much later is faded in over the beginning. Without pcm it does nothing.
func join(pcm []float32, lag int) int {
	if len(pcm) == 0 {
		return 0
	}
	for i := range overlap {
		w := float32(i) / overlap
		pcm[i] = pcm[i]*(1-w) + pcm[i+lag]*w
	}
	return overlap + copy(pcm[overlap:], pcm[overlap+lag:])
}

// bestLag returns the shift at which the beginning of pcm resembles itself most,
// with the normalised correlation there, -1..1.
func bestLag(pcm []float32, longest int) (lag int, likeness float64) {
	lag, likeness = longest, -1
	for k := minLag; k <= longest; k += lagStep {
		var ab, aa, bb float64
		for i := 0; i < overlap; i += probeStride {
			a, b := float64(pcm[i]), float64(pcm[i+k])
			ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
		}
		if aa == 0 || bb == 0 {
			continue
		}
		if c := ab / math.Sqrt(aa*bb); c > likeness {
			lag, likeness = k, c
		}
	}
	return lag, likeness
}
