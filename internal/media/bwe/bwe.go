package bwe

import "time"

// Bounds of the estimate, in bits per second.
const (
	// StartBps is assumed before anything is known.
	StartBps = 2_500_000
	MinBps   = 50_000
	MaxBps   = 100_000_000
)

const (
	// history is how many sent packets await their feedback.
	history = 4096
	// settling is how long reports must have come before they are believed.
	settling = time.Second
	// stale is how long after the last packet the delays say nothing any more.
	stale = time.Second
	// maxMentions is how often reports may speak of each packet sent: what they
	// say beyond that is not read. Honest ones overlap a little.
	maxMentions = 4
)

// Estimator estimates the bandwidth to one receiver. The zero value is ready. It
// is not safe for concurrent use.
type Estimator struct {
	next uint16       // number of the next packet
	sent []sentPacket // by number; nil before the first, as it is large
	// mentions is of how many packets reports may yet speak.
	mentions int

	trend trend
	rate  rateControl
	acked ackedRate
	loss  lossMeter
	probe probe

	reference     int64 // unwrapped reference time of the last report, in units
	referenceSeen bool
	limit         uint64 // reported by the receiver itself, 0 none
}

// sentPacket is a packet whose feedback is awaited while open.
type sentPacket struct {
	at    time.Time
	size  int32
	seq   uint16
	probe bool
	open  bool
}

// Sent numbers a packet of size bytes that is being sent; the number goes into
// its header extension. Packets sent while Probing belong to the probe.
func (e *Estimator) Sent(size int, now time.Time) (seq uint16) {
	if e.sent == nil {
		e.sent = make([]sentPacket, history)
	}
	e.mentions = min(e.mentions+maxMentions, maxMentions*history)
	seq = e.next
	e.next++
	e.sent[seq%history] = sentPacket{at: now, size: int32(size), seq: seq, probe: e.Probing(now), open: true}
	return seq
}

// SetLimit takes the receiver's own estimate in bits per second (REMB), which the
// estimate does not exceed from now on; 0 lifts it.
func (e *Estimator) SetLimit(bps uint64) { e.limit = bps }

// Estimate is the bandwidth in bits per second; known is false before there has
// been enough feedback, and bps then what is assumed.
func (e *Estimator) Estimate(now time.Time) (bps uint64, known bool) {
	bps = uint64(e.rate.bps)
	if bps == 0 {
		bps = StartBps
	}
	if e.limit > 0 && e.limit < bps {
		bps = e.limit
	}
	return bps, e.rate.bps != 0 && now.Sub(e.rate.began) >= settling || e.limit > 0
}

// LoweredAt is when the estimate was last lowered for congestion; zero for never.
func (e *Estimator) LoweredAt() time.Time { return e.rate.lowered }

// Probe begins a probe: until Probing ends, the caller sends as much as it wants
// to know about.
func (e *Estimator) Probe(now time.Time) {
	if e.sent == nil || now.Sub(e.sent[(e.next-1)%history].at) >= stale {
		e.trend.reset() // it tells of a queue that is gone
	}
	e.probe.start(now)
}

// Probing says whether packets sent now belong to a probe.
func (e *Estimator) Probing(now time.Time) bool { return e.probe.sending(now) }

// Feedback takes a report of arrival times: one RTCP packet, type 205 and format
// 15. A malformed one (ErrReport) changes nothing.
func (e *Estimator) Feedback(raw []byte, now time.Time) error {
	r, err := parseReport(raw)
	if err != nil {
		return err
	}
	arrival := e.unwrap(r.reference)
	r.each(func(seq uint16, received bool, delta time.Duration) bool {
		arrival += delta
		e.packet(seq, received, arrival)
		e.mentions--
		return e.mentions > 0
	})
	e.conclude(now)
	return nil
}

// unwrap continues the 24-bit reference time.
func (e *Estimator) unwrap(t uint32) time.Duration {
	if !e.referenceSeen {
		e.referenceSeen, e.reference = true, int64(t)
	} else {
		e.reference += int64(int32(t<<8-uint32(e.reference)<<8) >> 8)
	}
	return time.Duration(e.reference) * referenceUnit
}

// Settle takes over what a probe has shown when the time for reports on it is
// over. Reports do so themselves, but where only the probe was sent none come
// after its own. To be called now and then.
func (e *Estimator) Settle(now time.Time) {
	if e.probe.active() {
		e.settle(e.acked.bps(), now)
	}
}

// settle says whether there is no probe any more.
func (e *Estimator) settle(acked float64, now time.Time) bool {
	rate, over, done := e.probe.result(now)
	if !done {
		return false
	}
	e.trend.reset()
	if rate > 0 {
		e.rate.probed(rate, over, acked)
	}
	return true
}

// packet takes one packet's fate into account.
func (e *Estimator) packet(seq uint16, received bool, arrival time.Duration) {
	if e.sent == nil {
		return
	}
	p := &e.sent[seq%history]
	if !p.open || p.seq != seq {
		return
	}
	p.open = false // it may yet be reported as late; loss counts it once
	e.loss.add(!received)
	if received {
		e.acked.add(p, arrival)
		e.trend.add(p.at, arrival)
		e.probe.add(p, arrival)
	}
}

// conclude draws the conclusions from a report. While a probe is out it makes
// the queue itself, so the delays say nothing about the rate then; what the probe
// has shown does.
func (e *Estimator) conclude(now time.Time) {
	acked := e.acked.bps()
	if e.probe.active() {
		if e.trend.usage == overused {
			e.probe.stop(now)
		}
		if !e.settle(acked, now) {
			return
		}
	}
	e.rate.update(e.trend.usage, acked, now)
	if share, ok := e.loss.take(now); ok {
		e.rate.losses(share, acked, now)
	}
}
