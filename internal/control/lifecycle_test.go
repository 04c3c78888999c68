package control_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// still fails the test if the time of the meeting has come, or it is gone.
func (v *env) still(id meeting.ID) {
	v.t.Helper()
	deadline, active := v.Deadline(id)
	switch {
	case !active:
		v.t.Fatal("the meeting is gone")
	case !deadline.After(v.clock.Now()):
		v.t.Fatal("the meeting is about to end")
	}
}

func TestAMeetingNobodyJoinsEnds(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	v.clock.advance(5*time.Minute - time.Second)
	v.still(id)
	v.clock.advance(time.Second)
	if reason := v.ended(id); reason != meeting.EndedIdle {
		t.Errorf("ended: %s", reason)
	}
	_, err := v.GetMeeting(context.Background(), owner, id)
	wantKind(t, err, meeting.NotFound)
}

func TestConnectionsKeepAMeetingAlive(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	v.clock.advance(4 * time.Minute)
	v.SetConnected(id, 2)
	v.clock.advance(3 * time.Hour)
	v.still(id)
	v.SetConnected(id, 1)
	v.clock.advance(time.Hour)
	v.still(id)
	v.SetConnected(id, 0)
	v.clock.advance(4 * time.Minute)
	v.SetConnected(id, 0) // says nothing new, so the time runs on
	v.still(id)
	v.SetConnected(id, 1)
	v.SetConnected(id, 0) // starts anew
	v.clock.advance(4 * time.Minute)
	v.still(id)
	v.clock.advance(time.Minute)
	if reason := v.ended(id); reason != meeting.EndedIdle {
		t.Errorf("ended: %s", reason)
	}
}

func TestAMeetingEndsAtItsMaximumAge(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	v.SetConnected(id, 5)
	v.clock.advance(24*time.Hour - time.Second)
	v.still(id)
	v.clock.advance(time.Second)
	if reason := v.ended(id); reason != meeting.EndedByAge {
		t.Errorf("ended: %s", reason)
	}
}

func TestReplicasDoNotIdle(t *testing.T) {
	v := newEnv(t, nil, nil)
	primary := v.create(owner, "primary")
	n := newMeeting(owner, "replica")
	n.PrimaryID = primary.ID.String()
	replica, _, err := v.CreateMeeting(context.Background(), n)
	must(t, err)
	v.SetConnected(primary.ID, 1)
	v.clock.advance(6 * time.Hour)
	v.still(replica.ID)
	v.SetConnected(primary.ID, 0)
	v.clock.advance(5 * time.Minute)
	if reason := v.ended(primary.ID); reason != meeting.EndedIdle {
		t.Errorf("primary ended: %s", reason)
	}
	if reason := v.ended(replica.ID); reason != meeting.EndedWithPrimary {
		t.Errorf("replica ended: %s", reason)
	}
}

func TestTimersSurviveARestart(t *testing.T) {
	v := newEnv(t, nil, nil)
	unjoined := v.create(owner, "unjoined").ID
	ctx := context.Background()
	joined, left := v.create(owner, "joined", "ann"), v.create(owner, "left", "bob")
	for _, s := range []meeting.Summary{joined, left} {
		for user, a := range v.roster(owner, s.ID) {
			v.SetConnected(s.ID, 1)
			must(t, v.RecordFact(ctx, s.ID, meeting.Fact{Kind: meeting.Joined, Attendee: a.ID, ExternalUserID: user}))
		}
	}
	v.clock.advance(2 * time.Minute)
	bob := v.roster(owner, left.ID)["bob"].ID
	must(t, v.RecordFact(ctx, left.ID, meeting.Fact{Kind: meeting.Left, Attendee: bob, ExternalUserID: "bob"}))
	v.SetConnected(left.ID, 0)
	v.clock.advance(2 * time.Minute)
	v.restart() // four minutes old; one joined, one left two minutes ago
	v.still(unjoined)
	v.clock.advance(time.Minute)
	if reason := v.ended(unjoined); reason != meeting.EndedIdle {
		t.Errorf("unjoined ended: %s", reason)
	}
	v.still(left.ID)
	v.clock.advance(2 * time.Minute)
	if reason := v.ended(left.ID); reason != meeting.EndedIdle {
		t.Errorf("left ended: %s", reason)
	}
	v.still(joined.ID) // its people have five minutes from the restart
	v.clock.advance(2 * time.Minute)
	if reason := v.ended(joined.ID); reason != meeting.EndedIdle {
		t.Errorf("joined ended: %s", reason)
	}
}

func TestAnEndThatFailsIsTriedAgain(t *testing.T) {
	v, f := newFaulty(t, nil)
	id := v.create(owner, "token").ID
	failed := make(chan struct{}, 10)
	f.set(func(op string, _ meeting.ID) error {
		failed <- struct{}{}
		return ledger.ErrUnavailable
	}, nil)
	v.clock.advance(5 * time.Minute)
	<-failed
	f.set(nil, nil)
	if _, err := v.GetMeeting(context.Background(), owner, id); err != nil {
		t.Fatalf("it ended although the ledger did not take it: %v", err)
	}
	v.clock.advance(control.RetryEnd)
	if reason := v.ended(id); reason != meeting.EndedIdle {
		t.Errorf("ended: %s", reason)
	}
}

// On a full disk a try costs what is left of it, so Run waits longer.
func TestOnAFullDiskEndsWaitLonger(t *testing.T) {
	v, f := newFaulty(t, nil)
	id := v.create(owner, "token").ID
	tries := make(chan struct{}, 10)
	f.set(func(string, meeting.ID) error {
		tries <- struct{}{}
		return ledger.ErrFull
	}, nil)
	for len(v.clock.asked) > 0 {
		<-v.clock.asked
	}
	v.clock.advance(5 * time.Minute)
	<-tries
	<-v.clock.asked // Run sleeps again
	v.clock.advance(3 * control.RetryEnd)
	if n := len(tries); n > 0 {
		t.Errorf("tried %d times within %v", n+1, 3*control.RetryEnd)
	}
	f.set(nil, nil)
	v.clock.advance(control.RetryFull)
	if reason := v.ended(id); reason != meeting.EndedIdle {
		t.Errorf("ended: %s", reason)
	}
}

func TestTombstonesAreForgotten(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := control.WithActor(context.Background(), "key:AKIDTEST")
	id := v.create(owner, "token", "ann").ID
	must(t, v.DeleteMeeting(ctx, owner, id))
	must(t, v.DeleteMeeting(ctx, owner, id))
	check := func() {
		t.Helper()
		all, err := v.Meetings(ctx)
		if err != nil || len(all) != 1 || all[0].Reason != meeting.EndedByRequest.String() || all[0].EndedBy != "key:AKIDTEST" ||
			all[0].Attendees != 1 || !all[0].Ended.Equal(v.clock.Now()) || all[0].External == "" {
			t.Errorf("%+v, %v", all, err)
		}
	}
	check()
	v.restart()
	check()
	if home, ok := v.HomeFlavour(ctx, owner.Account, owner.Region, id); !ok || home != meeting.Meetings {
		t.Errorf("the home flavour of an ended meeting is %v, %v", home, ok)
	}
	v.clock.advance(30 * time.Minute)
	waitFor(t, v, func() bool { return v.Overview().Ended == 0 })
	if _, ok := v.HomeFlavour(ctx, owner.Account, owner.Region, id); ok {
		t.Error("still known")
	}
}

// waitFor waits until Run made the condition true.
func waitFor(t *testing.T, v *env, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-v.clock.asked:
		case <-deadline:
			t.Fatal("it does not happen")
		}
	}
}

func TestHomeFlavour(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(legacy, "token").ID
	ctx := context.Background()
	if f, ok := v.HomeFlavour(ctx, legacy.Account, legacy.Region, id); !ok || f != meeting.Legacy {
		t.Errorf("got %v, %v", f, ok)
	}
	if _, ok := v.HomeFlavour(ctx, "999999999999", legacy.Region, id); ok {
		t.Error("told to another account")
	}
	if _, ok := v.HomeFlavour(ctx, legacy.Account, "us-west-2", id); ok {
		t.Error("told in another Region")
	}
	if _, ok := v.HomeFlavour(ctx, legacy.Account, legacy.Region, meeting.ID{1}); ok {
		t.Error("an unknown meeting has a flavour")
	}
}

// The counts that are kept agree with the meetings there are.
func TestTheOverviewAddsUp(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	check := func(when string) {
		t.Helper()
		all, err := v.Meetings(ctx)
		must(t, err)
		want := control.Overview{CacheBytes: v.Overview().CacheBytes}
		for _, m := range all {
			if !m.Ended.IsZero() {
				want.Ended++
				continue
			}
			want.Active++
			want.Attendees += m.Attendees
			want.Connected += m.Connected
		}
		if got := v.Overview(); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	a, b := v.create(owner, "a", "ann", "bob"), v.create(owner, "b")
	v.SetConnected(a.ID, 2)
	v.SetConnected(b.ID, 1)
	ids := v.add(owner, b.ID, "eve", "zoe", "max")
	check("made")
	must(t, v.DeleteAttendee(ctx, owner, b.ID, ids[1]))
	v.SetConnected(a.ID, 1)
	check("changed")
	v.restart()
	check("restarted")
	v.SetConnected(b.ID, 2)
	must(t, v.DeleteMeeting(ctx, owner, b.ID))
	check("ended")
}

// EndDue does what is due before it returns, beside a Run that sleeps.
func TestEndDueDoesWhatTheTimeAsksFor(t *testing.T) {
	v := newEnv(t, nil, nil)
	var ids []meeting.ID
	for i := range 20 {
		ids = append(ids, v.create(owner, fmt.Sprint("token", i)).ID)
	}
	next, err := v.EndDue(t.Context())
	must(t, err)
	if wait := next.Sub(v.clock.Now()); wait <= 0 || wait > 5*time.Minute {
		t.Errorf("look again in %v", wait)
	}
	v.clock.move(5 * time.Minute) // without waking Run
	if _, err = v.EndDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if m, known := v.Meeting(t.Context(), id); !known || m.Ended.IsZero() {
			t.Errorf("meeting %v has not ended", id)
		}
	}
	v.clock.move(31 * time.Minute)
	if _, err = v.EndDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, known := v.Meeting(t.Context(), ids[0]); known {
		t.Error("an old meeting is not forgotten")
	}
	// Run sleeps by the new time now.
	id := v.create(owner, "later").ID
	v.clock.advance(5 * time.Minute)
	if reason := v.ended(id); reason != meeting.EndedIdle {
		t.Errorf("ended: %s", reason)
	}
}
