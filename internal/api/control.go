package api

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Control is what the API needs of the control plane. Every error it returns
// is a *meeting.Error; an owner that does not fit the meeting makes it not
// found.
type Control interface {
	CreateMeeting(ctx context.Context, n meeting.NewMeeting) (meeting.Summary, []meeting.AttendeeResult, error)
	GetMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) (meeting.Summary, error)
	DeleteMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) error
	ListMeetings(ctx context.Context, owner meeting.Owner, limit int, token string) ([]meeting.Summary, string, error)

	CreateAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, items []meeting.NewAttendee) ([]meeting.AttendeeResult, error)
	GetAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) (meeting.Attendee, error)
	ListAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, limit int, token string) ([]meeting.Attendee, string, error)
	DeleteAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) error
	UpdateCapabilities(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, caps meeting.Capabilities) (meeting.Attendee, error)
	UpdateCapabilitiesExcept(ctx context.Context, owner meeting.Owner, id meeting.ID, except []meeting.ID, caps meeting.Capabilities) error

	StartTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID, config meeting.TranscriptionConfig) error
	StopTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID) error

	MeetingTags(ctx context.Context, owner meeting.Owner, id meeting.ID) ([]meeting.Tag, error)
	TagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, tags []meeting.Tag) error
	UntagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, keys []string) error
	AttendeeTags(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) ([]meeting.Tag, error)
	TagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, tags []meeting.Tag) error
	UntagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, keys []string) error

	// HomeFlavour returns the flavour through which the account created the
	// meeting in the Region; ok is false when it has no such meeting.
	HomeFlavour(ctx context.Context, account, region string, id meeting.ID) (f meeting.Flavour, ok bool)
	JoinToken(meetingID, attendee meeting.ID) string
	JoinTokens(meetingID meeting.ID, attendees []meeting.Attendee) []string
}
