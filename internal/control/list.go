package control

import (
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// maxLooks bounds how many meetings one page of List looks at in each list, so
// that a filter which nothing fits does not keep everybody else waiting.
const maxLooks = 10_000

// List returns a page of an account's meetings, of all its Regions and both
// flavours: the active ones, or those that have ended and are still remembered.
// Of their Load only Connected is known here.
func (c *Control) List(_ context.Context, q observe.Query) (observe.Page, error) {
	end, err := c.begin()
	if err != nil {
		return observe.Page{}, err
	}
	defer end()
	if q.Ended {
		c.mu.Lock()
		ended := c.index.endedOf(q.Account)
		c.mu.Unlock()
		return endedPage(ended, q), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var pages []observe.Page
	for owner, list := range c.index.owners {
		if owner.Account == q.Account {
			pages = append(pages, list.matching(q))
		}
	}
	return q.Merge(pages...), nil
}

// matching returns the page that a query asks for of one owner's meetings.
func (b *ownedMeetings) matching(q observe.Query) (page observe.Page) {
	at, found := 0, false
	if !q.After.IsZero() {
		at, found = b.find(position{q.After.At, q.After.ID})
	}
	if found {
		at++
	}
	rest := b.lines[at:]
	for i, l := range rest {
		if len(page.Meetings) == q.Limit || i == maxLooks {
			before := rest[i-1].position
			page.Next = observe.Place{At: before.created, ID: before.id}
			return page
		}
		if l.e == nil {
			continue
		}
		if m := l.e.shown(); q.Wants(&m) {
			page.Meetings = append(page.Meetings, m)
		}
	}
	return page
}

// endedOf returns the remembered ended meetings of an account. They do not
// change any more, so the caller may read them without the lock.
func (x *index) endedOf(account string) (list []*tombstone) {
	for _, g := range x.forgetOrder {
		if g.profile.Owner.Account == account {
			list = append(list, g)
		}
	}
	return list
}

func endedPage(list []*tombstone, q observe.Query) (page observe.Page) {
	place := func(g *tombstone) observe.Place { return observe.Place{At: g.at, ID: g.profile.ID} }
	slices.SortFunc(list, func(a, b *tombstone) int { return q.Compare(place(a), place(b)) })
	looked := 0
	for _, g := range list {
		if !q.After.IsZero() && q.Compare(place(g), q.After) <= 0 {
			continue
		}
		if len(page.Meetings) == q.Limit || looked == maxLooks {
			return page
		}
		looked++
		if m := g.shown(); q.Wants(&m) {
			page.Meetings = append(page.Meetings, m)
		}
		page.Next = place(g)
	}
	page.Next = observe.Place{}
	return page
}
