package control

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// MeetingTags returns the meeting's tags in the order they were added. The
// caller must not change them.
func (c *Control) MeetingTags(_ context.Context, owner meeting.Owner, id meeting.ID) ([]meeting.Tag, error) {
	e, end, err := c.enter(owned(owner, id))
	if err != nil {
		return nil, err
	}
	defer end()
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.tags, nil
}

// TagMeeting adds tags to the meeting, replacing the values of keys it has.
func (c *Control) TagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, tags []meeting.Tag) error {
	return c.change(ctx, owned(owner, id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideTagMeeting(s, by, tags, c.cfg.Limits)
	})
}

// UntagMeeting removes tags from the meeting.
func (c *Control) UntagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, keys []string) error {
	return c.change(ctx, owned(owner, id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideUntagMeeting(s, by, keys)
	})
}

// AttendeeTags returns the attendee's tags in the order they were added. The
// caller must not change them.
func (c *Control) AttendeeTags(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) ([]meeting.Tag, error) {
	a, err := c.GetAttendee(ctx, owner, id, attendee)
	return a.Tags, err
}

// TagAttendee adds tags to the attendee, replacing the values of keys it has.
func (c *Control) TagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, tags []meeting.Tag) error {
	return c.change(ctx, owned(owner, id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideTagAttendee(s, by, attendee, tags, c.cfg.Limits)
	})
}

// UntagAttendee removes tags from the attendee.
func (c *Control) UntagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, keys []string) error {
	return c.change(ctx, owned(owner, id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideUntagAttendee(s, by, attendee, keys)
	})
}
