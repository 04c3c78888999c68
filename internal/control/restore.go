package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// restore builds the index from the ledger.
func (c *Control) restore(ctx context.Context) error {
	found, err := c.scan(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range found {
		c.restoreMeetingLocked(f)
	}
	slices.SortFunc(c.index.forgetOrder, func(a, b *tombstone) int { return a.at.Compare(b.at) })
	return c.restoreSessionsLocked(ctx)
}

func (c *Control) restoreMeetingLocked(f *found) {
	if f.Ended == nil {
		e := &entry{profile: f.Profile, tags: f.Tags, attendees: f.Attendees}
		c.index.insert(e)
		if f.state != nil {
			f.state.ShareProfile(f.Profile)
			e.fold.state, e.fold.revision = f.state, f.revision
			c.index.cache.keep(e, f.state)
		}
		return
	}
	if f.Stamp.Time.Add(c.cfg.Tombstone).After(c.cfg.Clock.Now()) {
		c.index.remember(&tombstone{
			profile: f.Profile, reason: f.Ended.Reason, attendees: f.Ended.Attendees, actor: f.Stamp.Actor, at: f.Stamp.Time,
		})
	}
}

// found is a meeting as the scan finds it. Without a profile it is what a long
// outage left of one.
type found struct {
	meeting.Outline
	state    *meeting.State // nil once it ended, or when there was no room for it
	revision uint64         // of the last record in state
	cost     int64          // what the cache will count for state
	damage   error          // why its records make no sense; nil when they do
}

// add takes the next record in. The state is folded along as long as room, in
// bytes, lasts: the records are at hand now, and fetching them again when the
// meeting is asked for would cost a hundred times as much.
func (f *found) add(stored ledger.Entry, room *atomic.Int64) error {
	first := f.Profile == nil
	if err := f.Outline.Add(stored.Data); err != nil {
		return err
	}
	if first && room.Load() > 0 {
		f.state = new(meeting.State)
	}
	if f.state == nil {
		return nil
	}
	rec, err := meeting.DecodeRecord(stored.Data)
	if err == nil {
		err = f.state.Apply(rec)
	}
	if err != nil {
		return err
	}
	f.revision = stored.Revision
	cost := costOf(f.state)
	if room.Add(f.cost-cost) < 0 || f.Ended != nil {
		room.Add(cost)
		f.state, cost = nil, 0
	}
	f.cost = cost
	return nil
}

// scan folds every meeting's records. Meetings come in creation order, as lists
// are kept, but replicas after all others, so that they find their primary.
func (c *Control) scan(ctx context.Context) ([]*found, error) {
	var room atomic.Int64
	room.Store(c.cfg.CacheBytes)
	var mu sync.Mutex // the ledger scans its shards side by side
	all := map[meeting.ID]*found{}
	err := c.log.Scan(ctx, func(id meeting.ID, stored ledger.Entry) error {
		mu.Lock()
		f := all[id]
		if f == nil {
			f = new(found)
			all[id] = f
		}
		mu.Unlock()
		// Entries of one meeting come one after the other.
		if f.damage != nil {
			return nil
		}
		err := f.add(stored, &room)
		if f.Profile == nil && errors.Is(err, meeting.ErrOrder) && c.outlived(stored) {
			return nil
		}
		if err != nil {
			err = fmt.Errorf("meeting %s, revision %d: %w", id, stored.Revision, err)
		}
		if err != nil && c.cfg.AcceptLoss {
			f.damage, err = err, nil
		}
		return err
	})
	if err == nil {
		err = c.discardDamaged(ctx, all)
	}
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(_ meeting.ID, f *found) bool { return f.Profile == nil })
	return slices.SortedFunc(maps.Values(all), func(a, b *found) int {
		switch ar, br := a.Profile.Replica(), b.Profile.Replica(); {
		case ar == br:
			return position{a.Profile.CreatedAt, a.Profile.ID}.compare(position{b.Profile.CreatedAt, b.Profile.ID})
		case br:
			return -1
		}
		return 1
	}), nil
}

// discardDamaged takes meetings out of the ledger whose records do not make
// sense, as an operator has asked for: whoever was removed from them, or lost a
// right, might be back in what is left.
func (c *Control) discardDamaged(ctx context.Context, all map[meeting.ID]*found) error {
	for id, f := range all {
		if f.damage == nil {
			continue
		}
		c.cfg.Logger.Error("meeting given up: its records are damaged", "meeting", id.String(), "err", f.damage)
		if err := c.log.Discard(ctx, id); err != nil {
			return err
		}
		delete(all, id)
	}
	return nil
}

// outlived reports whether no meeting that is active now can have the record.
// When the server was down for long, the ledger has dropped what is too old one
// by one, the beginning of a meeting before the rest.
func (c *Control) outlived(stored ledger.Entry) bool {
	return !stored.Time.Add(c.cfg.MaxAge).After(c.cfg.Clock.Now())
}

// restoreSessionsLocked finds out from the facts who was connected when the process
// before this one ended, and since when nobody was. Those who were connected
// have the idle time to come back.
func (c *Control) restoreSessionsLocked(ctx context.Context) error {
	var mu sync.Mutex
	err := c.log.ScanFacts(ctx, func(id meeting.ID, stored ledger.Entry) error {
		mu.Lock()
		defer mu.Unlock()
		e := c.index.active[id]
		if e == nil {
			return nil
		}
		fact, err := meeting.DecodeFact(stored.Data)
		if err != nil && c.cfg.AcceptLoss {
			c.cfg.Logger.Error("fact passed over: it is damaged", "meeting", id.String(), "err", err)
			return nil
		}
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
