package control_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// wantDeleted checks what watchers were told last.
func wantDeleted(t *testing.T, changes <-chan control.Change, attendee meeting.ID) {
	t.Helper()
	select {
	case c := <-changes:
		if d, ok := c.(control.AttendeeDeleted); !ok || d.Attendee != attendee {
			t.Errorf("told %+v", c)
		}
	default:
		t.Error("watchers were not told")
	}
}

// The outcome of a write is not known for a while: nothing is acknowledged,
// others wait, and then it is as the ledger says, also for watchers.
func TestAnUnknownOutcomeIsWaitedFor(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	id := v.create(owner, "token", "ann", "bob").ID
	people := v.roster(owner, id)
	changes := make(chan control.Change, 10)
	defer v.Watch(id, func(c control.Change) { changes <- c })()

	f.set(nil, once("append", 1, ledger.ErrUnavailable))
	wantKind(t, v.DeleteAttendee(ctx, owner, id, people["ann"].ID), meeting.Unavailable)
	next := make(chan error)
	go func() { next <- v.DeleteAttendee(ctx, owner, id, people["ann"].ID) }()
	<-v.clock.asked // it waits for its turn
	if len(changes) != 0 {
		t.Error("watchers were told of what is not known yet")
	}
	f.tell()
	wantKind(t, <-next, meeting.NotFound)
	wantDeleted(t, changes, people["ann"].ID)

	f.set(once("append", 1, ledger.ErrUnavailable), once("append", 1, ledger.ErrUnavailable))
	wantKind(t, v.DeleteAttendee(ctx, owner, id, people["bob"].ID), meeting.Unavailable)
	f.tell()
	if _, err := v.GetAttendee(ctx, owner, id, people["bob"].ID); err != nil {
		t.Errorf("a deletion that was not stored took effect: %v", err)
	}

	f.set(nil, once("end", 1, ledger.ErrUnavailable))
	wantKind(t, v.DeleteMeeting(ctx, owner, id), meeting.Unavailable)
	f.tell()
	must(t, v.DeleteMeeting(ctx, owner, id))
	_, err := v.GetMeeting(ctx, owner, id)
	wantKind(t, err, meeting.NotFound)
	if e, ok := (<-changes).(control.Ended); !ok || e.Reason != meeting.EndedByRequest {
		t.Errorf("told %+v", e)
	}
}

func TestARecordTooLargeForTheLedgerIsTheCallersFault(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(legacy, "token").ID
	items := named(users("user", 100)...)
	for i := range items {
		for k := range 10 {
			items[i].Tags = append(items[i].Tags, meeting.Tag{Key: fmt.Sprint(k), Value: strings.Repeat("ä", 3000)})
		}
	}
	_, err := v.CreateAttendees(context.Background(), legacy, id, items)
	wantKind(t, err, meeting.Invalid)
	v.add(legacy, id, "ann")
}

func TestALostRequestStillGetsADefiniteOutcome(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the caller hung up before the record was written
	if _, err := v.CreateAttendees(ctx, owner, id, named("ann")); err != nil {
		t.Errorf("got %v", err)
	}
	if n := len(v.roster(owner, id)); n != 1 {
		t.Errorf("%d attendees", n)
	}
}

// roll drives meetings with random calls and keeps who must be there.
type roll struct {
	*env
	rnd      *rand.Rand
	ids      []meeting.ID
	meetings map[meeting.ID]map[string]meeting.ID
}

// Random calls against a naive model, with a cache so small that meetings are
// folded again and again, and restarts in between.
func TestRandomCallsWithATinyCacheAndRestarts(t *testing.T) {
	const most, room = 15, 3000
	v := roll{
		env:      newEnv(t, func(c *control.Config) { c.CacheBytes = room; c.Limits.Attendees = most }, nil),
		rnd:      rand.New(rand.NewPCG(1, 2)),
		meetings: map[meeting.ID]map[string]meeting.ID{},
	}
	for i := range 12 {
		id := v.create(owner, fmt.Sprint("token-", i)).ID
		v.ids, v.meetings[id] = append(v.ids, id), map[string]meeting.ID{}
	}
	for step := range 600 {
		id := v.ids[v.rnd.IntN(len(v.ids))]
		switch n := v.rnd.IntN(20); {
		case n < 9:
			v.addSome(id)
		case n < 13:
			v.deleteOne(id)
		case n < 18:
			v.getOne(id)
		case step%50 == 0:
			v.restart()
		}
		if n := len(v.meetings[id]); n > most {
			t.Fatalf("step %d: %d attendees, %d are allowed", step, n, most)
		}
	}
	for id, m := range v.meetings {
		there := map[string]meeting.ID{}
		for user, a := range v.roster(owner, id) {
			there[user] = a.ID
		}
		if !maps.Equal(there, m) {
			t.Errorf("there are %v, there should be %v", there, m)
		}
	}
	if o := v.Overview(); o.CacheBytes > room {
		t.Errorf("the cache holds %d bytes", o.CacheBytes)
	}
}

func (v *roll) addSome(id meeting.ID) {
	m, names := v.meetings[id], []string{}
	for range 1 + v.rnd.IntN(5) {
		names = append(names, fmt.Sprint("user-", v.rnd.IntN(25)))
	}
	results, err := v.CreateAttendees(context.Background(), owner, id, named(names...))
	if err != nil {
		wantKind(v.t, err, meeting.LimitExceeded)
	}
	for i, r := range results {
		known, was := m[names[i]]
		switch {
		case r.Err != nil && was:
			v.t.Fatalf("%s is known and was refused", names[i])
		case r.Err != nil:
		case was && known != r.Attendee.ID:
			v.t.Fatalf("%s changed its id", names[i])
		default:
			m[names[i]] = r.Attendee.ID
		}
	}
}

func (v *roll) deleteOne(id meeting.ID) {
	for user, a := range v.meetings[id] {
		must(v.t, v.DeleteAttendee(context.Background(), owner, id, a))
		delete(v.meetings[id], user)
		return
	}
}

func (v *roll) getOne(id meeting.ID) {
	for user, want := range v.meetings[id] {
		a, err := v.GetAttendee(context.Background(), owner, id, want)
		if err != nil || a.ExternalUserID != user {
			v.t.Fatalf("%s: %+v, %v", user, a, err)
		}
		return
	}
}

func TestClosedControlIsUnavailable(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	must(t, v.Close())
	must(t, v.Close())
	ctx := context.Background()
	for name, err := range map[string]error{
		"CreateMeeting":   second(v.CreateMeeting(ctx, newMeeting(owner, "x"))),
		"DeleteMeeting":   v.DeleteMeeting(ctx, owner, id),
		"DeleteAttendee":  v.DeleteAttendee(ctx, owner, id, id),
		"RecordFact":      v.RecordFact(ctx, id, meeting.Fact{Kind: meeting.Joined}),
		"TagMeeting":      v.TagMeeting(ctx, owner, id, []meeting.Tag{{Key: "a", Value: "b"}}),
		"operator's call": v.EndMeeting(ctx, id),
	} {
		var e *meeting.Error
		if !errors.As(err, &e) || e.Kind != meeting.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ meeting.Summary, _ []meeting.AttendeeResult, err error) error { return err }

// The ledger has dropped a meeting that is still in memory, as it does with
// what is far too old. The meeting is over then, instead of refusing all calls.
func TestAMeetingThatVanishedFromTheLedgerIsOver(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	id := v.create(owner, "token", "ann").ID
	v.Forget(id)
	must(t, v.slot(id).Discard(ctx, id))
	_, err := v.CreateAttendees(ctx, owner, id, named("bob"))
	wantKind(t, err, meeting.NotFound)
	_, err = v.GetMeeting(ctx, owner, id)
	wantKind(t, err, meeting.NotFound)
	if again := v.create(owner, "token"); again.ID == id {
		t.Error("the token still names the meeting that is over")
	}
}
