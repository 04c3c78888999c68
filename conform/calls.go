package conform

import (
	"context"
	"net/http"
)

// The operations, each through the SDK of the client's flavour.

// CreateMeeting calls the operation of that name.
func (c *Client) CreateMeeting(in NewMeeting) Result[Meeting] {
	return call(c, "CreateMeeting", c.Created(), func(ctx context.Context) (Meeting, error) { return c.door.createMeeting(ctx, in) })
}

// CreateMeetingWithAttendees calls the operation of that name.
func (c *Client) CreateMeetingWithAttendees(in NewMeeting) Result[Batch] {
	return call(c, "CreateMeetingWithAttendees", c.Created(), func(ctx context.Context) (Batch, error) { return c.door.createMeetingWithAttendees(ctx, in) })
}

// GetMeeting calls the operation of that name.
func (c *Client) GetMeeting(meeting string) Result[Meeting] {
	return call(c, "GetMeeting", http.StatusOK, func(ctx context.Context) (Meeting, error) { return c.door.getMeeting(ctx, meeting) })
}

// DeleteMeeting calls the operation of that name.
func (c *Client) DeleteMeeting(meeting string) Result[None] {
	return call(c, "DeleteMeeting", http.StatusNoContent, bare(func(ctx context.Context) error { return c.door.deleteMeeting(ctx, meeting) }))
}

// ListMeetings calls the operation of that name.
func (c *Client) ListMeetings(p Page) Result[MeetingPage] {
	return call(c, "ListMeetings", http.StatusOK, func(ctx context.Context) (MeetingPage, error) { return c.legacy.listMeetings(ctx, p) })
}

// CreateAttendee calls the operation of that name.
func (c *Client) CreateAttendee(meeting string, in NewAttendee) Result[Attendee] {
	return call(c, "CreateAttendee", c.Created(), func(ctx context.Context) (Attendee, error) { return c.door.createAttendee(ctx, meeting, in) })
}

// BatchCreateAttendee calls the operation of that name.
func (c *Client) BatchCreateAttendee(meeting string, in ...NewAttendee) Result[Batch] {
	return call(c, "BatchCreateAttendee", c.Created(), func(ctx context.Context) (Batch, error) { return c.door.batchCreateAttendee(ctx, meeting, in) })
}

// GetAttendee calls the operation of that name.
func (c *Client) GetAttendee(meeting, attendee string) Result[Attendee] {
	return call(c, "GetAttendee", http.StatusOK, func(ctx context.Context) (Attendee, error) { return c.door.getAttendee(ctx, meeting, attendee) })
}

// ListAttendees calls the operation of that name.
func (c *Client) ListAttendees(meeting string, p Page) Result[AttendeePage] {
	return call(c, "ListAttendees", http.StatusOK, func(ctx context.Context) (AttendeePage, error) { return c.door.listAttendees(ctx, meeting, p) })
}

// DeleteAttendee calls the operation of that name.
func (c *Client) DeleteAttendee(meeting, attendee string) Result[None] {
	return call(c, "DeleteAttendee", http.StatusNoContent, bare(func(ctx context.Context) error { return c.door.deleteAttendee(ctx, meeting, attendee) }))
}

// UpdateAttendeeCapabilities calls the operation of that name.
func (c *Client) UpdateAttendeeCapabilities(meeting, attendee string, caps Capabilities) Result[Attendee] {
	return call(c, "UpdateAttendeeCapabilities", http.StatusOK, func(ctx context.Context) (Attendee, error) {
		return c.current.updateCapabilities(ctx, meeting, attendee, caps)
	})
}

// BatchUpdateAttendeeCapabilitiesExcept calls the operation of that name.
func (c *Client) BatchUpdateAttendeeCapabilitiesExcept(meeting string, caps Capabilities, except ...string) Result[None] {
	return call(c, "BatchUpdateAttendeeCapabilitiesExcept", http.StatusOK, bare(func(ctx context.Context) error {
		return c.current.updateCapabilitiesExcept(ctx, meeting, except, caps)
	}))
}

// StartMeetingTranscription calls the operation of that name.
func (c *Client) StartMeetingTranscription(meeting string, in Transcription) Result[None] {
	return call(c, "StartMeetingTranscription", http.StatusOK, bare(func(ctx context.Context) error { return c.door.startTranscription(ctx, meeting, in) }))
}

// StopMeetingTranscription calls the operation of that name.
func (c *Client) StopMeetingTranscription(meeting string) Result[None] {
	return call(c, "StopMeetingTranscription", http.StatusOK, bare(func(ctx context.Context) error { return c.door.stopTranscription(ctx, meeting) }))
}

// TagResource calls the operation of that name.
func (c *Client) TagResource(arn string, tags ...Tag) Result[None] {
	return call(c, "TagResource", http.StatusNoContent, bare(func(ctx context.Context) error { return c.door.tagResource(ctx, arn, tags) }))
}

// UntagResource calls the operation of that name.
func (c *Client) UntagResource(arn string, keys ...string) Result[None] {
	return call(c, "UntagResource", http.StatusNoContent, bare(func(ctx context.Context) error { return c.door.untagResource(ctx, arn, keys) }))
}

// ListTagsForResource calls the operation of that name.
func (c *Client) ListTagsForResource(arn string) Result[[]Tag] {
	return call(c, "ListTagsForResource", http.StatusOK, func(ctx context.Context) ([]Tag, error) { return c.door.listTagsForResource(ctx, arn) })
}

// TagMeeting calls the operation of that name.
func (c *Client) TagMeeting(meeting string, tags ...Tag) Result[None] {
	return call(c, "TagMeeting", http.StatusNoContent, bare(func(ctx context.Context) error { return c.legacy.tagMeeting(ctx, meeting, tags) }))
}

// UntagMeeting calls the operation of that name.
func (c *Client) UntagMeeting(meeting string, keys ...string) Result[None] {
	return call(c, "UntagMeeting", http.StatusNoContent, bare(func(ctx context.Context) error { return c.legacy.untagMeeting(ctx, meeting, keys) }))
}

// ListMeetingTags calls the operation of that name.
func (c *Client) ListMeetingTags(meeting string) Result[[]Tag] {
	return call(c, "ListMeetingTags", http.StatusOK, func(ctx context.Context) ([]Tag, error) { return c.legacy.listMeetingTags(ctx, meeting) })
}

// TagAttendee calls the operation of that name.
func (c *Client) TagAttendee(meeting, attendee string, tags ...Tag) Result[None] {
	return call(c, "TagAttendee", http.StatusNoContent, bare(func(ctx context.Context) error { return c.legacy.tagAttendee(ctx, meeting, attendee, tags) }))
}

// UntagAttendee calls the operation of that name.
func (c *Client) UntagAttendee(meeting, attendee string, keys ...string) Result[None] {
	return call(c, "UntagAttendee", http.StatusNoContent, bare(func(ctx context.Context) error { return c.legacy.untagAttendee(ctx, meeting, attendee, keys) }))
}

// ListAttendeeTags calls the operation of that name.
func (c *Client) ListAttendeeTags(meeting, attendee string) Result[[]Tag] {
	return call(c, "ListAttendeeTags", http.StatusOK, func(ctx context.Context) ([]Tag, error) { return c.legacy.listAttendeeTags(ctx, meeting, attendee) })
}
