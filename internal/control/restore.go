package control

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// restore builds the index from the ledger.
func (c *Control) restore(ctx context.Context) error {
	outlines, err := c.scan(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range outlines {
		c.restoreMeeting(o)
	}
	slices.SortFunc(c.index.buried, func(a, b *grave) int { return a.at.Compare(b.at) })
	return c.restoreSessions(ctx)
}

func (c *Control) restoreMeeting(o *meeting.Outline) {
	if o.Ended == nil {
		c.index.insert(&entry{profile: o.Profile, tags: o.Tags, attendees: o.Attendees})
		return
	}
	if o.Stamp.Time.Add(c.cfg.Tombstone).After(c.cfg.Clock.Now()) {
		c.index.bury(&grave{
			profile: o.Profile, reason: o.Ended.Reason, attendees: o.Ended.Attendees, actor: o.Stamp.Actor, at: o.Stamp.Time,
		})
	}
}

// scan folds every meeting's records to an outline. Meetings come in creation
// order, as lists are kept, but replicas after all others, so that they find
// their primary.
func (c *Control) scan(ctx context.Context) ([]*meeting.Outline, error) {
	var mu sync.Mutex // the ledger scans its shards side by side
	outlines := map[meeting.ID]*meeting.Outline{}
	err := c.log.Scan(ctx, func(id meeting.ID, stored ledger.Entry) error {
		mu.Lock()
		o := outlines[id]
		if o == nil {
			o = new(meeting.Outline)
			outlines[id] = o
		}
		mu.Unlock()
		// Entries of one meeting come one after the other.
		if err := o.Add(stored.Data); err != nil {
			return fmt.Errorf("meeting %s, revision %d: %w", id, stored.Revision, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(outlines), func(a, b *meeting.Outline) int {
		switch ar, br := a.Profile.Replica(), b.Profile.Replica(); {
		case ar == br:
			return place{a.Profile.CreatedAt, a.Profile.ID}.compare(place{b.Profile.CreatedAt, b.Profile.ID})
		case br:
			return -1
		}
		return 1
	}), nil
}

// restoreSessions finds out from the facts who was connected when the process
// before this one ended, and since when nobody was. Those who were connected
// have the idle time to come back. The caller holds mu.
func (c *Control) restoreSessions(ctx context.Context) error {
	var mu sync.Mutex
	err := c.log.ScanFacts(ctx, func(id meeting.ID, stored ledger.Entry) error {
		mu.Lock()
		defer mu.Unlock()
		e := c.index.active[id]
		if e == nil {
			return nil
		}
		fact, err := meeting.DecodeFact(stored.Data)
		if err != nil {
			return fmt.Errorf("meeting %s, fact %d: %w", id, stored.Revision, err)
		}
		closed := e.note(fact) != nil && isDeparture(fact.Kind) && !fact.Kind.Content()
		if closed && fact.Time.After(e.idleSince) {
			e.idleSince = fact.Time
		}
		return nil
	})
	if err != nil {
		return err
	}
	now := c.cfg.Clock.Now()
	for _, e := range c.index.active {
		for i := range e.sessions {
			e.sessions[i].lost = true
			if !e.sessions[i].content {
				e.idleSince = now
			}
		}
		if len(e.sessions) > 0 {
			c.index.lost = append(c.index.lost, e)
		}
		c.index.alarms.set(e, c.index.due(e))
	}
	return nil
}
