package forward

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// link simulates a way to a client: a bottleneck with a queue, a delay, noise
// and loss, and the client's reports on what arrives.
type link struct {
	est      *estimator
	now      time.Time
	start    time.Time
	bps      float64
	queue    time.Duration // longest
	delay    time.Duration
	jitter   time.Duration
	loss     float64
	busy     time.Time // when the bottleneck is free again
	recorder *twcc.Recorder
	arriving []arrival
	reported time.Time
	random   *rand.Rand
}

type arrival struct {
	seq uint16
	at  time.Time
}

func newLink(bps float64) *link {
	start := time.Unix(1_700_000_000, 0)
	return &link{
		est: &estimator{}, now: start, start: start, bps: bps,
		queue: 300 * time.Millisecond, delay: 20 * time.Millisecond,
		recorder: twcc.NewRecorder(1), random: rand.New(rand.NewPCG(1, 2)),
	}
}

// send puts one packet on the way.
func (l *link) send(size int) {
	l.carry(l.est.stamp(size, l.est.probe.running(l.now), l.now), size)
}

// carry takes a numbered packet along.
func (l *link) carry(seq uint16, size int) {
	if l.loss > 0 && l.random.Float64() < l.loss {
		return
	}
	begin := l.now
	if l.busy.After(begin) {
		begin = l.busy
	}
	if begin.Sub(l.now) > l.queue {
		return // the queue is full
	}
	l.busy = begin.Add(time.Duration(float64(size*8) / l.bps * float64(time.Second)))
	at := l.busy.Add(l.delay)
	if l.jitter > 0 {
		at = at.Add(time.Duration(l.random.Int64N(int64(l.jitter))))
	}
	l.arriving = append(l.arriving, arrival{seq, at})
}

// run sends at a rate for a time; rate is asked every 5 ms.
func (l *link) run(d time.Duration, rate func() float64) {
	const step, size = 5 * time.Millisecond, 1150
	owed := 0.0
	for end := l.now.Add(d); l.now.Before(end); l.now = l.now.Add(step) {
		for owed += rate() / 8 * step.Seconds(); owed >= size; owed -= size {
			l.send(size)
		}
		rest := l.arriving[:0]
		for _, a := range l.arriving {
			if a.at.After(l.now) {
				rest = append(rest, a)
				continue
			}
			l.recorder.Record(1, a.seq, a.at.Sub(l.start).Microseconds())
		}
		l.arriving = rest
		if l.now.Sub(l.reported) >= 80*time.Millisecond {
			l.reported = l.now
			for _, p := range l.recorder.BuildFeedbackPacket() {
				l.est.feedback(p.(*rtcp.TransportLayerCC), l.now)
			}
		}
	}
}

func (l *link) estimate() float64 {
	bps, _ := l.est.estimate(l.now)
	return float64(bps)
}

// greedy sends as much as is estimated, up to a limit.
func (l *link) greedy(limit float64) func() float64 {
	return func() float64 { return min(l.estimate(), limit) }
}

func TestEstimateSettlesAtTheBottleneck(t *testing.T) {
	for _, bps := range []float64{300_000, 800_000, 1_500_000} {
		l := newLink(bps)
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
	l := newLink(1_000_000)
	l.jitter = 5 * time.Millisecond
	l.run(40*time.Second, l.greedy(1e7))
	if e := l.estimate(); e < 500_000 || e > 1_150_000 {
		t.Errorf("estimate %.0f of 1000000", e)
	}
}

func TestEstimateFollowsAFall(t *testing.T) {
	l := newLink(4_000_000)
	l.run(10*time.Second, l.greedy(3e6))
	l.bps = 600_000
	l.run(5*time.Second, l.greedy(3e6))
	if e := l.estimate(); e > 800_000 {
		t.Errorf("estimate %.0f five seconds after a fall to 600000", e)
	}
}

func TestWhatGetsThroughIsBelieved(t *testing.T) {
	l := newLink(50_000_000)
	l.run(3*time.Second, func() float64 { return 6_000_000 })
	if e := l.estimate(); e < 5_500_000 {
		t.Errorf("estimate %.0f while 6000000 get through", e)
	}
}

// A sender that uses little must not see its estimate fall.
func TestLittleUseDoesNotLowerTheEstimate(t *testing.T) {
	l := newLink(10_000_000)
	l.jitter = 3 * time.Millisecond
	l.run(60*time.Second, func() float64 { return 300_000 })
	if e := l.estimate(); e < startBps {
		t.Errorf("estimate %.0f, want at least the %d it began with", e, startBps)
	}
}

func TestLossLowersTheEstimate(t *testing.T) {
	l := newLink(50_000_000)
	l.loss = 0.25
	l.run(10*time.Second, l.greedy(5e6))
	if e := l.estimate(); e > 1_500_000 {
		t.Errorf("estimate %.0f with a quarter lost", e)
	}
	few := newLink(50_000_000)
	few.loss = 0.01
	few.run(10*time.Second, few.greedy(5e6))
	if e := few.estimate(); e < 2_000_000 {
		t.Errorf("estimate %.0f with one in a hundred lost", e)
	}
}

func TestProbesFindRoom(t *testing.T) {
	l := newLink(600_000)
	l.run(15*time.Second, l.greedy(1e7))
	low := l.estimate()
	l.bps = 5_000_000
	l.run(2*time.Second, func() float64 { return 400_000 })
	l.est.probe.start(l.now)
	l.run(time.Second, func() float64 {
		if l.est.probe.running(l.now) {
			return 2_000_000
		}
		return 400_000
	})
	if e := l.estimate(); e < 1_500_000 || e > 2_600_000 {
		t.Errorf("estimate %.0f after %.0f and a probe at 2000000", e, low)
	}
}

func TestTheClientsOwnLimitHolds(t *testing.T) {
	l := newLink(5_000_000)
	l.run(2*time.Second, l.greedy(2e6))
	l.est.limit(250_000)
	if e := l.estimate(); e != 250_000 {
		t.Errorf("estimate %.0f, want the client's 250000", e)
	}
}

func TestUnknownBeforeReports(t *testing.T) {
	e := &estimator{}
	if bps, known := e.estimate(time.Now()); known || bps != startBps {
		t.Errorf("%d, known %v", bps, known)
	}
}

func TestReferenceTimeWraps(t *testing.T) {
	e := &estimator{}
	first := e.reference(1<<24 - 1)
	if next := e.reference(2); next-first != 3*64*time.Millisecond {
		t.Errorf("three units later: %v", next-first)
	}
	if back := e.reference(1); back-first != 2*64*time.Millisecond {
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

func FuzzFeedback(f *testing.F) {
	r := twcc.NewRecorder(1)
	for i := range 40 {
		r.Record(1, uint16(i*3), int64(i)*1000)
	}
	for _, p := range r.BuildFeedbackPacket() {
		raw, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var fb rtcp.TransportLayerCC
		if fb.Unmarshal(raw) != nil {
			return
		}
		e := &estimator{}
		now := time.Unix(1, 0)
		for range 2000 {
			e.stamp(1000, false, now)
		}
		for range 3 {
			e.feedback(&fb, now)
			now = now.Add(time.Second)
		}
		if bps, _ := e.estimate(now); bps < minBps || bps > maxBps {
			t.Fatalf("estimate %d", bps)
		}
	})
}
