package control

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// CreateAttendees creates the attendees that the meeting does not have yet, in
// one record. Results are in the order of items; see
// meeting.DecideAddAttendees.
func (c *Control) CreateAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, items []meeting.NewAttendee) (results []meeting.AttendeeResult, err error) {
	ids := newIDs(len(items) + 1)
	err = c.change(ctx, owned(owner, id), ids, func(s *meeting.State, by meeting.Stamp) (rec *meeting.Record, err error) {
		rec, results, err = meeting.DecideAddAttendees(s, by, items, c.cfg.Limits, ids.next)
		return rec, err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// GetAttendee returns one attendee.
func (c *Control) GetAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) (a meeting.Attendee, err error) {
	err = c.read(ctx, owned(owner, id), func(s *meeting.State) error {
		var found bool
		if a, found = s.Attendee(attendee); !found {
			return meeting.MissingAttendee(attendee)
		}
		return nil
	})
	return a, err
}

// ListAttendees returns up to limit attendees in creation order, going on from
// the page that gave token. next is empty on the last page.
func (c *Control) ListAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, limit int, token string) (list []meeting.Attendee, next string, err error) {
	if limit <= 0 {
		limit = defaultPage
	}
	after, err := c.readAttendeesToken(owner, id, token)
	if err != nil {
		return nil, "", err
	}
	var cursor uint32
	err = c.read(ctx, owned(owner, id), func(s *meeting.State) error {
		list, cursor = s.Page(after, limit)
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	if cursor != 0 {
		next = c.attendeesToken(owner, id, cursor)
	}
	return list, next, nil
}

// DeleteAttendee removes an attendee; its join token is dead at once.
func (c *Control) DeleteAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) error {
	return c.change(ctx, owned(owner, id), newIDs(1), deleteAttendee(attendee))
}

func deleteAttendee(attendee meeting.ID) decision {
	return func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideDeleteAttendee(s, by, attendee)
	}
}

// UpdateCapabilities gives one attendee new capabilities and returns it as it
// is then.
func (c *Control) UpdateCapabilities(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, caps meeting.Capabilities) (meeting.Attendee, error) {
	return c.setCapabilities(ctx, owned(owner, id), attendee, caps)
}

func (c *Control) setCapabilities(ctx context.Context, l lookup, attendee meeting.ID, caps meeting.Capabilities) (a meeting.Attendee, err error) {
	err = c.change(ctx, l, newIDs(1), func(s *meeting.State, by meeting.Stamp) (rec *meeting.Record, err error) {
		rec, a, err = meeting.DecideCapabilities(s, by, attendee, caps)
		return rec, err
	})
	return a, err
}

// UpdateCapabilitiesExcept gives new capabilities to all attendees but those
// named in except.
func (c *Control) UpdateCapabilitiesExcept(ctx context.Context, owner meeting.Owner, id meeting.ID, except []meeting.ID, caps meeting.Capabilities) error {
	return c.change(ctx, owned(owner, id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideCapabilitiesExcept(s, by, except, caps)
	})
}

// JoinToken returns the attendee's join token.
func (c *Control) JoinToken(meetingID, attendee meeting.ID) string {
	return c.cfg.JoinKeys.Mint(meetingID, attendee)
}

// JoinTokens returns the join tokens of the attendees, in their order. It is
// cheaper than as many calls of JoinToken.
func (c *Control) JoinTokens(meetingID meeting.ID, attendees []meeting.Attendee) []string {
	return c.cfg.JoinKeys.MintAll(meetingID, len(attendees), func(i int) [16]byte { return attendees[i].ID })
}
