package bwe

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/linktest"
)

// sender sends to a simulated link by what it estimates.
type sender struct {
	*linktest.Link
	est *Estimator
}

func newSender(bps float64) *sender {
	est := &Estimator{}
	return &sender{linktest.New(bps, time.Unix(1_700_000_000, 0), est), est}
}

// run sends at a rate for a time; rate is asked at every step.
func (l *sender) run(d time.Duration, rate func() float64) {
	const size = 1150
	owed := 0.0
	for end := l.Now.Add(d); l.Now.Before(end); l.Pass(linktest.Step) {
		for owed += rate() / 8 * linktest.Step.Seconds(); owed >= size; owed -= size {
			l.Carry(l.est.Sent(size, l.Now), size)
		}
	}
}

func (l *sender) estimate() float64 {
	bps, _ := l.est.Estimate(l.Now)
	return float64(bps)
}

// greedy sends as much as is estimated, up to a limit.
func (l *sender) greedy(limit float64) func() float64 {
	return func() float64 { return min(l.estimate(), limit) }
}

func TestEstimateSettlesAtTheBottleneck(t *testing.T) {
	for _, bps := range []float64{300_000, 800_000, 1_500_000} {
		l := newSender(bps)
		l.run(20*time.Second, l.greedy(1e7))
		sum, n := 0.0, 0
		for range 40 {
			l.run(500*time.Millisecond, l.greedy(1e7))
			sum += l.estimate()
			n++
		}
		if mean := sum / float64(n); mean < 0.7*bps || mean > 1.1*bps {
			t.Errorf("bottleneck of %.0f: mean estimate %.0f", bps, mean)
		}
	}
}

func TestEstimateSettlesDespiteJitter(t *testing.T) {
	l := newSender(1_000_000)
	l.Jitter = 5 * time.Millisecond
	l.run(40*time.Second, l.greedy(1e7))
	if e := l.estimate(); e < 500_000 || e > 1_150_000 {
		t.Errorf("estimate %.0f of 1000000", e)
	}
}

func TestEstimateFollowsAFall(t *testing.T) {
	l := newSender(4_000_000)
	l.run(10*time.Second, l.greedy(3e6))
	l.Bps = 600_000
	l.run(5*time.Second, l.greedy(3e6))
	if e := l.estimate(); e > 800_000 {
		t.Errorf("estimate %.0f five seconds after a fall to 600000", e)
	}
}

func TestWhatGetsThroughIsBelieved(t *testing.T) {
	l := newSender(50_000_000)
	l.run(3*time.Second, func() float64 { return 6_000_000 })
	if e := l.estimate(); e < 5_500_000 {
		t.Errorf("estimate %.0f while 6000000 get through", e)
	}
}

// A sender that uses little must not see its estimate fall.
func TestLittleUseDoesNotLowerTheEstimate(t *testing.T) {
	l := newSender(10_000_000)
	l.Jitter = 3 * time.Millisecond
	l.run(60*time.Second, func() float64 { return 300_000 })
	if e := l.estimate(); e < StartBps {
		t.Errorf("estimate %.0f, want at least the %d it began with", e, StartBps)
	}
}

func TestLossLowersTheEstimate(t *testing.T) {
	l := newSender(50_000_000)
	l.Loss = 0.25
	l.run(10*time.Second, l.greedy(5e6))
	if e := l.estimate(); e > 1_500_000 {
		t.Errorf("estimate %.0f with a quarter lost", e)
	}
	few := newSender(50_000_000)
	few.Loss = 0.01
	few.run(10*time.Second, few.greedy(5e6))
	if e := few.estimate(); e < 2_000_000 {
		t.Errorf("estimate %.0f with one in a hundred lost", e)
	}
}

func TestProbesFindRoom(t *testing.T) {
	l := newSender(600_000)
	l.run(15*time.Second, l.greedy(1e7))
	low := l.estimate()
	l.Bps = 5_000_000
	l.run(2*time.Second, func() float64 { return 400_000 })
	l.est.Probe(l.Now)
	l.run(time.Second, func() float64 {
		if l.est.Probing(l.Now) {
			return 2_000_000
		}
		return 400_000
	})
	if e := l.estimate(); e < 1_500_000 || e > 2_600_000 {
		t.Errorf("estimate %.0f after %.0f and a probe at 2000000", e, low)
	}
}

func TestTheClientsOwnLimitHolds(t *testing.T) {
	l := newSender(5_000_000)
	l.run(2*time.Second, l.greedy(2e6))
	l.est.SetLimit(250_000)
	if e := l.estimate(); e != 250_000 {
		t.Errorf("estimate %.0f, want the client's 250000", e)
	}
}

func TestUnknownBeforeReports(t *testing.T) {
	e := &Estimator{}
	if bps, known := e.Estimate(time.Now()); known || bps != StartBps {
		t.Errorf("%d, known %v", bps, known)
	}
}

func TestReferenceTimeWraps(t *testing.T) {
	e := &Estimator{}
	first := e.unwrap(1<<24 - 1)
	if next := e.unwrap(2); next-first != 3*64*time.Millisecond {
		t.Errorf("three units later: %v", next-first)
	}
	if back := e.unwrap(1); back-first != 2*64*time.Millisecond {
		t.Errorf("two units later, out of order: %v", back-first)
	}
}

func TestSlope(t *testing.T) {
	var p []sample
	for i := range 10 {
		p = append(p, sample{float64(i), 3 + 0.5*float64(i)})
	}
	if s := slope(p); math.Abs(s-0.5) > 1e-9 {
		t.Errorf("slope %v", s)
	}
	if s := slope([]sample{{1, 1}, {1, 5}}); s != 0 {
		t.Errorf("slope of a vertical line %v", s)
	}
}

// liar is a receiver who claims that everything came in a tenth of the time, or at
// one and the same.
type liar struct {
	to     *Estimator
	spread time.Duration // between two packets as he has it
}

func (l *liar) report(now time.Time, seqs []uint16) {
	raw := head(uint16(len(seqs)), 0x20, byte(len(seqs)))
	for range seqs {
		raw = append(raw, byte(l.spread/deltaUnit))
	}
	for len(raw)%4 != 0 {
		raw = append(raw, 0)
	}
	binary.BigEndian.PutUint16(raw[2:], uint16(len(raw)/4-1))
	binary.BigEndian.PutUint16(raw[12:], seqs[0])
	reference := uint32(0)
	if l.spread > 0 {
		reference = uint32(now.UnixMilli() / 640)
	}
	binary.BigEndian.PutUint32(raw[16:], reference<<8)
	_ = l.to.Feedback(raw, now)
}

func TestALiarGetsNoMoreThanIsSentToHim(t *testing.T) {
	for _, spread := range []time.Duration{250 * time.Microsecond, 0} {
		e := &Estimator{}
		l := &liar{e, spread}
		now := time.Unix(1_700_000_000, 0)
		for range 600 { // a minute of 3 Mb/s
			var seqs []uint16
			for range 32 {
				seqs = append(seqs, e.Sent(1170, now))
				now = now.Add(3125 * time.Microsecond)
			}
			l.report(now, seqs)
		}
		if bps, _ := e.Estimate(now); bps > 6_000_000 {
			t.Errorf("spread %v: estimate %d for a way that has carried 3,000,000", spread, bps)
		}
		if n := len(e.acked.samples); n > history {
			t.Errorf("spread %v: %d packets are remembered", spread, n)
		}
	}
}
