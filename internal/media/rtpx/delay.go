package rtpx

import "time"

// Parameters of delayEstimator.
const (
	delayBin     = 4 * time.Millisecond
	delayBins    = 120 // up to 480 ms
	delayPeriod  = 5 * time.Second
	delayShare   = 0.97  // of the packets that shall come in time
	delayGrowth  = 1.005 // a packet weighs as much as all that came 200 before it and earlier lose
	delayMargin  = 4 * time.Millisecond
	delayHeavy   = 1e9
	priorWeight  = 10
	priorDelay   = 10 * time.Millisecond
	delayRefresh = 4 // packets between two computations of the target
)

// delayEstimator learns how unevenly the packets of one sender arrive. For each
// packet it takes the transit, arrival minus media time, whose absolute value
// means nothing as the clocks are unrelated; what counts is how much it exceeds
// the smallest one of the last seconds. The target is the excess that 97 % of the
// packets stay under, recent ones counting more.
type delayEstimator struct {
	started     bool
	floor       [2]time.Duration // smallest transit of the last and of this period
	periodStart time.Duration
	weights     [delayBins]float32
	total       float32
	weight      float32 // of the next packet; grows instead of all others shrinking
	sinceTarget int
	target      time.Duration
}

// reset forgets the transits, which is necessary when the sender's timestamps
// jump. What is known about jitter is kept.
func (d *delayEstimator) reset() { d.started = false }

// base returns the smallest transit of the last five to ten seconds.
func (d *delayEstimator) base() time.Duration { return min(d.floor[0], d.floor[1]) }

// observe takes in one packet: when it arrived, and its media time, both from
// arbitrary but fixed starting points.
func (d *delayEstimator) observe(arrival, media time.Duration) {
	transit := arrival - media
	switch {
	case !d.started:
		d.started = true
		d.floor = [2]time.Duration{transit, transit}
		d.periodStart = arrival
	case arrival-d.periodStart > delayPeriod:
		d.floor = [2]time.Duration{d.floor[1], transit}
		d.periodStart = arrival
	default:
		d.floor[1] = min(d.floor[1], transit)
	}
	if d.weight == 0 {
		d.weight = 1
		d.weights[priorDelay/delayBin] = priorWeight
		d.total = priorWeight
	}
	bin := min(int((transit-d.base())/delayBin), delayBins-1)
	d.weights[bin] += d.weight
	d.total += d.weight
	if d.weight *= delayGrowth; d.weight > delayHeavy {
		d.normalise()
	}
	d.sinceTarget++
}

func (d *delayEstimator) normalise() {
	d.total = 0
	for i := range d.weights {
		d.weights[i] /= d.weight
		d.total += d.weights[i]
	}
	d.weight = 1
}

// wanted returns how long a packet should wait, counted from the moment at which
// the fastest packets of its age arrive.
func (d *delayEstimator) wanted() time.Duration {
	if d.target != 0 && d.sinceTarget < delayRefresh {
		return d.target
	}
	d.sinceTarget = 0
	over := d.total * (1 - delayShare)
	bin := delayBins - 1
	for ; bin > 0; bin-- {
		if over -= d.weights[bin]; over < 0 {
			break
		}
	}
	d.target = time.Duration(bin)*delayBin + delayMargin
	return d.target
}

// longest is the longest of the times noted last.
type longest struct {
	now, before time.Duration
	n           int
}

// longestOf is how many are noted before older ones are forgotten: a second of
// packets.
const longestOf = 50

func (l *longest) note(d time.Duration) {
	if l.n == longestOf {
		l.before, l.now, l.n = l.now, 0, 0
	}
	l.now = max(l.now, d)
	l.n++
}

func (l *longest) value() time.Duration { return max(l.now, l.before) }
