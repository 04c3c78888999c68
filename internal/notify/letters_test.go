package notify

import (
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// More dead letters than there is room for are sent again part by part, in order,
// and none of them is given up for another one.
func TestAReplayTakesNoMoreThanThereIsRoomFor(t *testing.T) {
	var b inbox
	b.set(func(*event.Event) error { return &outbox.Refusal{Class: outbox.Permanent, Code: "HTTP 400"} })
	ch := channel("a", &b, func(c *outbox.Config) { c.MaxEvents = 3 })
	ch.Route = func(*meeting.Profile) (string, bool) { return "a arn:of-the-meeting", true }
	v := newEnv(t, ch)
	id, _ := v.create("one", "ann", "bob", "cy", "dee")
	v.written()
	b.set(down)
	if n, err := v.n.Replay(t.Context(), observe.LetterFilter{}); n != 3 || err != nil {
		t.Errorf("%d of 5 are sent again with room for 3, %v", n, err)
	}
	if n, err := v.n.Replay(t.Context(), observe.LetterFilter{}); n != 0 || err != nil {
		t.Errorf("%d are sent again without room, %v", n, err)
	}
	b.set(nil)
	left := func() int {
		letters, err := v.n.Letters(t.Context(), observe.LetterFilter{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(letters)
	}
	eventually(t, "three were taken", func() bool { return left() == 2 })
	if n, err := v.n.Replay(t.Context(), observe.LetterFilter{}); n != 2 || err != nil {
		t.Errorf("%d of the other 2 are sent again, %v", n, err)
	}
	eventually(t, "all were taken", func() bool { return left() == 0 })
	slot := v.held()[id.Slot()]
	slot.mu.Lock()
	slot.forgetLocked(id)
	slot.mu.Unlock()
	if d := v.n.Destinations(); len(d) != 0 {
		t.Errorf("nobody uses it, and there is still %+v", d)
	}
	for i, e := range b.events() {
		if e.Sequence != uint64(i+1) {
			t.Errorf("event %d came as number %d", e.Sequence, i+1)
		}
	}
}
