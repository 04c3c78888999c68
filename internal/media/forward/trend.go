package forward

import "time"

// usage is what the trend of the delays says.
type usage uint8

const (
	normal usage = iota
	overused
	underused
)

const (
	trendPoints = 20
	// burst is how far apart two packets may be sent and still count as one
	// group.
	burst = 5 * time.Millisecond
	// overuseTime is how long the trend must point up.
	overuseTime = 10 * time.Millisecond
	trendGain   = 4.0
	smoothing   = 0.9
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
		t.threshold = 12.5
	}
	g := &t.group
	if !g.started {
		*g = group{true, sent, sent, arrival}
		return
	}
	if sent.Before(g.first) {
		return // reordered
	}
	if sent.Sub(g.first) <= burst {
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
	if gap < 0 || delta > 3000 || delta < -3000 {
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
	modified := float64(min(t.groups, 60)) * slope * trendGain
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

func (t *trend) adapt(modified float64, at time.Duration) {
	if modified < 0 {
		modified = -modified
	}
	if t.lastPoint != 0 && modified <= t.threshold+15 {
		k := 0.0087
		if modified < t.threshold {
			k = 0.039
		}
		passed := min(milliseconds(at-t.lastPoint), 100)
		t.threshold += k * (modified - t.threshold) * passed
		t.threshold = min(max(t.threshold, 6), 600)
	}
	t.lastPoint = at
}
