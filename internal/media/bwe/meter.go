package bwe

import "time"

const (
	// ackedWindow is over how long the delivered rate is measured (the draft's
	// §5.5 recommends 0.5 to 1 s).
	ackedWindow = 500 * time.Millisecond
	// ackedPackets and ackedSpan are the least it is measured from.
	ackedPackets = 8
	ackedSpan    = ackedWindow / 4
	// lossPackets and lossInterval are the least that loss is judged over.
	lossPackets  = 20
	lossInterval = 250 * time.Millisecond
)

// ackedRate measures what arrives, by arrival time: R_hat in the draft's §5.5.
// Those times are the receiver's word, so they neither make the rate larger than
// that of sending nor the samples more than history.
type ackedRate struct {
	samples []ackedSample
	sum     int // bytes
}

type ackedSample struct {
	sent time.Time
	at   time.Duration // arrival
	size int
}

func (a *ackedRate) add(p *sentPacket, at time.Duration) {
	a.samples = append(a.samples, ackedSample{p.at, at, int(p.size)})
	a.sum += int(p.size)
	cut := 0
	for ; cut < len(a.samples)-1; cut++ {
		if at-a.samples[cut].at <= ackedWindow && len(a.samples)-cut <= history {
			break
		}
		a.sum -= a.samples[cut].size
	}
	if cut > 0 {
		a.samples = a.samples[:copy(a.samples, a.samples[cut:])]
	}
}

// bps is the delivered rate in bits per second, 0 while too little is known.
func (a *ackedRate) bps() float64 {
	if len(a.samples) < ackedPackets {
		return 0
	}
	first, last := a.samples[0], a.samples[len(a.samples)-1]
	span := last.at - first.at
	if span < ackedSpan {
		return 0
	}
	return float64(a.sum*8) / max(span, last.sent.Sub(first.sent)).Seconds()
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
