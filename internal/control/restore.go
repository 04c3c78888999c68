package control

import (
	"context"
	"fmt"
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
	now := c.cfg.Clock.Now()
	var replicas []*entry
	for _, o := range outlines {
		e := &entry{profile: o.Profile, tags: o.Tags, attendees: o.Attendees}
		switch {
		case o.Ended != nil:
			if o.Stamp.Time.Add(c.cfg.Tombstone).After(now) {
				c.index.bury(&grave{
					profile: o.Profile, reason: o.Ended.Reason, attendees: o.Ended.Attendees, actor: o.Stamp.Actor, at: o.Stamp.Time,
				})
			}
		case o.Profile.Replica():
			replicas = append(replicas, e) // after the primaries
		default:
			c.index.insert(e)
		}
	}
	for _, e := range replicas {
		c.index.insert(e)
	}
	slices.SortFunc(c.index.buried, func(a, b *grave) int { return a.at.Compare(b.at) })
	return c.restoreSessions(ctx)
}

// scan folds every meeting's records to an outline.
func (c *Control) scan(ctx context.Context) (map[meeting.ID]*meeting.Outline, error) {
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
	return outlines, err
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
