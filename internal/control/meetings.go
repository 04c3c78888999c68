package control

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// GetMeeting returns an active meeting of the owner.
func (c *Control) GetMeeting(_ context.Context, owner meeting.Owner, id meeting.ID) (meeting.Summary, error) {
	e, end, err := c.enter(owned(owner, id))
	if err != nil {
		return meeting.Summary{}, err
	}
	defer end()
	return e.profile.Summary(), nil
}

// DeleteMeeting ends the owner's meeting and its replicas. A meeting that is
// not there counts as ended (API decision D-06).
func (c *Control) DeleteMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) error {
	e, end, err := c.enter(owned(owner, id))
	if isKind(err, meeting.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer end()
	err = c.end(ctx, e, func(*entry) meeting.EndReason { return meeting.EndedByRequest })
	if isKind(err, meeting.NotFound) {
		return nil
	}
	return err
}

// defaultPage is the length of a page whose caller asks for none.
const defaultPage = 100

// ListMeetings returns up to limit active meetings of the owner in creation
// order, going on from the page that gave token. next is empty on the last
// page.
func (c *Control) ListMeetings(_ context.Context, owner meeting.Owner, limit int, token string) (list []meeting.Summary, next string, err error) {
	part, err := c.PartOfMeetings(owner, limit, token)
	if err != nil {
		return nil, "", err
	}
	return part.Meetings, c.NextMeetings(owner, part.Meetings, part.More), nil
}

// MeetingsPart is what one server has of a page of an owner's meetings.
type MeetingsPart struct {
	Meetings []meeting.Summary // in creation order
	More     bool              // others follow
	Slots    []int             // the part has all meetings of these slots that belong to the page
}

// PartOfMeetings is ListMeetings for the slots that are held here.
func (c *Control) PartOfMeetings(owner meeting.Owner, limit int, token string) (MeetingsPart, error) {
	end, err := c.begin()
	if err != nil {
		return MeetingsPart{}, err
	}
	defer end()
	if limit <= 0 {
		limit = defaultPage
	}
	after, err := c.readMeetingsToken(owner, token)
	if err != nil {
		return MeetingsPart{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	part := MeetingsPart{Slots: c.heldLocked()}
	b := c.index.owners[owner]
	if b == nil {
		return part, nil
	}
	page, more := b.page(after, limit)
	for _, e := range page {
		part.Meetings = append(part.Meetings, e.profile.Summary())
	}
	part.More = more
	return part, nil
}

// NextMeetings returns the token that goes on behind a page of an owner's
// meetings, "" when no more follow.
func (c *Control) NextMeetings(owner meeting.Owner, page []meeting.Summary, more bool) string {
	if !more || len(page) == 0 {
		return ""
	}
	last := page[len(page)-1]
	return c.meetingsToken(owner, position{last.CreatedAt, last.ID})
}

// HomeFlavour returns the flavour through which the account created the
// meeting in the Region, also for a while after it ended.
func (c *Control) HomeFlavour(_ context.Context, account, region string, id meeting.ID) (meeting.Flavour, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var p *meeting.Profile
	if e := c.index.active[id]; e != nil {
		p = e.profile
	} else if g := c.index.tombstones[id]; g != nil {
		p = g.profile
	}
	if p == nil || p.Owner.Account != account || p.Owner.Region != region {
		return 0, false
	}
	return p.Owner.Flavour, true
}
