package outbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// crowd is a receiver that takes up to ten events in one request.
type crowd struct {
	*receiver
	mu       sync.Mutex
	requests [][]*event.Event
	alone    int // events that came by themselves
	whole    error
}

func newCrowd(t *testing.T, width int) *crowd {
	c := &crowd{}
	c.receiver = newReceiver(t, func(cfg *Config) {
		one := cfg.Send
		cfg.Width, cfg.Many, cfg.SendMany = width, 10, c.sendMany
		cfg.Send = func(ctx context.Context, e *event.Event, attempt int) error {
			c.mu.Lock()
			c.alone++
			c.mu.Unlock()
			return one(ctx, e, attempt)
		}
	})
	return c
}

func (c *crowd) sendMany(ctx context.Context, events []*event.Event) ([]error, error) {
	c.mu.Lock()
	c.requests = append(c.requests, events)
	whole := c.whole
	c.mu.Unlock()
	if whole != nil {
		return nil, whole
	}
	failed := make([]error, len(events))
	for i, e := range events {
		failed[i] = c.receiver.send(ctx, e, 1)
	}
	return failed, nil
}

// together puts one event into each lane, all of them before any is sent.
func (c *crowd) together(lanes ...*Lane) {
	events := make([]*event.Event, len(lanes))
	for i, l := range lanes {
		events[i] = c.event(l.meeting)
	}
	c.Destination.mu.Lock()
	defer c.Destination.mu.Unlock()
	for i, l := range lanes {
		c.putLocked(l, events[i], events[i].Time)
	}
}

// tenLanes returns the lanes of ten meetings.
func (c *crowd) tenLanes() (lanes []*Lane) {
	for m := range 10 {
		id := meeting.ID{byte(m)}
		c.lanes[id] = c.Lane(c.ctx, id, event.Position{}, func(*event.Event, bool) {})
		lanes = append(lanes, c.lanes[id])
	}
	return lanes
}

func (c *crowd) refuse(whole error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = whole
}

func (c *crowd) came() (requests [][]*event.Event, alone int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests), c.alone
}

func TestEventsOfManyMeetingsGoInOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 2)
		c.delay = 10 * time.Millisecond
		c.put(35, 4)
		time.Sleep(time.Minute)
		c.inOrder(t, 35, 4)
		requests, alone := c.came()
		if len(requests)+alone > 30 {
			t.Errorf("%d requests and %d alone for 140 events", len(requests), alone)
		}
		for _, events := range requests {
			seen := map[meeting.ID]bool{}
			for _, e := range events {
				if seen[e.Meeting.ID] {
					t.Error("a request has two events of one meeting")
				}
				seen[e.Meeting.ID] = true
			}
			if len(events) < 2 || len(events) > 10 {
				t.Errorf("a request has %d events", len(events))
			}
		}
	})
}

// One of ten is refused: it is tried again alone in its lane, the others go on.
func TestAnEventThatIsRefusedHoldsUpItsMeetingOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		odd := meeting.ID{3}
		c.set(func(e *event.Event, _ int) error {
			if e.Meeting.ID == odd {
				return errDown
			}
			return nil
		})
		c.put(10, 5)
		time.Sleep(100 * time.Millisecond)
		if got, _, _ := c.counts(); got != 45 {
			t.Errorf("%d events of the other meetings came, want 45", got)
		}
		c.set(nil)
		time.Sleep(5 * time.Minute)
		c.inOrder(t, 10, 5)
	})
}

// A request that fails as a whole is one failure: it takes ten of them until the
// receiver is left in peace.
func TestARequestThatFailsIsOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		c.refuse(errDown)
		c.together(c.tenLanes()...)
		time.Sleep(time.Second / 5)
		if s := c.Stats(); s.Open || s.Waiting != 10 || s.Trouble != errDown.Error() {
			t.Errorf("after the first request: %+v", s)
		}
		c.set(down)
		time.Sleep(10 * time.Minute)
		if s := c.Stats(); !s.Open || s.Waiting != 10 {
			t.Errorf("after ten minutes: %+v", s)
		}
		c.refuse(nil)
		c.set(nil)
		time.Sleep(2 * time.Minute)
		c.inOrder(t, 10, 1)
	})
}

// A request is refused for what is in it: each event goes alone, and the one to
// blame is given up.
func TestWhichOfManyIsToBlame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		c.refuse(&Refusal{Class: Permanent, Code: "BatchRequestTooLong"})
		bad := meeting.ID{4}
		c.set(func(e *event.Event, _ int) error {
			if e.Meeting.ID == bad {
				return &Refusal{Class: Permanent, Code: "InvalidMessageContents"}
			}
			return nil
		})
		c.together(c.tenLanes()...)
		time.Sleep(time.Second)
		if got, buried, _ := c.counts(); got != 9 || buried != 1 {
			t.Errorf("%d came and %d were given up, want 9 and 1", got, buried)
		}
		c.receiver.mu.Lock()
		defer c.receiver.mu.Unlock()
		if l := c.buried[0]; l.Event.Meeting.ID != bad || l.Reason != "InvalidMessageContents" || l.Attempts != 1 {
			t.Errorf("given up was %+v", l)
		}
	})
}

// A meeting moves away while a request with one of its events is under way: the
// request goes on for the others, and ends when all have moved.
func TestLanesThatAreDroppedDuringARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1)
		here, leave := context.WithCancel(t.Context())
		there, leaveToo := context.WithCancel(t.Context())
		var ended error
		c.cfg.SendMany = func(ctx context.Context, events []*event.Event) ([]error, error) {
			select {
			case <-ctx.Done():
				ended = ctx.Err()
			case <-time.After(time.Hour):
			}
			return nil, errDown
		}
		var lanes []*Lane
		for i, ctx := range []context.Context{here, there} {
			l := c.Lane(ctx, meeting.ID{byte(i)}, event.Position{}, func(*event.Event, bool) { t.Error("an event is done with") })
			lanes = append(lanes, l)
		}
		c.together(lanes...)
		synctest.Wait()
		leave()
		lanes[0].Drop()
		time.Sleep(time.Minute)
		if ended != nil {
			t.Errorf("the request ended with the first meeting: %v", ended)
		}
		leaveToo()
		lanes[1].Drop()
		synctest.Wait()
		if !errors.Is(ended, context.Canceled) || c.Stats().Waiting != 0 {
			t.Errorf("with both: %v, %+v", ended, c.Stats())
		}
	})
}
