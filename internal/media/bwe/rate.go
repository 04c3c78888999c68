package bwe

import (
	"math"
	"time"
)

// Numbers of the rate control, from the draft's §5.5 and §6.
const (
	// beta is what is kept of the delivered rate when a queue builds up.
	beta = 0.85
	// eta is the growth per second while far from the last known capacity.
	eta = 1.08
	// reach is how many times what is delivered the estimate may grow to, and
	// reachMore what is added, in bits per second (libwebrtc).
	reach, reachMore = 1.5, 10_000
	// responseTime is in which, near the capacity, one packet of packetBits is
	// added: the draft takes the round trip and 100 ms, which is 200 ms at the
	// round trip of a continent.
	responseTime = 200 * time.Millisecond
	packetBits   = 8 * 1200
	// nearby is how many standard deviations from the capacity are near it.
	nearby = 3
	// capacityMemory smoothes the running mean of the capacity.
	capacityMemory = 0.95
	// minVariance and maxVariance bound the relative variance of the capacity
	// (libwebrtc): 14 and 35 kbit/s at 500 kbit/s.
	minVariance, maxVariance = 0.4, 2.5
	// heavyLoss is a share of lost packets that lowers the rate, by lossWeight
	// of itself; lightLoss one that does not hinder it from growing.
	heavyLoss, lightLoss, lossWeight = 0.10, 0.02, 0.5
	// afterDecrease is how long the rate stays after it was lowered, so that the
	// queue can drain.
	afterDecrease = 300 * time.Millisecond
	// kilo converts the variance, which is relative to kbit/s.
	kilo = 1000
)

// rateControl turns what is observed into a rate.
type rateControl struct {
	bps     float64 // 0 before the first report
	began   time.Time
	updated time.Time
	lowered time.Time
	lossy   bool // too much is lost to grow
	// capacity is a running mean of the rates at which queues built up, and its
	// relative variance; 0 when unknown.
	capacity, variance float64
}

// update takes a report's conclusions into account: the state of the queue and
// the delivered rate in bits per second (0 unknown).
func (r *rateControl) update(u usage, acked float64, now time.Time) {
	if r.bps == 0 {
		r.bps = StartBps
		r.began, r.updated = now, now
	}
	passed := min(now.Sub(r.updated), time.Second)
	r.updated = now
	switch {
	case u == overused:
		r.decrease(acked, now)
	case u == normal && !r.lossy:
		r.bps = max(r.bps, acked) // it is getting through
		r.increase(acked, passed, now)
	}
	r.bps = min(max(r.bps, MinBps), MaxBps)
}

// losses takes the share of lost packets since the last call into account (the
// draft's §6).
func (r *rateControl) losses(share, acked float64, now time.Time) {
	r.lossy = share > lightLoss
	if share > heavyLoss {
		r.bps = max(r.bps*(1-lossWeight*share), beta*acked, MinBps)
		r.lowered = now
	}
}

func (r *rateControl) decrease(acked float64, now time.Time) {
	if acked == 0 || now.Sub(r.lowered) < afterDecrease {
		return
	}
	target := beta * acked
	if target >= r.bps {
		return // the queue is not of our making, or already draining
	}
	r.bps, r.lowered = target, now
	r.learn(acked)
}

// learn remembers the rate at which a queue built up.
func (r *rateControl) learn(acked float64) {
	if r.capacity == 0 || !r.isNear(acked) {
		r.capacity, r.variance = acked, minVariance
		return
	}
	diff := acked - r.capacity
	r.capacity += (1 - capacityMemory) * diff
	variance := capacityMemory*r.variance + (1-capacityMemory)*diff*diff/(kilo*r.capacity)
	r.variance = min(max(variance, minVariance), maxVariance)
}

func (r *rateControl) deviation() float64 { return math.Sqrt(r.variance * r.capacity * kilo) }

// isNear says whether a rate is about the capacity.
func (r *rateControl) isNear(bps float64) bool {
	return math.Abs(bps-r.capacity) <= nearby*r.deviation()
}

// increase grows the rate: by about a packet per response time near the known
// capacity, by a fixed share elsewhere. What is not being used cannot be known
// to be there, so the rate stays within reach of what is delivered, and as it is
// while that is unknown.
func (r *rateControl) increase(acked float64, passed time.Duration, now time.Time) {
	if acked == 0 || now.Sub(r.lowered) < afterDecrease {
		return
	}
	if r.capacity != 0 && acked > r.capacity && !r.isNear(acked) {
		r.capacity = 0 // there is more now
	}
	grown := r.bps * math.Pow(eta, passed.Seconds())
	if r.capacity != 0 && r.isNear(acked) {
		grown = r.bps + packetBits*passed.Seconds()/responseTime.Seconds()
	}
	r.bps = max(r.bps, min(grown, reach*acked+reachMore))
}

// probed takes over what a probe has shown. over says that the probe went beyond
// what there is: then its result holds downwards too, but not below what was
// getting through before.
func (r *rateControl) probed(bps float64, over bool, acked float64) {
	if over {
		r.bps = min(max(bps, beta*acked), max(r.bps, bps))
	}
	r.bps = min(max(r.bps, bps), MaxBps)
	r.capacity = 0
}
