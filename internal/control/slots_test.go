package control_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// neighbours makes two meetings in different slots.
func neighbours(v *env) (here, there meeting.Summary) {
	here = v.create(owner, "here", "ann")
	for i := byte('a'); ; i++ {
		if there = v.create(owner, "there-"+string(i), "bob"); there.ID.Slot() != here.ID.Slot() {
			return here, there
		}
	}
}

// A slot goes, the others go on, and when it comes back everything is as it
// was.
func TestASlotIsReleasedAndAdoptedAgain(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	here, there := neighbours(v)
	people := v.roster(owner, here.ID)
	v.report(here.ID, people["ann"].ID, meeting.Authorized, meeting.Joined)
	changes := make(chan control.Change, 10)
	defer v.Watch(here.ID, func(c control.Change) { changes <- c })()

	must(t, v.Release(ctx, here.ID.Slot()))
	if c := <-changes; c != (control.Moved{}) {
		t.Errorf("watchers were told %+v", c)
	}
	for name, err := range map[string]error{
		"GetMeeting":     second2(v.GetMeeting(ctx, owner, here.ID)),
		"CreateMeeting":  second(v.CreateMeeting(ctx, newMeeting(owner, "here"))),
		"DeleteMeeting":  v.DeleteMeeting(ctx, owner, here.ID),
		"DeleteAttendee": v.DeleteAttendee(ctx, owner, here.ID, people["ann"].ID),
		"Authorize":      second2(v.Authorize(ctx, here.ID, v.JoinToken(here.ID, people["ann"].ID))),
		"RecordFact":     v.RecordFact(ctx, here.ID, meeting.Fact{Kind: meeting.Left, Attendee: people["ann"].ID}),
		"Records":        second2(v.Records(ctx, here.ID, 0)),
	} {
		if !isKind(err, meeting.Unavailable) || !errors.Is(err, control.ErrElsewhere) {
			t.Errorf("%s in a slot that is gone: %v", name, err)
		}
	}
	v.Watch(here.ID, func(c control.Change) { changes <- c })()
	if c := <-changes; c != (control.Moved{}) {
		t.Errorf("who watches now is told %+v", c)
	}
	v.add(owner, there.ID, "eve")
	if o := v.Overview(); o.Active != len(v.roster2()) {
		t.Errorf("%d meetings are counted", o.Active)
	}

	must(t, v.Adopt(ctx, here.ID.Slot()))
	if got := v.roster(owner, here.ID); got["ann"].ID != people["ann"].ID {
		t.Errorf("the roster is %v", got)
	}
	if again := v.create(owner, "here"); again.ID != here.ID {
		t.Error("the token makes a second meeting")
	}
	// Who was connected and does not come back counts as dropped.
	v.clock.advance(12 * time.Second)
	v.waitFacts(here.ID, meeting.Authorized, meeting.Joined, meeting.Dropped)
	must(t, v.DeleteMeeting(ctx, owner, here.ID))
	must(t, v.Release(ctx, 63))
	must(t, v.Release(ctx, 63)) // harmless
}

// However often a slot goes and comes back, each of its meetings is listed once,
// on whatever page, and counts once.
func TestASlotThatComesBackIsListedOnce(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	here, there := neighbours(v)
	for range 3 {
		must(t, v.Release(ctx, here.ID.Slot()))
		must(t, v.Adopt(ctx, here.ID.Slot()))
		want := v.roster2()
		for _, id := range []meeting.ID{here.ID, there.ID} {
			if n := len(slices.DeleteFunc(slices.Clone(want), func(m meeting.Summary) bool { return m.ID != id })); n != 1 {
				t.Errorf("a meeting is listed %d times", n)
			}
		}
		var got []meeting.Summary
		for token, first := "", true; first || token != ""; first = false {
			page, next, err := v.ListMeetings(ctx, owner, 1, token)
			must(t, err)
			got, token = append(got, page...), next
			if len(got) > len(want) {
				break
			}
		}
		if !slices.EqualFunc(got, want, func(x, y meeting.Summary) bool { return x.ID == y.ID }) {
			t.Errorf("pages of one list %d meetings, one page %d", len(got), len(want))
		}
	}
}

// roster2 lists the owner's meetings.
func (v *env) roster2() []meeting.Summary {
	list, _, err := v.ListMeetings(context.Background(), owner, 100, "")
	must(v.t, err)
	return list
}

func second2[T any](_ T, err error) error { return err }

// waitFacts waits until these facts, and no others, are written down.
func (v *env) waitFacts(id meeting.ID, want ...meeting.FactKind) {
	v.t.Helper()
	deadline := time.After(20 * time.Second)
	for len(v.facts(id)) < len(want) {
		select {
		case <-deadline:
			v.t.Fatalf("facts %v, want %v", v.facts(id), want)
		case <-time.After(time.Millisecond):
		}
	}
	got := v.facts(id)
	for i := range want {
		if got[i] != want[i] {
			v.t.Fatalf("facts %v, want %v", got, want)
		}
	}
}

// The ledger says that somebody else has the slot: nothing of it is served any
// more, the others go on, and whoever manages the slots is told.
func TestALostSlotIsDropped(t *testing.T) {
	lost := make(chan int, 10)
	v, f := newFaulty(t, func(c *control.Config) { c.Lost = func(slot int) { lost <- slot } })
	ctx := context.Background()
	here, there := neighbours(v)
	changes := make(chan control.Change, 10)
	defer v.Watch(here.ID, func(c control.Change) { changes <- c })()
	f.set(func(_ string, id meeting.ID) error {
		if id.Slot() == here.ID.Slot() {
			return ledger.ErrLost
		}
		return nil
	}, nil)
	_, err := v.CreateAttendees(ctx, owner, here.ID, named("eve"))
	if !errors.Is(err, control.ErrElsewhere) {
		t.Errorf("the call that found out: %v", err)
	}
	if slot := <-lost; slot != here.ID.Slot() {
		t.Errorf("told that slot %d is lost", slot)
	}
	if c := <-changes; c != (control.Moved{}) {
		t.Errorf("watchers were told %+v", c)
	}
	if _, err := v.GetMeeting(ctx, owner, here.ID); !errors.Is(err, control.ErrElsewhere) {
		t.Errorf("a read of the lost slot: %v", err)
	}
	v.add(owner, there.ID, "eve")
	if len(lost) != 0 {
		t.Error("told twice")
	}
}

// A slot is dropped while its records are being written. The calls get their
// answers, nothing is counted twice, and the slot can be adopted again.
func TestACallOutlivesItsSlot(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	here, there := neighbours(v)
	dropped := func(op string, id meeting.ID) error { // once it is stored
		if id.Slot() == here.ID.Slot() {
			v.Drop(id.Slot())
		}
		return nil
	}
	changes := make(chan control.Change, 10)
	defer v.Watch(here.ID, func(c control.Change) { changes <- c })()
	count := func() int { return v.Overview().Attendees }
	before := count()
	for _, call := range []func() error{
		func() error { return second2(v.CreateAttendees(ctx, owner, here.ID, named("eve"))) },
		func() error { return second(v.CreateMeeting(ctx, newMeeting(owner, "here"))) }, // a repeat: writes nothing
		func() error { return v.DeleteMeeting(ctx, owner, here.ID) },
	} {
		f.set(nil, dropped)
		must(t, call())
		f.set(nil, nil)
		v.Drop(here.ID.Slot())
		must(t, v.Adopt(ctx, here.ID.Slot()))
	}
	if c := <-changes; c != (control.Moved{}) || len(changes) > 0 {
		t.Errorf("watchers were told %+v and %d more", c, len(changes))
	}
	if got := count(); got != before-1 {
		t.Errorf("%d attendees are counted, %d before one of two meetings of one ended", got, before)
	}
	if _, err := v.GetMeeting(ctx, owner, here.ID); !isKind(err, meeting.NotFound) {
		t.Errorf("the meeting that was ended: %v", err)
	}
	v.add(owner, there.ID, "eve")
}

// A release waits for the calls that run, as long as it may.
func TestAReleaseWaitsForCalls(t *testing.T) {
	for _, hasty := range []bool{false, true} {
		v, facts := newFactGate(t)
		ctx := context.Background()
		s := v.create(owner, "token", "ann")
		ann := v.roster(owner, s.ID)["ann"].ID
		facts.hold <- struct{}{}
		done := make(chan error)
		go func() {
			done <- v.RecordFact(ctx, s.ID, meeting.Fact{Kind: meeting.Joined, Attendee: ann})
		}()
		<-facts.held
		within, cancel := context.WithCancel(ctx)
		released := make(chan error)
		go func() { released <- v.Release(within, s.ID.Slot()) }()
		for !errors.Is(second2(v.GetMeeting(ctx, owner, s.ID)), control.ErrElsewhere) {
			runtime.Gosched() // no new calls
		}
		if hasty {
			cancel()
			if err := <-released; !errors.Is(err, context.Canceled) {
				t.Errorf("a release that may not wait: %v", err)
			}
		}
		facts.hold <- struct{}{}
		err := <-done
		if hasty != errors.Is(err, control.ErrElsewhere) || !hasty && err != nil {
			t.Errorf("hasty %t: the call under way: %v", hasty, err)
		}
		if !hasty {
			must(t, <-released)
		}
		cancel()
		must(t, v.Adopt(ctx, s.ID.Slot()))
		if got := v.facts(s.ID); hasty != (len(got) == 0) {
			t.Errorf("hasty %t: facts %v", hasty, got)
		}
	}
}
