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
	end, err := c.begin()
	if err != nil {
		return nil, "", err
	}
	defer end()
	if limit <= 0 {
		limit = defaultPage
	}
	after, err := c.readMeetingsToken(owner, token)
	if err != nil {
		return nil, "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.index.owners[owner]
	if b == nil {
		return nil, "", nil
	}
	page, more := b.page(after, limit)
	for _, e := range page {
		list = append(list, e.profile.Summary())
	}
	if more {
		next = c.meetingsToken(owner, positionOf(page[len(page)-1]))
	}
	return list, next, nil
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
