package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

func TestTheEventsOfAMeeting(t *testing.T) {
	var b inbox
	v := newEnv(t, channel("a", &b, nil))
	ctx := context.Background()
	id, people := v.create("one", "ann", "bob")
	v.fact(id, people[0], meeting.Authorized)
	v.fact(id, people[0], meeting.Joined)
	v.fact(id, people[1], meeting.Joined)
	v.fact(id, people[0], meeting.VideoStarted)
	caps := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.None, Content: meeting.None}
	if _, err := v.UpdateCapabilities(ctx, owner, id, people[1], caps); err != nil {
		t.Fatal(err)
	}
	if err := v.DeleteAttendee(ctx, owner, id, people[0]); err != nil {
		t.Fatal(err)
	}
	v.fact(id, people[0], meeting.Left)
	if err := v.StartTranscription(ctx, owner, id, meeting.TranscriptionConfig{JSON: "{}"}); err != nil {
		t.Fatal(err)
	}
	v.end(id)
	want := []string{"MeetingStarted", "AttendeeAdded", "AttendeeAdded", "AttendeeAuthorized", "AttendeeJoined", "AttendeeJoined", "AttendeeVideoStarted",
		"AttendeeCapabilitiesUpdated", "AttendeeDeleted", "AttendeeLeft", "TranscriptionFailed", "AttendeeLeft", "MeetingEnded"}
	eventually(t, "all came", func() bool { return len(b.types(id)) >= len(want) })
	if got := b.types(id); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for i, e := range b.events() {
		if e.Sequence != uint64(i+1) {
			t.Errorf("event %d has the sequence %d", i+1, e.Sequence)
		}
		named := map[string]string{event.AttendeeDeleted: "ann", event.CapabilitiesUpdated: "bob"}
		if user, ok := named[e.Type]; ok && e.User != user {
			t.Errorf("%s names %q, want %q", e.Type, e.User, user)
		}
	}
}

// The process dies in every state that an event can be in; afterwards everything
// has come, in order, and what came twice has the same id.
func TestNoEventIsLostInACrash(t *testing.T) {
	const meetings = 5
	for name, c := range map[string]struct {
		before func(*event.Event) error // what the receiver does before the crash
		wait   func(v *env, b *inbox)
	}{
		"before it was tried": {down, func(*env, *inbox) {}},
		"while it is tried": {down, func(v *env, b *inbox) {
			eventually(v.t, "tries", func() bool { return v.n.Destinations()[0].Trouble != "" })
		}},
		"taken, not written": {nil, func(v *env, b *inbox) { eventually(v.t, "came", func() bool { return len(b.events()) >= 4*meetings }) }},
		"taken and written":  {nil, func(v *env, b *inbox) { v.written() }},
		"half of a record": {func(e *event.Event) error {
			if e.Index > 1 {
				return errDown
			}
			return nil
		}, func(v *env, b *inbox) { time.Sleep(50 * time.Millisecond) }},
	} {
		t.Run(name, func(t *testing.T) {
			var b inbox
			b.set(c.before)
			ch := channel("a", &b, nil)
			v := newEnv(t, ch)
			var all []meeting.ID
			for i := range meetings {
				id, people := v.create(fmt.Sprint(i), "ann", "bob", "cy")
				v.fact(id, people[0], meeting.Joined)
				if i%2 == 0 {
					v.end(id)
				}
				all = append(all, id)
			}
			c.wait(v, &b)
			v.crash()
			before := len(b.events())
			b.set(nil)
			v.start(ch)
			for i, id := range all {
				want := []string{"MeetingStarted", "AttendeeAdded", "AttendeeAdded", "AttendeeAdded", "AttendeeJoined"}
				if i%2 == 0 {
					want = append(want, "AttendeeLeft", "MeetingEnded")
				}
				unique := func() (types []string) {
					seen := map[uint64]meeting.ID{}
					last := uint64(0)
					for _, e := range b.events() {
						if e.Meeting.ID != id {
							continue
						}
						if first, twice := seen[e.Sequence]; twice && first != e.ID {
							t.Fatalf("event %d came as %v and as %v", e.Sequence, first, e.ID)
						} else if !twice {
							if e.Sequence != last+1 {
								t.Fatalf("event %d comes after %d", e.Sequence, last)
							}
							last = e.Sequence
							types = append(types, e.Type[len("chime:"):])
						}
						seen[e.Sequence] = e.ID
					}
					return types
				}
				eventually(t, "all came", func() bool { return slices.Equal(unique(), want) })
			}
			if name == "taken and written" && len(b.events()) != before {
				t.Errorf("%d events came again that were written down as told", len(b.events())-before)
			}
		})
	}
}

func TestAStopInOrderTellsNothingTwice(t *testing.T) {
	var b inbox
	ch := channel("a", &b, nil)
	v := newEnv(t, ch)
	v.n.cfg.MemoWait = time.Hour
	id, _ := v.create("one", "ann")
	eventually(t, "both came", func() bool { return len(b.events()) == 2 })
	v.stop()
	v.start(ch)
	v.end(id)
	eventually(t, "the end came", func() bool { return len(b.events()) >= 3 })
	if got, want := b.types(id), []string{"MeetingStarted", "AttendeeAdded", "MeetingEnded"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if e := b.events()[2]; e.Sequence != 3 {
		t.Errorf("after a restart events go on with the sequence %d, want 3", e.Sequence)
	}
}

// What happened before a channel was there is none of its business; what happens
// after is, also when the process dies at once.
func TestANewChannelBeginsWithWhatHappensThen(t *testing.T) {
	var a, b inbox
	v := newEnv(t, channel("a", &a, nil))
	id, people := v.create("one", "ann")
	v.written()
	v.stop()
	b.set(down)
	both := []Channel{channel("a", &a, nil), channel("b", &b, nil)}
	v.start(both...)
	v.fact(id, people[0], meeting.Joined)
	v.crash()
	b.set(nil)
	v.start(both...)
	eventually(t, "it came", func() bool { return len(b.events()) == 1 })
	if got := b.events()[0]; got.Type != "chime:AttendeeJoined" || got.Sequence != 3 {
		t.Errorf("the new channel begins with %s, number %d", got.Type, got.Sequence)
	}
}

// A receiver that takes nothing keeps what others have taken from being told
// again, and ended meetings in the ledger until it has them.
func TestOneThatIsDownHoldsNobodyUp(t *testing.T) {
	var a, b inbox
	a.set(down)
	both := []Channel{channel("a", &a, nil), channel("b", &b, nil)}
	v := newEnv(t, both...)
	id, _ := v.create("one", "ann")
	v.end(id)
	eventually(t, "the other has all", func() bool { return len(b.events()) == 3 })
	if !v.n.Needed(id) {
		t.Error("the meeting is not needed any more, but one has not heard of it")
	}
	slot := v.n.slots[id.Slot()]
	eventually(t, "progress is written down", func() bool { return !slot.timing.Load() })
	v.crash()
	v.start(both...)
	time.Sleep(50 * time.Millisecond)
	if len(b.events()) != 3 {
		t.Errorf("the other has %d events, want 3", len(b.events()))
	}
	a.set(nil)
	eventually(t, "it has all", func() bool { return len(a.events()) == 3 })
	eventually(t, "the meeting is not needed", func() bool { return !v.n.Needed(id) })
}

func TestNothingIsFollowedThatNobodyIsToldOf(t *testing.T) {
	var b inbox
	ch := channel("a", &b, nil)
	ch.Route = func(p *meeting.Profile) (string, bool) { return "a", p.ExternalMeetingID == "told" }
	v := newEnv(t, ch)
	id, people := v.create("silent", "ann")
	v.fact(id, people[0], meeting.Joined)
	v.end(id)
	told, _ := v.create("told")
	eventually(t, "it came", func() bool { return len(b.events()) == 1 })
	if b.events()[0].Meeting.ID != told || v.n.slots[id.Slot()].meetings[id] != nil || v.n.Needed(id) {
		t.Error("a meeting is followed that nobody is told of")
	}
}

// A slot goes from one owner to the next while events wait: the next goes on,
// and the former sends nothing more.
func TestASlotThatMoves(t *testing.T) {
	var b inbox
	b.set(down)
	v := newEnv(t, channel("a", &b, nil))
	id, people := v.create("one", "ann")
	if err := v.Release(context.Background(), id.Slot()); err != nil {
		t.Fatal(err)
	}
	if s := v.n.Destinations()[0]; s.Waiting != 0 {
		t.Errorf("the former owner still has %d events", s.Waiting)
	}
	b.set(nil)
	if err := v.Adopt(context.Background(), id.Slot()); err != nil {
		t.Fatal(err)
	}
	v.fact(id, people[0], meeting.Joined)
	want := []string{"MeetingStarted", "AttendeeAdded", "AttendeeJoined"}
	eventually(t, "all came", func() bool { return len(b.types(id)) >= 3 })
	if got := b.types(id); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTypesThatAReceiverDoesNotWant(t *testing.T) {
	var b inbox
	v := newEnv(t, channel("a", &b, func(c *outbox.Config) { c.Accepts = func(kind string) bool { return kind == event.MeetingEnded } }))
	id, _ := v.create("one", "ann")
	v.end(id)
	v.written()
	if e := b.events(); len(e) != 1 || e[0].Sequence != 3 {
		t.Errorf("got %v", b.types(id))
	}
}

func TestEventsThatNeedNotWaitForEachOther(t *testing.T) {
	var b inbox
	ch := channel("a", &b, func(c *outbox.Config) { c.Unordered = true })
	b.set(func(e *event.Event) error {
		if e.Index == 0 {
			return errDown
		}
		return nil
	})
	v := newEnv(t, ch)
	id, _ := v.create("one", "ann", "bob")
	eventually(t, "the others came", func() bool { return len(b.events()) == 2 })
	b.set(nil)
	v.written()
	if got := b.types(id); len(got) != 3 || got[2] != "MeetingStarted" {
		t.Errorf("got %v", got)
	}
	v.crash()
	v.start(ch)
	v.written()
	if n := len(b.events()); n != 3 {
		t.Errorf("%d events came, want 3", n)
	}
}

func TestDeadLettersAreListedReplayedAndDropped(t *testing.T) {
	var b inbox
	never := func(*event.Event) error { return &outbox.Refusal{Class: outbox.Permanent, Code: "HTTP 400"} }
	b.set(never)
	v := newEnv(t, channel("a", &b, nil))
	ctx := context.Background()
	one, _ := v.create("one", "ann", "bob")
	two, _ := v.create("two")
	v.written()
	list := func(f observe.LetterFilter) (types []string) {
		t.Helper()
		letters, err := v.n.Letters(ctx, f, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			types = append(types, l.Type[len("chime:"):])
			if l.Reason != "HTTP 400" || l.Attempts != 1 || l.Given.IsZero() {
				t.Errorf("the letter says %+v", l)
			}
		}
		return types
	}
	if got := list(observe.LetterFilter{Meeting: one}); !slices.Equal(got, []string{"MeetingStarted", "AttendeeAdded", "AttendeeAdded"}) {
		t.Errorf("of the first meeting: %v", got)
	}
	if all, none := list(observe.LetterFilter{}), list(observe.LetterFilter{Destination: "b"}); len(all) != 4 || none != nil || len(list(observe.LetterFilter{Type: event.MeetingStarted})) != 2 {
		t.Errorf("all: %v; of another destination: %v", all, none)
	}
	if n, err := v.n.Drop(ctx, observe.LetterFilter{Meeting: two}); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	if n, err := v.n.Replay(ctx, observe.LetterFilter{}); n != 3 || err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	eventually(t, "refused again", func() bool { return v.n.Destinations()[0].Waiting == 0 })
	if got := list(observe.LetterFilter{}); len(got) != 3 {
		t.Errorf("after they were refused again: %v", got)
	}
	b.set(nil)
	if n, err := v.n.Replay(ctx, observe.LetterFilter{}); n != 3 || err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	eventually(t, "the shelf is empty", func() bool { return list(observe.LetterFilter{}) == nil })
	var sequences []uint64
	for _, e := range b.events() {
		sequences = append(sequences, e.Sequence)
	}
	if !slices.Equal(sequences, []uint64{1, 2, 3}) || !slices.Equal(b.types(one), []string{"MeetingStarted", "AttendeeAdded", "AttendeeAdded"}) {
		t.Errorf("replayed were %v, %v", sequences, b.types(one))
	}
}

// However facts and records of a meeting interleave, what is told live has the
// same order and the same ids as what the log tells afterwards.
func TestWhatIsToldLiveIsWhatTheLogTells(t *testing.T) {
	var b, again inbox
	again.set(down)
	both := []Channel{channel("a", &b, nil), channel("b", &again, nil)}
	v := newEnv(t, both...)
	ctx := context.Background()
	id, people := v.create("one", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7")
	done := make(chan struct{})
	for i, p := range people {
		go func() {
			defer func() { done <- struct{}{} }()
			for k := range 10 {
				if i%2 == 0 {
					v.fact(id, p, []meeting.FactKind{meeting.Joined, meeting.Left}[k%2])
				} else if _, err := v.CreateAttendees(ctx, owner, id, []meeting.NewAttendee{{ExternalUserID: fmt.Sprint(i, k)}}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for range people {
		<-done
	}
	v.end(id)
	const total = 1 + 8 + 80 + 1
	eventually(t, "all came", func() bool { return len(b.events()) == total })
	v.crash()
	again.set(nil)
	v.start(both...)
	eventually(t, "all came again", func() bool { return len(again.events()) == total })
	live, log := map[uint64]meeting.ID{}, map[uint64]meeting.ID{}
	for i := range total {
		l, g := b.events()[i], again.events()[i]
		live[l.Sequence], log[g.Sequence] = l.ID, g.ID
		if l.Sequence != uint64(i+1) || g.Sequence != uint64(i+1) {
			t.Fatalf("event %d came as %d, and from the log as %d", i+1, l.Sequence, g.Sequence)
		}
	}
	if !maps.Equal(live, log) {
		t.Error("the log tells other events than were told live")
	}
}

func TestADamagedMemoIsSaid(t *testing.T) {
	if _, err := readMemo([]byte("{")); err == nil {
		t.Error("half a memo is read")
	}
	m, err := readMemo(memo{Through: 5, On: map[string]uint64{"a": 3}}.bytes())
	if err != nil || m.Through != 5 || m.On["a"] != 3 {
		t.Errorf("read %+v, %v", m, err)
	}
}

// A meeting whose end everybody has heard of leaves the ledger.
func TestEndedMeetingsLeaveWhenAllIsTold(t *testing.T) {
	var b inbox
	b.set(down)
	v := newEnv(t, channel("a", &b, nil))
	id, _ := v.create("one", "ann")
	v.end(id)
	records := func() int {
		entries, err := v.n.slots[id.Slot()].Load(context.Background(), id, ledger.Revision{})
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	time.Sleep(50 * time.Millisecond)
	if !v.n.Needed(id) {
		t.Fatal("the meeting is not needed")
	}
	b.set(nil)
	v.written()
	if v.n.Needed(id) || records() == 0 {
		t.Errorf("needed: %t, %d records", v.n.Needed(id), records())
	}
}
