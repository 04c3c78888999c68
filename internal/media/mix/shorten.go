package mix

import "math"

// Parameters of shorten, in 48 kHz samples.
const (
	minLag      = 120  // 2.5 ms, the period of a high voice
	maxLag      = 480  // 10 ms, that of a low one
	lagStep     = 4    // resolution of the search
	overlap     = 240  // cross-fade
	urgent      = 4800 // 100 ms of excess delay justify an audible cut
	likeEnough  = 0.6  // correlation above which a cut is not heard
	probeStride = 3    // samples left out when correlating
)

// shorten takes up to excess samples out of pcm without changing its pitch: it
// finds two places that sound alike, one period of the voice apart, and joins
// them. It returns pcm itself, shorter or as it was if nothing alike was found.
func shorten(pcm []float32, excess int) []float32 {
	longest := min(maxLag, excess, len(pcm)-overlap)
	if longest < minLag {
		return pcm
	}
	lag, likeness := bestLag(pcm, longest)
	if likeness < likeEnough && excess < urgent && peak(pcm) > 0.003 {
		return pcm
	}
	for i := range overlap {
		w := float32(i) / overlap
		pcm[i] = pcm[i]*(1-w) + pcm[i+lag]*w
	}
	return pcm[:overlap+copy(pcm[overlap:], pcm[overlap+lag:])]
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
