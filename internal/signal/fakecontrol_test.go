package signal

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// fakeControl lets everybody in and remembers nothing.
type fakeControl struct{}

func (fakeControl) Authorize(_ context.Context, id meeting.ID, token string) (control.Grant, error) {
	all := meeting.Capabilities{Audio: meeting.SendReceive, Video: meeting.SendReceive, Content: meeting.SendReceive}
	var attendee meeting.ID
	copy(attendee[:], token)
	return control.Grant{MeetingID: id, Attendee: meeting.Attendee{ID: attendee, Capabilities: all}}, nil
}

func (fakeControl) Watch(meeting.ID, func(control.Change)) func() { return func() {} }

func (fakeControl) RecordFact(context.Context, meeting.ID, meeting.Fact) error { return nil }

func (fakeControl) Awaited(meeting.ID) []control.Awaited { return nil }

func (fakeControl) Attended(meeting.ID) time.Duration { return 0 }

func (fakeControl) SetConnected(meeting.ID, int) {}
