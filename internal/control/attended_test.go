package control_test

import (
	"context"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// How long people were in a meeting is known of those, too, who had come before
// this process had it; of the others the signaling side knows.
func TestHowLongPeopleWereThereOutlivesTheServer(t *testing.T) {
	v, ctx := newEnv(t, nil, nil), context.Background()
	m := v.create(owner, "token", "ann", "bob", "cleo", "dan")
	other := v.create(owner, "other", "eve")
	began := v.clock.Now()
	saw := func(id meeting.ID, kind meeting.FactKind, who string, after time.Duration) {
		t.Helper()
		f := meeting.Fact{Kind: kind, Attendee: v.roster(owner, id)[who].ID, ExternalUserID: who, Time: began.Add(after)}
		must(t, v.RecordFact(ctx, id, f))
	}
	want := func(what string, id meeting.ID, want time.Duration) {
		t.Helper()
		if got := v.Attended(id); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	saw(m.ID, meeting.Joined, "ann", 0)
	saw(m.ID, meeting.ContentJoined, "ann", time.Minute)
	saw(m.ID, meeting.ContentLeft, "ann", 2*time.Minute)
	saw(m.ID, meeting.Left, "ann", 5*time.Minute)
	for _, who := range []string{"bob", "cleo", "dan"} {
		saw(m.ID, meeting.Joined, who, time.Minute)
	}
	saw(other.ID, meeting.Joined, "eve", 0)
	want("before", m.ID, 0)

	v.restart()
	want("those who had gone", m.ID, 6*time.Minute)
	saw(m.ID, meeting.Joined, "bob", 10*time.Minute) // is back
	want("one is back", m.ID, 15*time.Minute)
	saw(m.ID, meeting.Left, "bob", 11*time.Minute)
	want("and leaves", m.ID, 15*time.Minute)
	saw(m.ID, meeting.Dropped, "cleo", 3*time.Minute)
	want("one does not come back", m.ID, 17*time.Minute)
	v.clock.move(20 * time.Minute)
	must(t, v.DeleteMeeting(ctx, owner, m.ID))
	want("the last is there until the end", m.ID, 36*time.Minute)
	must(t, v.DeleteMeeting(ctx, owner, other.ID))

	v.restart()
	want("an ended meeting", m.ID, 37*time.Minute) // and the minute that bob was back
	want("one that was never seen to go", other.ID, 20*time.Minute)
	want("a meeting that never was", meeting.ID{9}, 0)
}
