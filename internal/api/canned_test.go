package api_test

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// canned answers every call at once with made-up data, so that fuzzing and
// benchmarks see the door alone. It keeps nothing and decides nothing.
type canned struct {
	api.PipelineControl // not called
	key                 jointoken.Key
}

func newCanned() *canned {
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		panic(err)
	}
	return &canned{key: key}
}

func cannedAttendee(user string) meeting.Attendee {
	return meeting.Attendee{
		ID: meeting.ID{1, 2, 3}, ExternalUserID: user,
		Capabilities: meeting.Capabilities{Audio: meeting.SendReceive, Video: meeting.SendReceive, Content: meeting.SendReceive},
	}
}

func cannedResults(items []meeting.NewAttendee) []meeting.AttendeeResult {
	results := make([]meeting.AttendeeResult, len(items))
	for i := range items {
		results[i].Attendee = cannedAttendee(items[i].ExternalUserID)
	}
	return results
}

func (c *canned) CreateMeeting(_ context.Context, n meeting.NewMeeting) (meeting.Summary, []meeting.AttendeeResult, error) {
	return meeting.Summary{ID: meeting.ID{9}, Owner: n.Owner, ExternalMeetingID: n.ExternalMeetingID, HostID: n.HostID,
		MediaRegion: n.MediaRegion, Features: n.Features, TenantIDs: n.TenantIDs}, cannedResults(n.Attendees), nil
}

func (c *canned) GetMeeting(_ context.Context, owner meeting.Owner, id meeting.ID) (meeting.Summary, error) {
	return meeting.Summary{ID: id, Owner: owner, MediaRegion: "eu-west-3"}, nil
}

func (c *canned) DeleteMeeting(context.Context, meeting.Owner, meeting.ID) error { return nil }

func (c *canned) ListMeetings(_ context.Context, owner meeting.Owner, _ int, token string) ([]meeting.Summary, string, error) {
	return []meeting.Summary{{Owner: owner}}, token, nil
}

func (c *canned) CreateAttendees(_ context.Context, _ meeting.Owner, _ meeting.ID, items []meeting.NewAttendee) ([]meeting.AttendeeResult, error) {
	return cannedResults(items), nil
}

func (c *canned) GetAttendee(_ context.Context, _ meeting.Owner, _, attendee meeting.ID) (meeting.Attendee, error) {
	a := cannedAttendee("user")
	a.ID = attendee
	return a, nil
}

func (c *canned) ListAttendees(_ context.Context, _ meeting.Owner, _ meeting.ID, _ int, token string) ([]meeting.Attendee, string, error) {
	return []meeting.Attendee{cannedAttendee("user")}, token, nil
}

func (c *canned) DeleteAttendee(context.Context, meeting.Owner, meeting.ID, meeting.ID) error {
	return nil
}

func (c *canned) UpdateCapabilities(_ context.Context, _ meeting.Owner, _, _ meeting.ID, caps meeting.Capabilities) (meeting.Attendee, error) {
	a := cannedAttendee("user")
	a.Capabilities = caps
	return a, nil
}

func (c *canned) UpdateCapabilitiesExcept(context.Context, meeting.Owner, meeting.ID, []meeting.ID, meeting.Capabilities) error {
	return nil
}

func (c *canned) StartTranscription(context.Context, meeting.Owner, meeting.ID, meeting.TranscriptionConfig) error {
	return nil
}

func (c *canned) StopTranscription(context.Context, meeting.Owner, meeting.ID) error { return nil }

func (c *canned) MeetingTags(context.Context, meeting.Owner, meeting.ID) ([]meeting.Tag, error) {
	return []meeting.Tag{{Key: "k", Value: "v"}}, nil
}

func (c *canned) TagMeeting(context.Context, meeting.Owner, meeting.ID, []meeting.Tag) error {
	return nil
}

func (c *canned) UntagMeeting(context.Context, meeting.Owner, meeting.ID, []string) error {
	return nil
}

func (c *canned) AttendeeTags(context.Context, meeting.Owner, meeting.ID, meeting.ID) ([]meeting.Tag, error) {
	return nil, nil
}

func (c *canned) TagAttendee(context.Context, meeting.Owner, meeting.ID, meeting.ID, []meeting.Tag) error {
	return nil
}

func (c *canned) UntagAttendee(context.Context, meeting.Owner, meeting.ID, meeting.ID, []string) error {
	return nil
}

func (c *canned) HomeFlavour(context.Context, string, string, meeting.ID) (meeting.Flavour, bool) {
	return 0, false
}

func (c *canned) JoinToken(meetingID, attendee meeting.ID) string {
	return c.key.Mint(meetingID, attendee)
}

func (c *canned) JoinTokens(meetingID meeting.ID, attendees []meeting.Attendee) []string {
	return c.key.MintAll(meetingID, len(attendees), func(i int) [16]byte { return attendees[i].ID })
}
