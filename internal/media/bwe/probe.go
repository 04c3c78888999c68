package bwe

import "time"

const (
	// probeLength is how long packets of a probe are sent, probeWait how long
	// after that their feedback may take.
	probeLength = 200 * time.Millisecond
	probeWait   = 250 * time.Millisecond
	// probePackets and probeSpan are the least a result is drawn from.
	probePackets = 10
	probeSpan    = probeLength / 4
	// carried is the share of the sent rate that must arrive for the probe to
	// have been carried; otherwise capacityShare of what arrived is believed
	// (libwebrtc).
	carried, capacityShare = 0.9, 0.95
)

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

// sending says whether packets sent now belong to the probe.
func (p *probe) sending(now time.Time) bool { return p.active() && now.Before(p.until) }

// add takes the feedback for a packet into account.
func (p *probe) add(s *sentPacket, arrival time.Duration) {
	if !p.active() || !s.probe || s.at.Before(p.began) {
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
	enough := p.packets >= probePackets && sent > probeSpan && received > 0
	bits := float64(p.bytes * 8)
	p.began = time.Time{}
	if !enough {
		return 0, false, true
	}
	in, out := bits/received.Seconds(), bits/sent.Seconds()
	if in < carried*out {
		return capacityShare * in, true, true
	}
	return min(in, out), false, true
}
