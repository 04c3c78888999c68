package bwe

import (
	"math"
	"time"
)

// usage is what the trend of the delays says.
type usage uint8

const (
	normal usage = iota
	overused
	underused
)

const (
	// burstTime is how far apart two packets may be sent and still count as one
	// group (the draft's §5.2).
	burstTime = 5 * time.Millisecond
	// maxVariation is a change of delay that only a clock that was set, or a
	// long pause, makes, in ms (libwebrtc).
	maxVariation = 3000.0
	// trendPoints, smoothing and trendGain shape the trend line, which stands
	// for the filter of the draft's §5.3 (libwebrtc). The gain counts for each
	// group of packets up to gainGroups.
	trendPoints = 20
	smoothing   = 0.9
	trendGain   = 4.0
	gainGroups  = 60
)

// The over-use detector, del_var_th and its neighbours in the draft's §5.4.
const (
	// overuseTime is how long the trend must point up.
	overuseTime = 10 * time.Millisecond
	// firstThreshold, minThreshold and maxThreshold are of the adaptive
	// threshold, in ms.
	firstThreshold, minThreshold, maxThreshold = 12.5, 6.0, 600.0
	// maxExcess is how far beyond the threshold, in ms, a trend is a spike that
	// does not move it.
	maxExcess = 15.0
	// gainUp and gainDown are how fast the threshold follows what is outside and
	// inside of it, per ms, of which at most maxStep count (libwebrtc; the
	// draft's K_u and K_d fit its own filter).
	gainUp, gainDown = 0.0087, 0.039
	maxStep          = 100.0
)

// trend watches how the one-way delay develops: the slope of a line through the
// last smoothed delays, compared with a threshold that adapts to how noisy the
// way is.
type trend struct {
	group, previous group
	groups          int

	accumulated, smoothed float64 // ms
	points                []sample
	first                 time.Duration // arrival of the first point

	threshold float64 // ms
	lastPoint time.Duration
	overSince time.Duration
	overCount int
	lastSlope float64
	usage     usage
}

// group is a burst of packets.
type group struct {
	started         bool
	first, lastSent time.Time
	lastArrival     time.Duration
}

// sample is a smoothed delay at an arrival time, both in ms.
type sample struct{ x, y float64 }

// add takes a packet's times into account, in the order of sending.
func (t *trend) add(sent time.Time, arrival time.Duration) {
	if t.threshold == 0 {
		t.threshold = firstThreshold
	}
	g := &t.group
	if !g.started {
		*g = group{true, sent, sent, arrival}
		return
	}
	if sent.Before(g.first) {
		return // reordered
	}
	if sent.Sub(g.first) <= burstTime {
		g.lastSent, g.lastArrival = sent, max(arrival, g.lastArrival)
		return
	}
	if t.previous.started {
		t.step(*g, t.previous)
	}
	t.previous = *g
	*g = group{true, sent, sent, arrival}
}

// step takes the change of delay between two groups into account.
func (t *trend) step(g, before group) {
	gap := g.lastArrival - before.lastArrival
	delta := milliseconds(gap - g.lastSent.Sub(before.lastSent))
	if gap < 0 || math.Abs(delta) > maxVariation {
		t.reset()
		return
	}
	t.groups++
	t.accumulated += delta
	t.smoothed = smoothing*t.smoothed + (1-smoothing)*t.accumulated
	if len(t.points) == 0 {
		t.first = g.lastArrival
	}
	if len(t.points) == trendPoints {
		t.points = t.points[:copy(t.points, t.points[1:])]
	}
	t.points = append(t.points, sample{milliseconds(g.lastArrival - t.first), t.smoothed})
	if len(t.points) == trendPoints {
		t.detect(slope(t.points), g.lastArrival, gap)
	}
}

// reset forgets what a clock jump or a long pause has made worthless.
func (t *trend) reset() {
	t.points, t.accumulated, t.smoothed, t.groups = t.points[:0], 0, 0, 0
	t.usage, t.overSince, t.overCount = normal, 0, 0
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// slope is that of the least-squares line.
func slope(points []sample) float64 {
	var mx, my float64
	for _, p := range points {
		mx += p.x
		my += p.y
	}
	n := float64(len(points))
	mx, my = mx/n, my/n
	var num, den float64
	for _, p := range points {
		num += (p.x - mx) * (p.y - my)
		den += (p.x - mx) * (p.x - mx)
	}
	if den == 0 {
		return 0
	}
	return num / den
}

// detect compares the slope with the threshold and adapts the threshold.
func (t *trend) detect(slope float64, at, gap time.Duration) {
	modified := float64(min(t.groups, gainGroups)) * slope * trendGain
	switch {
	case modified > t.threshold:
		if t.overCount == 0 {
			t.overSince = 0
		}
		t.overSince += gap
		t.overCount++
		if t.overSince > overuseTime && t.overCount > 1 && slope >= t.lastSlope {
			t.usage = overused
			t.overSince, t.overCount = 0, 0
		}
	case modified < -t.threshold:
		t.usage, t.overSince, t.overCount = underused, 0, 0
	default:
		t.usage, t.overSince, t.overCount = normal, 0, 0
	}
	t.lastSlope = slope
	t.adapt(modified, at)
}

// adapt moves the threshold towards the size of the trend.
func (t *trend) adapt(modified float64, at time.Duration) {
	size := math.Abs(modified)
	if t.lastPoint != 0 && size <= t.threshold+maxExcess {
		k := gainUp
		if size < t.threshold {
			k = gainDown
		}
		passed := min(milliseconds(at-t.lastPoint), maxStep)
		t.threshold += k * (size - t.threshold) * passed
		t.threshold = min(max(t.threshold, minThreshold), maxThreshold)
	}
	t.lastPoint = at
}
