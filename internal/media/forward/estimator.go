package forward

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	// startBps is assumed before anything is known.
	startBps = 2_500_000
	minBps   = 50_000
	maxBps   = 100_000_000
	// history is how many sent packets await their feedback.
	history = 4096
	// ackWindow is over how long the delivered rate is measured.
	ackWindow = 500 * time.Millisecond
	// lossPackets and lossInterval are what loss is judged over, at least.
	lossPackets  = 20
	lossInterval = 250 * time.Millisecond
)

// estimator finds out how much can be sent to one client from the arrival times
// the client reports (transport-wide congestion control): growing delay means
// that a queue builds up somewhere, and loss that it is full. It follows the
// Google congestion control draft (draft-ietf-rmcat-gcc-02): a trend line over
// the delays, an adaptive threshold, and additive or multiplicative increase
// with multiplicative decrease. Safe for concurrent use.
type estimator struct {
	mu   sync.Mutex
	next uint16 // number of the next packet
	sent [history]sentPacket

	trend trend
	rate  rateControl
	ack   ackedRate
	loss  lossMeter
	probe probe

	refWrap int64 // unwrapped reference time of the last feedback, 64 ms units
	refSeen bool
	told    uint64 // limit reported by the client itself (REMB), 0 none
}

type sentPacket struct {
	at    time.Time
	size  int32
	seq   uint16
	probe bool
	open  bool // no feedback yet
}

// stamp numbers a packet that is being sent.
func (e *estimator) stamp(size int, isProbe bool, now time.Time) uint16 {
	seq := e.next
	e.next++
	e.sent[seq%history] = sentPacket{at: now, size: int32(size), seq: seq, probe: isProbe, open: true}
	return seq
}

// limit takes the client's own estimate.
func (e *estimator) limit(bps uint64) {
	e.mu.Lock()
	e.told = bps
	e.mu.Unlock()
}

// settling is how long reports must have come before they are believed.
const settling = time.Second

// estimate is the bandwidth in bits per second; known is false before there is
// enough feedback.
func (e *estimator) estimate(now time.Time) (bps uint64, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	bps = uint64(e.rate.bps)
	if bps == 0 {
		bps = startBps
	}
	if e.told > 0 && e.told < bps {
		bps = e.told
	}
	return bps, e.rate.bps != 0 && now.Sub(e.rate.began) >= settling || e.told > 0
}

// congestedAt is when the estimate was last lowered.
func (e *estimator) congestedAt() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rate.lowered
}

// feedback takes a report of arrival times.
func (e *estimator) feedback(f *rtcp.TransportLayerCC, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	arrival := e.reference(f.ReferenceTime)
	seq, deltas := f.BaseSequenceNumber, f.RecvDeltas
	left := int(f.PacketStatusCount)
	status := func(symbol uint16) {
		if left == 0 {
			return
		}
		left--
		received := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if received {
			if len(deltas) == 0 {
				left = 0
				return
			}
			arrival += time.Duration(deltas[0].Delta) * time.Microsecond
			deltas = deltas[1:]
		}
		e.packet(seq, received, arrival, now)
		seq++
	}
	for _, c := range f.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range min(int(c.RunLength), left) {
				status(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList {
				status(s)
			}
		}
	}
	e.update(now)
}

// reference unwraps the 24-bit reference time.
func (e *estimator) reference(t uint32) time.Duration {
	if !e.refSeen {
		e.refSeen, e.refWrap = true, int64(t)
	} else {
		diff := int64(int32(t<<8-uint32(e.refWrap)<<8) >> 8)
		e.refWrap += diff
	}
	return time.Duration(e.refWrap) * 64 * time.Millisecond
}

// packet takes one packet's fate into account.
func (e *estimator) packet(seq uint16, received bool, arrival time.Duration, now time.Time) {
	p := &e.sent[seq%history]
	if !p.open || p.seq != seq {
		return
	}
	if !received {
		// It may yet be reported as late; loss counts it once.
		e.loss.add(true)
		p.open = false
		return
	}
	p.open = false
	e.loss.add(false)
	e.ack.add(int(p.size), arrival)
	e.trend.add(p.at, arrival)
	e.probe.add(p, arrival)
}

// update draws the conclusions after a report. While a probe is out it makes
// the queue itself, so the delays say nothing about the rate then; what the probe
// has shown does.
func (e *estimator) update(now time.Time) {
	acked := e.ack.bps()
	if e.probe.active() {
		if e.trend.usage == overused {
			e.probe.stop(now)
		}
		rate, over, done := e.probe.result(now)
		if !done {
			return
		}
		e.trend.reset()
		if rate > 0 {
			e.rate.probed(rate, over, acked)
		}
	}
	e.rate.update(e.trend.usage, acked, now)
	if share, ok := e.loss.take(now); ok {
		e.rate.losses(share, acked, now)
	}
}

// ackedRate measures what arrives, by arrival time.
type ackedRate struct {
	samples []ackSample
	sum     int
}

type ackSample struct {
	at   time.Duration
	size int
}

func (a *ackedRate) add(size int, at time.Duration) {
	a.samples = append(a.samples, ackSample{at, size})
	a.sum += size
	cut := 0
	for cut < len(a.samples)-1 && at-a.samples[cut].at > ackWindow {
		a.sum -= a.samples[cut].size
		cut++
	}
	if cut > 0 {
		a.samples = a.samples[:copy(a.samples, a.samples[cut:])]
	}
}

// bps is the delivered rate in bits per second, 0 while too little is known.
func (a *ackedRate) bps() float64 {
	if len(a.samples) < 8 {
		return 0
	}
	span := a.samples[len(a.samples)-1].at - a.samples[0].at
	if span < ackWindow/4 {
		return 0
	}
	return float64(a.sum*8) / span.Seconds()
}

// lossMeter is the share of lost packets since it was last taken.
type lossMeter struct {
	lost, total int
	taken       time.Time
}

func (l *lossMeter) add(lost bool) {
	l.total++
	if lost {
		l.lost++
	}
}

// take returns the share, once enough packets and time have passed.
func (l *lossMeter) take(now time.Time) (share float64, ok bool) {
	if l.total < lossPackets || now.Sub(l.taken) < lossInterval {
		return 0, false
	}
	share = float64(l.lost) / float64(l.total)
	*l = lossMeter{taken: now}
	return share, true
}
