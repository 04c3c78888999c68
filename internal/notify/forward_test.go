package notify

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// What is given up lies on the shelf and is handed on.
func TestDeadLettersAreHandedOn(t *testing.T) {
	var b inbox
	b.set(func(*event.Event) error { return &outbox.Refusal{Class: outbox.Permanent, Code: "TooLarge"} })
	passed := make(chan outbox.Letter, 10)
	v := newEnv(t)
	v.stop()
	v.forward = func(_ context.Context, l outbox.Letter) error { passed <- l; return nil }
	v.start(channel("a", &b, nil))
	id, _ := v.create("one")
	select {
	case l := <-passed:
		if l.Event.Meeting.ID != id || l.Destination != "a" || l.Reason != "TooLarge" {
			t.Errorf("%+v", l)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was handed on")
	}
	letters, err := v.n.Letters(context.Background(), observe.LetterFilter{}, 10)
	if err != nil || len(letters) != 1 {
		t.Errorf("on the shelf: %v, %v", letters, err)
	}
}

// A queue that is away for a while gets it; one that stays away holds up nothing.
func TestALetterIsHandedOnAFewTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries, works atomic.Int32
		n := New(Config{Forward: func(context.Context, outbox.Letter) error {
			if tries.Add(1) >= works.Load() {
				return nil
			}
			return errors.New("away")
		}})
		defer n.Close(t.Context())
		l := outbox.Letter{Event: &event.Event{Meeting: &meeting.Profile{}}}
		for _, c := range []struct{ works, want int32 }{{3, 3}, {1000, forwardTries}} {
			tries.Store(0)
			works.Store(c.works)
			n.pass(l)
			time.Sleep(10 * time.Minute)
			if got := tries.Load(); got != c.want {
				t.Errorf("tried %d times, want %d", got, c.want)
			}
		}
		for range 2 * forwardMost {
			n.pass(l) // never waits
		}
	})
}
