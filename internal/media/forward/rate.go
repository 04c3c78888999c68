package forward

import (
	"math"
	"time"
)

const (
	// backOff is what is kept of the delivered rate when a queue builds up.
	backOff = 0.85
	// growth per second while far from the last known limit.
	growth = 1.08
	// afterDecrease is how long the rate stays after it was lowered.
	afterDecrease = 300 * time.Millisecond
	// heavyLoss is a share of lost packets that lowers the rate, lightLoss one
	// that does not hinder it from growing.
	heavyLoss, lightLoss = 0.10, 0.02
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
		r.bps = startBps
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
	r.bps = min(max(r.bps, minBps), maxBps)
}

// losses takes the share of lost packets since the last call into account.
func (r *rateControl) losses(share, acked float64, now time.Time) {
	r.lossy = share > lightLoss
	if share > heavyLoss {
		r.bps = max(r.bps*(1-0.5*share), backOff*acked, minBps)
		r.lowered = now
	}
}

func (r *rateControl) decrease(acked float64, now time.Time) {
	if acked == 0 || now.Sub(r.lowered) < afterDecrease {
		return
	}
	target := backOff * acked
	if target >= r.bps {
		return // the queue is not of our making, or already draining
	}
	r.bps, r.lowered = target, now
	r.learn(acked)
}

// learn remembers the rate at which a queue built up.
func (r *rateControl) learn(acked float64) {
	if r.capacity == 0 || math.Abs(acked-r.capacity) > 3*r.deviation() {
		r.capacity, r.variance = acked, 0.4
		return
	}
	diff := acked - r.capacity
	r.capacity += 0.05 * diff
	r.variance = min(max(0.95*r.variance+0.05*diff*diff/(1000*r.capacity), 0.4), 2.5)
}

func (r *rateControl) deviation() float64 { return math.Sqrt(r.variance * r.capacity * 1000) }

// increase grows the rate: by about a packet per response time near the known
// capacity, by a fixed share elsewhere. What is not being used cannot be known
// to be there, so the rate stays within reach of what is delivered.
func (r *rateControl) increase(acked float64, passed time.Duration, now time.Time) {
	if now.Sub(r.lowered) < afterDecrease {
		return
	}
	if r.capacity != 0 && acked > r.capacity+3*r.deviation() {
		r.capacity = 0
	}
	grown := r.bps * math.Pow(growth, passed.Seconds())
	if r.capacity != 0 && math.Abs(acked-r.capacity) <= 3*r.deviation() {
		grown = r.bps + 8*1200*passed.Seconds()/0.2
	}
	if limit := 1.5*acked + 10_000; acked > 0 && grown > limit {
		grown = max(r.bps, limit)
	}
	r.bps = max(r.bps, grown)
}

// probed takes over what a probe has shown. over says that the probe went beyond
// what there is: then its result holds downwards too, but not below what was
// getting through before.
func (r *rateControl) probed(bps float64, over bool, acked float64) {
	if over {
		r.bps = min(max(bps, backOff*acked), max(r.bps, bps))
	}
	r.bps = min(max(r.bps, bps), maxBps)
	r.capacity = 0
}

// probe is a burst above the media's own rate, to find out whether there is
// room for more.
type probe struct {
	began     time.Time // zero: none is under way
	until     time.Time
	first     bool
	sentFirst time.Time
	sentLast  time.Time
	arrFirst  time.Duration
	arrLast   time.Duration
	bytes     int
	packets   int
}

const (
	probeLength = 200 * time.Millisecond
	// probeWait is how long after a probe its feedback may take.
	probeWait    = 250 * time.Millisecond
	probePackets = 10 // fewer prove nothing
)

func (p *probe) start(now time.Time) {
	*p = probe{began: now, until: now.Add(probeLength), first: true}
}

// active says whether a probe is out or its feedback awaited.
func (p *probe) active() bool { return !p.began.IsZero() }

// stop ends the sending of a probe that has filled the queue.
func (p *probe) stop(now time.Time) {
	if p.until.After(now) {
		p.until = now
	}
}

// running says whether packets sent now belong to the probe.
func (p *probe) running(now time.Time) bool {
	return !p.began.IsZero() && now.Before(p.until)
}

// add takes the feedback for a packet into account.
func (p *probe) add(s *sentPacket, arrival time.Duration) {
	if p.began.IsZero() || !s.probe || s.at.Before(p.began) {
		return
	}
	if p.first {
		p.first = false
		p.sentFirst, p.arrFirst = s.at, arrival
		return // its size was sent before the interval began
	}
	p.sentLast, p.arrLast = s.at, max(p.arrLast, arrival)
	p.bytes += int(s.size)
	p.packets++
}

// result is the rate a finished probe has shown, once; 0 if it has shown nothing.
// over says that it could not all be carried.
func (p *probe) result(now time.Time) (bps float64, over, done bool) {
	if now.Before(p.until.Add(probeWait)) {
		return 0, false, false
	}
	sent, received := p.sentLast.Sub(p.sentFirst), p.arrLast-p.arrFirst
	enough := p.packets >= probePackets && sent > probeLength/4 && received > 0
	bits := float64(p.bytes * 8)
	p.began = time.Time{}
	if !enough {
		return 0, false, true
	}
	in, out := bits/received.Seconds(), bits/sent.Seconds()
	if in < 0.9*out {
		return 0.95 * in, true, true
	}
	return min(in, out), false, true
}
