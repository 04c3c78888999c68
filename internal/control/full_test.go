package control_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// On a disk that is nearly full, what takes something away still works, and
// the refusal of the rest says why.
func TestAFullDiskStillLetsPeopleBeRemoved(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	id := v.create(owner, "token", "ann", "bob").ID
	people := v.roster(owner, id)
	v.stop()
	v.ledger.MinFree = 1 << 60 // nothing is that free
	v.start()

	_, err := v.CreateAttendees(ctx, owner, id, named("eve"))
	wantFull(t, "a new attendee", err)
	_, _, err = v.CreateMeeting(ctx, newMeeting(owner, "another"))
	wantFull(t, "a new meeting", err)
	listen := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.Receive, Content: meeting.Receive}
	_, err = v.UpdateCapabilities(ctx, owner, id, people["bob"].ID, listen)
	must(t, err)
	_, err = v.UpdateCapabilities(ctx, owner, id, people["bob"].ID, people["bob"].Capabilities)
	wantFull(t, "giving a capability back", err)
	must(t, v.DeleteAttendee(ctx, owner, id, people["ann"].ID))
	must(t, v.DeleteMeeting(ctx, owner, id))

	v.stop()
	v.ledger.MinFree = 0
	v.start()
	_, err = v.GetMeeting(ctx, owner, id)
	wantKind(t, err, meeting.NotFound)
	v.create(owner, "another", "eve")
}

func wantFull(t *testing.T, what string, err error) {
	t.Helper()
	var e *meeting.Error
	if !errors.As(err, &e) || e.Kind != meeting.Unavailable || !errors.Is(err, ledger.ErrFull) || !strings.Contains(e.Message, "disk") {
		t.Errorf("%s on a full disk: %v", what, err)
	}
}
