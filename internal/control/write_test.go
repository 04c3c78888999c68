package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestSpuriousRefusalsAreTriedAgain(t *testing.T) {
	v, f := newFaulty(t, nil)
	id := v.create(owner, "token").ID
	f.set(once("append", 3, ledger.ErrStale), nil)
	v.add(owner, id, "ann", "bob")
	if n := len(v.roster(owner, id)); n != 2 {
		t.Errorf("%d attendees", n)
	}
	f.set(once("append", 1000, ledger.ErrStale), nil)
	_, err := v.CreateAttendees(context.Background(), owner, id, named("eve"))
	wantKind(t, err, meeting.Conflict)
}

// Somebody else wrote to the meeting: control reads what is new, decides again,
// and tells its watchers of both.
func TestAStaleDecisionIsMadeAgain(t *testing.T) {
	v, f := newFaulty(t, nil)
	id := v.create(owner, "token", "ann", "bob").ID
	people := v.roster(owner, id)
	changes := make(chan Change, 10)
	defer v.Watch(id, func(c Change) { changes <- c })()
	foreign := false
	f.set(func(op string, id meeting.ID) error {
		if foreign {
			return nil
		}
		foreign = true
		rec := &meeting.Record{Stamp: meeting.Stamp{Time: v.clock.Now()}, Body: &meeting.AttendeeDeleted{Attendee: people["ann"].ID}}
		_, err := v.store.Append(context.Background(), id, v.index.active[id].fold.revision, rec.Encode())
		return err
	}, nil)
	got := v.add(owner, id, "ann", "zoe")
	if got[0] == people["ann"].ID {
		t.Error("the answer names the attendee that somebody else deleted")
	}
	wantDeleted(t, changes, people["ann"].ID)
}

// wantDeleted checks what watchers were told last.
func wantDeleted(t *testing.T, changes <-chan Change, attendee meeting.ID) {
	t.Helper()
	select {
	case c := <-changes:
		if d, ok := c.(AttendeeDeleted); !ok || d.Attendee != attendee {
			t.Errorf("told %+v", c)
		}
	default:
		t.Error("watchers were not told")
	}
}

// A record is committed but the ledger does not say so: nothing is
// acknowledged, later calls see it, watchers are told.
func TestAnUnknownOutcomeIsLookedUp(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	id := v.create(owner, "token", "ann", "bob").ID
	people := v.roster(owner, id)
	changes := make(chan Change, 10)
	defer v.Watch(id, func(c Change) { changes <- c })()

	f.set(nil, once("append", 1, ledger.ErrUnavailable))
	wantKind(t, v.DeleteAttendee(ctx, owner, id, people["ann"].ID), meeting.Unavailable)
	_, err := v.GetAttendee(ctx, owner, id, people["ann"].ID)
	wantKind(t, err, meeting.NotFound)
	wantDeleted(t, changes, people["ann"].ID)

	f.set(once("append", 1, ledger.ErrUnavailable), nil)
	wantKind(t, v.DeleteAttendee(ctx, owner, id, people["bob"].ID), meeting.Unavailable)
	if _, err := v.GetAttendee(ctx, owner, id, people["bob"].ID); err != nil {
		t.Errorf("a deletion that was not stored took effect: %v", err)
	}

	f.set(nil, once("end", 1, ledger.ErrUnavailable))
	wantKind(t, v.DeleteMeeting(ctx, owner, id), meeting.Unavailable)
	must(t, v.DeleteMeeting(ctx, owner, id))
	_, err = v.GetMeeting(ctx, owner, id)
	wantKind(t, err, meeting.NotFound)
	if e, ok := (<-changes).(Ended); !ok || e.Reason != meeting.EndedByRequest {
		t.Errorf("told %+v", e)
	}
}

func TestARecordTooLargeForTheLedgerIsTheCallersFault(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(legacy, "token").ID
	items := named(users("user", 100)...)
	for i := range items {
		for k := range 10 {
			items[i].Tags = append(items[i].Tags, meeting.Tag{Key: fmt.Sprint(k), Value: strings.Repeat("ä", 2000)})
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

// Random calls against a naive model, with a cache so small that meetings are
// folded again and again, and restarts in between.
func TestRandomCallsWithATinyCacheAndRestarts(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.CacheBytes = 3000; c.Limits.Attendees = 15 }, nil)
	rnd := rand.New(rand.NewPCG(1, 2))
	ctx := context.Background()
	type model map[string]meeting.ID
	meetings := map[meeting.ID]model{}
	pick := func() meeting.ID {
		ids := slices.SortedFunc(maps.Keys(meetings), func(a, b meeting.ID) int { return strings.Compare(a.String(), b.String()) })
		return ids[rnd.IntN(len(ids))]
	}
	for i := range 12 {
		meetings[v.create(owner, fmt.Sprint("token-", i)).ID] = model{}
	}
	for step := range 600 {
		id := pick()
		m := meetings[id]
		switch n := rnd.IntN(20); {
		case n < 9:
			names := []string{}
			for range 1 + rnd.IntN(5) {
				names = append(names, fmt.Sprint("user-", rnd.IntN(25)))
			}
			results, err := v.CreateAttendees(ctx, owner, id, named(names...))
			if err != nil {
				wantKind(t, err, meeting.LimitExceeded)
				continue
			}
			for i, r := range results {
				if known, was := m[names[i]]; r.Err == nil {
					if was && known != r.Attendee.ID {
						t.Fatalf("step %d: %s changed its id", step, names[i])
					}
					m[names[i]] = r.Attendee.ID
				} else if was {
					t.Fatalf("step %d: a known user was refused", step)
				}
			}
		case n < 13:
			for user, a := range m {
				must(t, v.DeleteAttendee(ctx, owner, id, a))
				delete(m, user)
				break
			}
		case n < 18:
			for user, want := range m {
				a, err := v.GetAttendee(ctx, owner, id, want)
				if err != nil || a.ExternalUserID != user {
					t.Fatalf("step %d: %+v, %v", step, a, err)
				}
				break
			}
		case step%50 == 0:
			v.restart()
		}
		if len(m) > 15 {
			t.Fatalf("step %d: %d attendees, 15 are allowed", step, len(m))
		}
	}
	for id, m := range meetings {
		there := v.roster(owner, id)
		if len(there) != len(m) {
			t.Errorf("%d attendees are there of %d", len(there), len(m))
		}
		for user, want := range m {
			if there[user].ID != want {
				t.Errorf("%s is %s, not %s", user, there[user].ID, want)
			}
		}
	}
	if o := v.Overview(); o.CacheBytes > 3000 {
		t.Errorf("the cache holds %d bytes", o.CacheBytes)
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
