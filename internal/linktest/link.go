// Package linktest simulates the way to a receiver for tests of bandwidth
// estimation: a bottleneck with a queue, a delay, noise and loss, and the
// receiver's reports on what arrives. Time is the test's. Only tests import it.
package linktest

import (
	"math/rand/v2"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
)

const (
	// Step is the least time that Pass moves on by.
	Step = 5 * time.Millisecond
	// reportInterval is how often the receiver reports.
	reportInterval = 80 * time.Millisecond
)

// Reporter takes the receiver's reports, each an RTCP packet: an Estimator or what
// contains one.
type Reporter interface {
	Feedback(report []byte, now time.Time) error
}

// Link is the simulated way. The fields may be changed between the calls.
type Link struct {
	// Now is the time.
	Now time.Time
	// Bps is the bottleneck's rate in bits per second.
	Bps float64
	// Queue is the longest that a packet waits there before it is lost, 300 ms.
	Queue time.Duration
	// Delay is added to all packets, 20 ms; Jitter at most, at random.
	Delay, Jitter time.Duration
	// Loss is the share of packets lost at random, 0 to 1.
	Loss float64

	to       Reporter
	start    time.Time
	free     time.Time // when the bottleneck is free again
	recorder *twcc.Recorder
	arriving []arrival
	reported time.Time
	random   *rand.Rand
}

type arrival struct {
	seq uint16
	at  time.Time
}

// New makes a link of a rate that begins at a time and reports to to.
func New(bps float64, now time.Time, to Reporter) *Link {
	return &Link{
		Now: now, Bps: bps, Queue: 300 * time.Millisecond, Delay: 20 * time.Millisecond,
		to: to, start: now, recorder: twcc.NewRecorder(1), random: rand.New(rand.NewPCG(1, 2)),
	}
}

// Carry takes a numbered packet of size bytes along.
func (l *Link) Carry(seq uint16, size int) {
	if l.Loss > 0 && l.random.Float64() < l.Loss {
		return
	}
	begin := l.Now
	if l.free.After(begin) {
		begin = l.free
	}
	if begin.Sub(l.Now) > l.Queue {
		return // the queue is full
	}
	l.free = begin.Add(time.Duration(float64(size*8) / l.Bps * float64(time.Second)))
	at := l.free.Add(l.Delay)
	if l.Jitter > 0 {
		at = at.Add(time.Duration(l.random.Int64N(int64(l.Jitter))))
	}
	l.arriving = append(l.arriving, arrival{seq, at})
}

// Pass lets time pass, in steps, and reports what has arrived.
func (l *Link) Pass(d time.Duration) {
	for end := l.Now.Add(d); l.Now.Before(end); l.Now = l.Now.Add(Step) {
		l.deliver()
		if l.Now.Sub(l.reported) < reportInterval {
			continue
		}
		l.reported = l.Now
		for _, p := range l.recorder.BuildFeedbackPacket() {
			raw, err := p.Marshal()
			if err == nil {
				err = l.to.Feedback(raw, l.Now)
			}
			if err != nil {
				panic(err) // the receiver is ours
			}
		}
	}
}

// deliver records what has arrived by now.
func (l *Link) deliver() {
	rest := l.arriving[:0]
	for _, a := range l.arriving {
		if a.at.After(l.Now) {
			rest = append(rest, a)
			continue
		}
		l.recorder.Record(1, a.seq, a.at.Sub(l.start).Microseconds())
	}
	l.arriving = rest
}
