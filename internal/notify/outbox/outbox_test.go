package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// receiver is a destination's other end, which does as it is told.
type receiver struct {
	*Destination

	mu      sync.Mutex
	answer  func(e *event.Event, attempt int) error // nil: takes everything
	delay   time.Duration
	got     []*event.Event
	tried   []time.Time
	buried  []Letter
	buryErr error
	most    int // attempts at the same time
	now     int
	lanes   map[meeting.ID]*Lane
	cancel  context.CancelFunc
	ctx     context.Context
}

func newReceiver(t *testing.T, change func(*Config)) *receiver {
	r := &receiver{lanes: map[meeting.ID]*Lane{}}
	r.ctx, r.cancel = context.WithCancel(t.Context())
	cfg := Config{
		Name: "webhook:test", Kind: "webhook", Send: r.send, Bury: r.bury, GiveUp: 24 * time.Hour, GiveUpNew: 15 * time.Minute, Width: 64,
		Waits:     []time.Duration{time.Second / 2, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute},
		SlowWaits: []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}, MaxEvents: 100_000, MaxBytes: 1 << 30,
	}
	if change != nil {
		change(&cfg)
	}
	r.Destination = New(cfg)
	t.Cleanup(func() {
		r.cancel()
		r.Close()
	})
	return r
}

func (r *receiver) send(ctx context.Context, e *event.Event, attempt int) error {
	r.mu.Lock()
	r.now++
	r.most = max(r.most, r.now)
	r.tried = append(r.tried, time.Now())
	answer, delay := r.answer, r.delay
	r.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	var err error
	if answer != nil {
		err = answer(e, attempt)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now--
	if err == nil {
		r.got = append(r.got, e)
	}
	return err
}

func (r *receiver) bury(_ context.Context, l Letter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buryErr == nil {
		r.buried = append(r.buried, l)
	}
	return r.buryErr
}

func (r *receiver) set(answer func(*event.Event, int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) counts() (got, buried, tried int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got), len(r.buried), len(r.tried)
}

// put puts n further events of each meeting in, one of each at a time.
func (r *receiver) put(meetings, n int) {
	for range n {
		for m := range meetings {
			id := meeting.ID{byte(m), byte(m >> 8)}
			l := r.lanes[id]
			if l == nil {
				l = r.Lane(r.ctx, id, event.Position{}, func(*event.Event, bool) {})
				r.lanes[id] = l
			}
			l.Put(r.event(id))
		}
	}
}

// event makes the next event of a meeting.
func (r *receiver) event(id meeting.ID) *event.Event {
	var seq uint64
	r.Destination.mu.Lock()
	if l := r.lanes[id]; l != nil {
		seq = l.done.Seq + uint64(len(l.queue))
	}
	r.Destination.mu.Unlock()
	return &event.Event{
		Position: event.Position{Seq: seq + 1}, Sequence: seq + 1, ID: meeting.ID{id[0], id[1], byte(seq), byte(seq >> 8), byte(seq >> 16)},
		Type: event.AttendeeAdded, Time: time.Now(), Meeting: &meeting.Profile{ID: id},
	}
}

// inOrder reports what of each meeting did not come in order, or twice, or not
// at all.
func (r *receiver) inOrder(t *testing.T, meetings, n int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[meeting.ID]uint64{}
	for _, e := range r.got {
		if e.Seq != last[e.Meeting.ID]+1 {
			t.Fatalf("meeting %v: event %d comes after %d", e.Meeting.ID, e.Seq, last[e.Meeting.ID])
		}
		last[e.Meeting.ID] = e.Seq
	}
	if len(last) != meetings {
		t.Errorf("events of %d meetings came, want %d", len(last), meetings)
	}
	for id, seq := range last {
		if seq != uint64(n) {
			t.Errorf("meeting %v: %d events came, want %d", id, seq, n)
		}
	}
}

var errDown = errors.New("connection refused")

func down(*event.Event, int) error { return errDown }

func TestEventsOfAMeetingComeInOrderAndMeetingsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.delay = 100 * time.Millisecond
		start := time.Now()
		r.put(10, 20)
		for got, _, _ := r.counts(); got < 200; got, _, _ = r.counts() {
			time.Sleep(50 * time.Millisecond)
		}
		r.inOrder(t, 10, 20)
		r.mu.Lock()
		defer r.mu.Unlock()
		if took := time.Since(start); took > 2200*time.Millisecond || r.most != 10 {
			t.Errorf("it took %v with %d at the same time", took, r.most)
		}
	})
}

func TestNoMoreAttemptsAtOnceThanTheWidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, func(c *Config) { c.Width = 3 })
		r.delay = time.Second
		r.put(10, 1)
		time.Sleep(time.Minute)
		r.inOrder(t, 10, 1)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.most != 3 {
			t.Errorf("%d at the same time", r.most)
		}
	})
}

// A receiver is down for ten minutes: nothing is lost, the order stays, it is
// not hammered meanwhile, and what waited comes gently.
func TestAReceiverDownForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(down)
		r.put(100, 10)
		time.Sleep(10 * time.Minute)
		_, _, tried := r.counts()
		if tried > 100 {
			t.Errorf("%d attempts in ten minutes", tried)
		}
		if s := r.Stats(); !s.Open || s.Waiting != 1000 || s.Trouble != errDown.Error() {
			t.Errorf("while it is down: %+v", s)
		}
		r.set(nil)
		r.mu.Lock()
		r.delay, r.most = 10*time.Millisecond, 0
		r.mu.Unlock()
		time.Sleep(61 * time.Second)
		r.inOrder(t, 100, 10)
		r.mu.Lock()
		defer r.mu.Unlock()
		if s := r.Stats(); s.Open || s.Waiting != 0 || s.Bytes != 0 || r.most != 64 {
			t.Errorf("after it came back: %+v, %d at the same time", s, r.most)
		}
	})
}

// The first attempts after the circuit was open are one, two, four at a time.
func TestAReceiverThatReturnsIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(down)
		r.put(200, 1)
		time.Sleep(time.Minute)
		r.set(nil)
		r.mu.Lock()
		r.delay, r.tried = time.Second, nil
		r.mu.Unlock()
		time.Sleep(2 * time.Minute)
		r.inOrder(t, 200, 1)
		r.mu.Lock()
		defer r.mu.Unlock()
		perSecond := map[time.Time]int{}
		var order []int
		for _, at := range r.tried {
			perSecond[at]++
		}
		for _, at := range slices.Compact(slices.Clone(r.tried)) {
			order = append(order, perSecond[at])
		}
		if len(order) < 5 || order[0] != 1 || order[1] > 2 || order[2] > 4 || slices.Max(order) != 64 {
			t.Errorf("attempts by second: %v", order)
		}
	})
}

func TestTheScheduleOfAnEvent(t *testing.T) {
	hook := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	for name, c := range map[string]struct {
		err  error
		want []time.Duration // between attempts, at most; at least half of it
	}{
		"passing":        {errDown, append(slices.Clone(hook), 10*time.Minute)},
		"configuration":  {&Refusal{Class: Configuration, Code: "AccessDenied"}, []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 5 * time.Minute}},
		"asked to wait":  {&Refusal{Code: "HTTP 503", After: 20 * time.Minute}, []time.Duration{40 * time.Minute, 40 * time.Minute}},
		"asked too much": {&Refusal{Code: "HTTP 503", After: 48 * time.Hour}, []time.Duration{2 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, func(c *Config) { c.Waits = hook })
				r.set(func(*event.Event, int) error { return c.err })
				r.put(1, 1)
				time.Sleep(5 * time.Hour)
				r.mu.Lock()
				defer r.mu.Unlock()
				for i, most := range c.want {
					if wait := r.tried[i+1].Sub(r.tried[i]); wait > most || wait < most/2 {
						t.Errorf("pause %d is %v, want between %v and %v", i+1, wait, most/2, most)
					}
				}
			})
		})
	}
}

// One message is refused for ever: it becomes a dead letter, those behind it and
// other meetings go on.
func TestAnEventThatIsRefusedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(func(e *event.Event, _ int) error {
			if e.Meeting.ID[0] == 1 && e.Seq == 2 {
				return &Refusal{Class: Permanent, Code: "InvalidMessageContents"}
			}
			return nil
		})
		r.put(3, 4)
		synctest.Wait()
		got, buried, _ := r.counts()
		if got != 11 || buried != 1 {
			t.Fatalf("%d came, %d are dead", got, buried)
		}
		r.mu.Lock()
		l := r.buried[0]
		r.mu.Unlock()
		if l.Event.Seq != 2 || l.Reason != "InvalidMessageContents" || l.Attempts != 1 || l.Destination != "webhook:test" || l.First.IsZero() {
			t.Errorf("the letter says %+v", l)
		}
		if next, waiting, done := r.lanes[meeting.ID{1}].Progress(); waiting || done.Seq != 4 {
			t.Errorf("its lane is at %v, %t, %v", next, waiting, done)
		}
	})
}

func TestATargetThatIsMadeLate(t *testing.T) {
	missing := func(*event.Event, int) error { return &Refusal{Class: Missing, Code: "QueueDoesNotExist"} }
	for name, c := range map[string]struct {
		after       time.Duration
		got, buried int
	}{"after five minutes": {5 * time.Minute, 5, 0}, "never": {2 * time.Hour, 0, 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, nil)
				r.set(missing)
				r.put(5, 1)
				time.Sleep(c.after)
				r.set(nil)
				time.Sleep(6 * time.Minute)
				if got, buried, _ := r.counts(); got != c.got || buried != c.buried {
					t.Errorf("%d came, %d are dead, want %d and %d", got, buried, c.got, c.buried)
				}
			})
		})
	}
}

func TestEventsThatAreTooOldAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(down)
		r.put(50, 2)
		time.Sleep(12 * time.Hour)
		r.put(50, 1) // these are young
		time.Sleep(12*time.Hour + 2*time.Minute)
		if got, buried, _ := r.counts(); got != 0 || buried != 100 {
			t.Fatalf("%d came, %d are dead", got, buried)
		}
		if s := r.Stats(); s.Waiting != 50 || !s.Open {
			t.Errorf("after a day: %+v", s)
		}
		r.set(nil)
		time.Sleep(2 * time.Minute)
		if got, _, _ := r.counts(); got != 50 {
			t.Errorf("%d of 50 that were young came", got)
		}
	})
}

func TestAnEndpointThatWantsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(func(*event.Event, int) error { return &Refusal{Class: Off, Code: "HTTP 410"} })
		r.put(20, 1)
		time.Sleep(time.Hour)
		_, _, before := r.counts()
		r.put(20, 1)
		time.Sleep(10 * time.Hour)
		if _, buried, tried := r.counts(); tried != before || buried != 0 || !r.Stats().Off || r.Stats().Waiting != 40 {
			t.Fatalf("%d attempts after %d, %d dead, %+v", tried, before, buried, r.Stats())
		}
		r.set(nil)
		r.TurnOn()
		synctest.Wait()
		r.inOrder(t, 20, 2)
	})
}

func TestAFullBacklogGivesUpTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, func(c *Config) { c.MaxEvents = 100 })
		r.set(down)
		r.put(10, 1)
		time.Sleep(time.Second)
		r.put(10, 24)
		time.Sleep(time.Minute)
		_, buried, _ := r.counts()
		if s := r.Stats(); buried != 150 || s.Waiting != 100 {
			t.Fatalf("%d are dead, %d wait", buried, s.Waiting)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, l := range r.buried {
			if l.Event.Seq > 15 || l.Reason != "backlog full" {
				t.Errorf("event %d is given up: %s", l.Event.Seq, l.Reason)
			}
		}
		r.answer = nil
		r.mu.Unlock()
		time.Sleep(2 * time.Minute)
		r.mu.Lock()
		for _, e := range r.got {
			if e.Seq <= 15 {
				t.Errorf("event %d came although it is dead", e.Seq)
			}
		}
		if len(r.got) != 100 {
			t.Errorf("%d came, want 100", len(r.got))
		}
	})
}

func TestAShelfThatIsFullOrAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lost int // guarded by the destination's lock
		r := newReceiver(t, func(c *Config) {
			c.Observe = func(o Outcome) {
				if o.Result == "lost" {
					lost++
				}
			}
		})
		r.set(func(*event.Event, int) error { return &Refusal{Class: Permanent, Code: "no"} })
		r.mu.Lock()
		r.buryErr = errors.New("away")
		r.mu.Unlock()
		r.put(1, 2)
		time.Sleep(10 * time.Second)
		if _, waiting, _ := r.lanes[meeting.ID{}].Progress(); !waiting {
			t.Fatal("an event is done with that is neither taken nor kept")
		}
		r.mu.Lock()
		r.buryErr = nil
		r.mu.Unlock()
		time.Sleep(2 * time.Second)
		if _, buried, _ := r.counts(); buried != 2 {
			t.Errorf("%d are kept, want 2", buried)
		}
		r.mu.Lock()
		r.buryErr = fmt.Errorf("%w: full", ErrNoRoom)
		r.mu.Unlock()
		r.put(1, 1)
		time.Sleep(time.Second)
		if _, waiting, _ := r.lanes[meeting.ID{}].Progress(); waiting || lost != 1 {
			t.Errorf("waiting %t, %d counted as lost", waiting, lost)
		}
	})
}

// Dead letters that cannot be written fast enough are bounded in memory as well.
func TestMoreDeadLettersThanCanBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := 0 // guarded by the destination's lock
		r := newReceiver(t, func(c *Config) {
			c.MaxEvents = 50
			c.Observe = func(o Outcome) {
				if o.Result == "lost" {
					lost++
				}
			}
		})
		r.set(down)
		r.mu.Lock()
		r.buryErr = errors.New("away")
		r.mu.Unlock()
		r.put(1, doomedLeast+500)
		time.Sleep(time.Minute)
		r.mu.Lock()
		r.buryErr = nil
		r.mu.Unlock()
		time.Sleep(time.Minute)
		if _, buried, _ := r.counts(); buried < doomedLeast || buried > doomedLeast+10 || buried+lost != doomedLeast+450 || r.Stats().Waiting != 50 {
			t.Errorf("%d are kept, %d lost, %d wait", buried, lost, r.Stats().Waiting)
		}
	})
}

// A receiver comes back under 100,000 waiting events.
func TestAReceiverThatReturnsToAHundredThousandEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(down)
		r.put(1000, 100)
		time.Sleep(10 * time.Minute)
		r.set(nil)
		time.Sleep(2 * time.Minute)
		r.inOrder(t, 1000, 100)
		if _, buried, _ := r.counts(); buried != 0 {
			t.Errorf("%d are dead", buried)
		}
	})
}

func TestALaneThatIsDroppedLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		r.set(down)
		r.put(20, 3)
		time.Sleep(time.Minute)
		for _, l := range r.lanes {
			l.Drop()
		}
		r.cancel()
		if s := r.Stats(); s.Waiting != 0 || s.Bytes != 0 {
			t.Errorf("after all lanes were dropped: %+v", s)
		}
		_, _, before := r.counts()
		time.Sleep(time.Hour)
		if _, _, tried := r.counts(); tried != before {
			t.Errorf("%d attempts for lanes that are gone", tried-before)
		}
	})
}
