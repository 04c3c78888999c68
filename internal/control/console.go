package control

import (
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// What operators see and do: everything, of every owner.

// Meetings returns every active meeting and every ended one that is still
// remembered, the newest first. Of their Load only Connected is known here, as
// the signaling side says.
func (c *Control) Meetings(context.Context) ([]observe.Meeting, error) {
	list, _ := c.PartOfOverview()
	slices.SortFunc(list, func(a, b observe.Meeting) int {
		return position{b.Created.Time, b.ID}.compare(position{a.Created.Time, a.ID})
	})
	return list, nil
}

// PartOfOverview returns the same in no order, and the slots whose meetings they
// are: all that are held here.
func (c *Control) PartOfOverview() (list []observe.Meeting, slots []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list = make([]observe.Meeting, 0, len(c.index.active)+len(c.index.tombstones))
	for _, e := range c.index.active {
		list = append(list, c.shownEntry(e))
	}
	for _, g := range c.index.tombstones {
		list = append(list, c.shownTombstone(g))
	}
	return list, c.heldLocked()
}

// Meeting returns what Meetings would of one of them; ok is false when it is
// not known, or not any more.
func (c *Control) Meeting(_ context.Context, id meeting.ID) (m observe.Meeting, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.index.active[id]; e != nil {
		return c.shownEntry(e), true
	}
	if g := c.index.tombstones[id]; g != nil {
		return c.shownTombstone(g), true
	}
	return observe.Meeting{}, false
}

// shownEntry is e.shown with the targets that its events do not reach, and with
// the maximum age that holds: the server may have come to allow less than the
// meeting's own.
func (c *Control) shownEntry(e *entry) observe.Meeting {
	m := e.shown()
	m.Timers.MaxAge = min(m.Timers.MaxAge, observe.Span(c.cfg.MaxAge))
	m.Unreached = c.cfg.Unreached(e.profile.Owner, e.profile.Notifications)
	return m
}

// shownTombstone is the same of an ended one.
func (c *Control) shownTombstone(g *tombstone) observe.Meeting {
	m := g.shown()
	m.Unreached = c.cfg.Unreached(g.profile.Owner, g.profile.Notifications)
	return m
}

func (e *entry) shown() observe.Meeting {
	m := shown(e.profile)
	m.Timers = observe.Timers{Idle: observe.Span(e.timers.Idle), MaxAge: observe.Span(e.timers.MaxAge)}
	m.Tags, m.Attendees, m.Connected = observe.Tags(e.tags), e.attendees, e.connected
	return m
}

func (g *tombstone) shown() observe.Meeting {
	m := shown(g.profile)
	m.Tags, m.Attendees = observe.Tags(g.tags), g.attendees
	m.Ended, m.Reason, m.EndedBy = observe.At(g.at), g.reason.String(), g.actor
	return m
}

// shown is what is seen of a meeting that never changes.
func shown(p *meeting.Profile) observe.Meeting {
	return observe.Meeting{
		ID: p.ID, External: p.ExternalMeetingID, HostID: p.HostID, Account: p.Owner.Account, Region: p.Owner.Region,
		Flavour: p.Owner.Flavour.String(), MediaRegion: p.MediaRegion, Primary: p.PrimaryID, TenantIDs: p.TenantIDs,
		Created: observe.At(p.CreatedAt), Features: (*observe.Features)(p.Features),
	}
}

// Overview counts what is in memory.
type Overview struct {
	Active     int   // active meetings
	Ended      int   // ended meetings still remembered
	Attendees  int   // of active meetings
	Connected  int   // attendees connected now
	CacheBytes int64 // memory of the folded meetings, roughly
}

// Overview sums up all meetings.
func (c *Control) Overview() Overview {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := &c.index
	connected, _ := x.connected()
	return Overview{
		Active: len(x.active), Ended: len(x.tombstones),
		Attendees: x.attendees, Connected: connected, CacheBytes: x.cache.used,
	}
}

// Attendees returns the attendees of a meeting in creation order; none of one
// that has ended.
func (c *Control) Attendees(ctx context.Context, id meeting.ID) (list []meeting.Attendee, err error) {
	err = c.read(ctx, operated(id), func(s *meeting.State) error {
		list, _ = s.Page(0, s.Len())
		return nil
	})
	if m, known := c.Meeting(ctx, id); known && !m.Ended.IsZero() {
		return nil, nil
	}
	return list, err
}

// EndMeeting ends a meeting on behalf of an operator, named by WithActor.
func (c *Control) EndMeeting(ctx context.Context, id meeting.ID) error {
	e, end, err := c.enter(operated(id))
	if err != nil {
		return err
	}
	defer end()
	return c.end(ctx, e, func(*entry) meeting.EndReason { return meeting.EndedByOperator })
}

// RemoveAttendee deletes an attendee on behalf of an operator, named by
// WithActor.
func (c *Control) RemoveAttendee(ctx context.Context, id, attendee meeting.ID) error {
	return c.change(ctx, operated(id), newIDs(1), deleteAttendee(attendee))
}

// SetCapabilities changes an attendee's capabilities on behalf of an operator,
// named by WithActor.
func (c *Control) SetCapabilities(ctx context.Context, id, attendee meeting.ID, caps meeting.Capabilities) error {
	_, err := c.setCapabilities(ctx, operated(id), attendee, caps)
	return err
}

// Records returns the records of a meeting with a revision above after, oldest
// first; of an ended meeting only the last is left after a while, and none once
// it is forgotten.
func (c *Control) Records(ctx context.Context, id meeting.ID, after uint64) ([]meeting.LogEntry, error) {
	h, end, err := c.enterSlot(id.Slot())
	if err != nil {
		return nil, err
	}
	defer end()
	entries, err := h.slot.LoadWhole(ctx, id)
	if err != nil {
		return nil, c.refused(ctx, h, id, err)
	}
	list := make([]meeting.LogEntry, 0, len(entries))
	for _, stored := range entries {
		if stored.Revision.Seq <= after {
			continue
		}
		line := meeting.LogEntry{Revision: stored.Revision.Seq, Time: stored.Time}
		if rec, err := meeting.DecodeRecord(stored.Data); err == nil {
			line.Time, line.Record = rec.Time, rec
		}
		list = append(list, line)
	}
	return list, nil
}

// Facts returns what the media side reported about a meeting, oldest first.
func (c *Control) Facts(ctx context.Context, id meeting.ID) ([]meeting.Fact, error) {
	h, end, err := c.enterSlot(id.Slot())
	if err != nil {
		return nil, err
	}
	defer end()
	entries, err := h.slot.LoadFacts(ctx, id)
	if err != nil {
		return nil, c.refused(ctx, h, id, err)
	}
	list := make([]meeting.Fact, 0, len(entries))
	for _, stored := range entries {
		if fact, err := meeting.DecodeFact(stored.Data); err == nil {
			list = append(list, fact)
		}
	}
	return list, nil
}
