package mix

import "math"

// Sums of several talkers can exceed full scale. softClip leaves samples up to
// knee alone and bends everything above so that it never reaches 1: loud moments
// are compressed, not cut off.
const knee = 0.7

// softClip writes src to dst, bounded. The two may be the same.
func softClip(dst, src []float32) {
	_ = dst[len(src)-1]
	for i, s := range src {
		if s > knee || s < -knee {
			s = bend(s)
		}
		dst[i] = s
	}
}

// interleave writes the two channels that mid and side stand for to dst, bounded.
func interleave(dst, mid, side []float32) {
	side = side[:len(mid)]
	dst = dst[:2*len(mid)]
	for i, m := range mid {
		dst[2*i], dst[2*i+1] = m+side[i], m-side[i]
	}
	softClip(dst, dst)
}

// double writes mono to both channels of dst.
func double(dst, mono []float32) {
	dst = dst[:2*len(mono)]
	for i, s := range mono {
		dst[2*i], dst[2*i+1] = s, s
	}
}

// bend maps the magnitudes above knee into knee..1, continuous in value and slope.
func bend(s float32) float32 {
	const room = 1 - knee
	over := (float64(s) - math.Copysign(knee, float64(s))) / room
	return float32(math.Copysign(knee, float64(s)) + room*math.Tanh(over))
}

func add(to, pcm []float32) {
	pcm = pcm[:len(to)]
	for i := range to {
		to[i] += pcm[i]
	}
}

func subtract(from, pcm []float32) {
	pcm = pcm[:len(from)]
	for i := range from {
		from[i] -= pcm[i]
	}
}
