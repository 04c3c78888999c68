package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// restored is what an adoption reads.
type restored struct {
	cfg   Config
	room  atomic.Int64                         // what is left of the cache, in bytes
	slots [meeting.Slots]map[meeting.ID]*found // each used by one goroutine at a time
}

func newRestored(cfg Config) *restored {
	r := &restored{cfg: cfg}
	r.room.Store(cfg.CacheBytes)
	return r
}

// found is a meeting as an adoption finds it. Without a profile it is what a
// long outage left of one.
type found struct {
	meeting.Outline
	state    *meeting.State  // nil once it ended, or when there was no room for it
	revision ledger.Revision // of the last record
	cost     int64           // what the cache will count for state
	sessions sessions
	attended time.Duration // of those that are over
	left     time.Time     // when the last one went
	damage   error         // why its records make no sense; nil when they do
	badFact  error         // the first fact that makes no sense; it does not matter once the meeting has ended

	pipeline *meeting.Pipeline // when it is one and no meeting
}

// add takes the next entry in. Those of one meeting come one after the other.
func (r *restored) add(id meeting.ID, stored ledger.Entry) error {
	all := &r.slots[id.Slot()]
	f := (*all)[id]
	if f == nil {
		if *all == nil {
			*all = map[meeting.ID]*found{}
		}
		f = new(found)
		(*all)[id] = f
	}
	var err error
	switch {
	case f.damage != nil:
		return nil
	case f.pipeline != nil, f.Profile == nil && !stored.Fact && meeting.BeginsPipeline(stored.Data):
		err = f.foldPipeline(stored)
	case stored.Fact:
		err = r.addFact(f, stored)
	default:
		err = r.addRecord(f, stored)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("meeting %s, revision %d: %w", id, stored.Revision.Seq, err)
	switch {
	case stored.Fact && r.cfg.AcceptLoss:
		r.cfg.Logger.Error("fact passed over: it is damaged", "meeting", id.String(), "err", err)
		return nil
	case stored.Fact:
		f.badFact = cmp.Or(f.badFact, err)
		return nil
	case !r.cfg.AcceptLoss:
		return err
	}
	f.damage = err
	return nil
}

func (r *restored) addRecord(f *found, stored ledger.Entry) error {
	if stored.Gap {
		return fmt.Errorf("%w: the record before it is missing", ledger.ErrDamaged)
	}
	err := f.fold(stored, &r.room)
	if f.Profile == nil && errors.Is(err, meeting.ErrOrder) && r.outlived(stored) {
		return nil
	}
	return err
}

// fold takes the next record in. The state is folded along as long as room, in
// bytes, lasts: the records are at hand now, and fetching them again when the
// meeting is asked for would cost a hundred times as much.
func (f *found) fold(stored ledger.Entry, room *atomic.Int64) error {
	first := f.Profile == nil
	if err := f.Outline.Add(stored.Data); err != nil {
		return err
	}
	f.revision = stored.Revision
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
	cost := costOf(f.state)
	if room.Add(f.cost-cost) < 0 || f.Ended != nil {
		room.Add(cost)
		f.state, cost = nil, 0
	}
	f.cost = cost
	return nil
}

// addFact finds out who was connected when the process before this one ended,
// and since when nobody was.
func (r *restored) addFact(f *found, stored ledger.Entry) error {
	if f.Profile == nil || f.Ended != nil {
		return nil
	}
	fact, err := meeting.DecodeFact(stored.Data)
	if err != nil {
		return err
	}
	before := f.sessions.note(fact)
	if before == nil {
		return nil
	}
	f.attended += before.lasted(fact.Time)
	if isDeparture(fact.Kind) && !fact.Kind.Content() && fact.Time.After(f.left) {
		f.left = fact.Time
	}
	return nil
}

// outlived reports whether no meeting that is active now can have the record.
// When the server was down for long, the ledger has dropped what is too old one
// by one, the beginning of a meeting before the rest.
func (r *restored) outlived(stored ledger.Entry) bool {
	return !stored.Time.Add(r.cfg.MaxAge).After(r.cfg.Clock.Now())
}

// checkFacts returns an error if an active meeting has a damaged fact.
func (r *restored) checkFacts() error {
	for _, all := range r.slots {
		for _, f := range all {
			if f.badFact != nil && f.Ended == nil {
				return f.badFact
			}
		}
	}
	return nil
}

// discardDamaged takes meetings out of the ledger whose records do not make
// sense, as an operator has asked for: whoever was removed from them, or lost a
// right, might be back in what is left.
func (r *restored) discardDamaged(ctx context.Context, slots []Slot) error {
	for _, s := range slots {
		all := r.slots[s.Number()]
		for id, f := range all {
			if f.damage == nil {
				continue
			}
			r.cfg.Logger.Error("meeting given up: its records are damaged", "meeting", id.String(), "err", f.damage)
			if err := s.Discard(ctx, id); err != nil {
				return err
			}
			delete(all, id)
		}
	}
	return nil
}

// sorted returns the meetings in creation order, as lists are kept, but
// replicas after all others, so that they find their primary.
func (r *restored) sorted() (list []*found) {
	for _, all := range r.slots {
		for _, f := range all {
			if f.Profile != nil {
				list = append(list, f)
			}
		}
	}
	slices.SortFunc(list, func(a, b *found) int {
		switch ar, br := a.Profile.Replica(), b.Profile.Replica(); {
		case ar == br:
			return position{a.Profile.CreatedAt, a.Profile.ID}.compare(position{b.Profile.CreatedAt, b.Profile.ID})
		case br:
			return -1
		}
		return 1
	})
	return list
}

// restoreLocked puts what was read, sorted, into the index. It returns the
// meetings that have ended.
func (c *Control) restoreLocked(read []*found) (ended []*tombstone) {
	now := c.cfg.Clock.Now()
	lost := lostSessions{at: now.Add(c.cfg.Dropped)}
	fresh := map[*ownedMeetings][]*entry{}
	for _, f := range read {
		if f.Ended != nil {
			if g := c.restoreEndedLocked(f, now); g != nil {
				ended = append(ended, g)
			}
			continue
		}
		e := c.restoreActiveLocked(f, now)
		fresh[e.list] = append(fresh[e.list], e)
		if len(e.sessions) > 0 {
			lost.of = append(lost.of, e)
		}
	}
	for list, some := range fresh {
		list.merge(some)
	}
	slices.SortFunc(c.index.forgetOrder, func(a, b *tombstone) int { return a.at.Compare(b.at) })
	if len(lost.of) > 0 {
		c.index.lost = append(c.index.lost, lost)
	}
	c.wakeRunLocked()
	return ended
}

// restoreEndedLocked adds a meeting that has ended, unless it is to be forgotten.
func (c *Control) restoreEndedLocked(f *found, now time.Time) *tombstone {
	if !f.Stamp.Time.Add(c.cfg.Tombstone).After(now) {
		return nil
	}
	g := &tombstone{
		profile: f.Profile, tags: f.Tags, reason: f.Ended.Reason, attendees: f.Ended.Attendees, actor: f.Stamp.Actor, at: f.Stamp.Time,
		attended: f.attended,
	}
	for _, s := range f.sessions {
		g.attended += s.lasted(g.at)
	}
	c.index.remember(g)
	return g
}

// restoreActiveLocked adds an active meeting. Those who were connected have the
// idle time to come back.
func (c *Control) restoreActiveLocked(f *found, now time.Time) *entry {
	e := &entry{
		hold: c.holds[f.Profile.ID.Slot()], profile: f.Profile, tags: f.Tags, timers: f.Timers, transcription: f.Transcription,
		attendees: f.Attendees, sessions: f.sessions, attended: f.attended,
	}
	e.fold.revision = f.revision
	c.index.insertUnlisted(e)
	if f.left.After(e.idleSince) {
		e.idleSince = f.left
	}
	for i := range e.sessions {
		e.sessions[i].lost = true
		if !e.sessions[i].content {
			e.idleSince = now
		}
	}
	c.index.alarms.set(e, c.index.due(e))
	if f.state != nil {
		f.state.ShareProfile(f.Profile)
		e.fold.state = f.state
		c.index.cache.keep(e, f.state)
	}
	return e
}
