package control

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	// endWorkers is how many meetings Run ends at the same time: they wait for
	// the disk, on different streams.
	endWorkers = 8
	// endBatch bounds how many are looked at before the clock is read again.
	endBatch = 1024
	// retryEnd is when a meeting that could not be ended is tried again.
	retryEnd = 5 * time.Second
	// retryFull is the same while the disk is full: trying costs room, too.
	retryFull = time.Minute
)

// wakeRunLocked wakes Run if the nearest deadline is before the time it sleeps until.
func (c *Control) wakeRunLocked() {
	e := c.index.alarms.next()
	sooner := e != nil && e.deadline.Before(c.index.wakeAt)
	for _, l := range c.index.lost {
		sooner = sooner || l.at.Before(c.index.wakeAt)
	}
	if !sooner {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run ends meetings when their time has come, until ctx ends or Close is
// called. It returns nil. It must run once.
func (c *Control) Run(ctx context.Context) error {
	end, err := c.begin()
	if err != nil {
		return nil
	}
	defer end()
	var reports sync.WaitGroup
	defer reports.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for ctx.Err() == nil {
		if lost := c.lostByNow(); len(lost) > 0 {
			reports.Go(func() { c.reportLost(ctx, lost) }) // one after the other: no meeting's end waits for it
		}
		more, until := c.endSome(ctx)
		if !more && !c.sleep(ctx, until) {
			return nil
		}
	}
	return nil
}

// endSome ends meetings whose time has come. It returns whether there may be
// more of them and, if not, until when to sleep.
func (c *Control) endSome(ctx context.Context) (more bool, until time.Time) {
	c.ending.Lock()
	defer c.ending.Unlock()
	due, until := c.due()
	if len(due) == 0 {
		return false, until
	}
	c.endAll(ctx, due)
	return true, until
}

// EndDue does what Run would do by now, and returns when there is more to do.
// It is for a clock that jumps: once it has returned, whatever was due has
// happened.
func (c *Control) EndDue(ctx context.Context) (next time.Time, err error) {
	end, err := c.begin()
	if err != nil {
		return next, err
	}
	defer end()
	for {
		c.reportLost(ctx, c.lostByNow())
		more, until := c.endSome(ctx)
		if ctx.Err() != nil {
			return next, ctx.Err()
		}
		if more {
			continue
		}
		select {
		case c.wake <- struct{}{}: // how long it meant to sleep was by the old time
		default:
		}
		c.forgetPipelines()
		return until, nil
	}
}

// sleep waits until the time has come or something changed. It returns false
// when Run has to stop.
func (c *Control) sleep(ctx context.Context, until time.Time) bool {
	wait := until.Sub(c.cfg.Clock.Now())
	fired, stop := c.cfg.Clock.Timer(max(min(wait, longest), 0))
	defer stop()
	if !c.cfg.Clock.Now().Before(until) {
		return ctx.Err() == nil // it came before the timer was set: a clock may jump
	}
	select {
	case <-ctx.Done():
		return false
	case <-c.closing:
		return false
	case <-c.wake:
	case <-fired:
	}
	return true
}

// longest bounds Run's sleep, so that a wall clock that was set does not keep
// it asleep.
const longest = time.Minute

// due returns meetings whose time has come, and until when to sleep if there are
// none. It forgets old tombstones on the way.
func (c *Control) due() (due []*entry, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock.Now()
	c.index.forget(now)
	for len(due) < endBatch {
		e := c.index.alarms.next()
		if e == nil || e.deadline.After(now) {
			break
		}
		e.retry = now.Add(retryEnd) // unless it is gone by then
		c.index.alarms.set(e, c.index.due(e))
		due = append(due, e)
	}
	wait := longest
	next := []time.Time{}
	if e := c.index.alarms.next(); e != nil {
		next = append(next, e.deadline)
	}
	if len(c.index.forgetOrder) > 0 {
		next = append(next, c.index.forgetOrder[0].at.Add(c.cfg.Tombstone))
	}
	for _, l := range c.index.lost {
		next = append(next, l.at)
	}
	for _, at := range next {
		wait = min(wait, max(at.Sub(now), 0))
	}
	c.index.wakeAt = now.Add(wait)
	return due, c.index.wakeAt
}

// endAll ends the meetings that are due.
func (c *Control) endAll(ctx context.Context, due []*entry) {
	work := make(chan *entry)
	var wg sync.WaitGroup
	for range min(endWorkers, len(due)) {
		wg.Go(func() {
			for e := range work {
				c.endDue(ctx, e)
			}
		})
	}
	for _, e := range due {
		work <- e
	}
	close(work)
	wg.Wait()
}

func (c *Control) endDue(ctx context.Context, e *entry) {
	err := c.end(ctx, e, c.dueReason)
	if errors.Is(err, ledger.ErrFull) {
		c.postpone(e, retryFull)
	}
	if err != nil && !isKind(err, meeting.NotFound) && ctx.Err() == nil {
		c.cfg.Logger.Warn("meeting could not be ended, will try again", "meeting", e.profile.ID.String(), "err", err)
	}
}

// postpone looks at a meeting again only after the time, if it is still active.
func (c *Control) postpone(e *entry, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index.active[e.profile.ID] == e {
		e.retry = c.cfg.Clock.Now().Add(d)
		c.index.alarms.set(e, c.index.due(e))
	}
}

// dueReason returns why a meeting has to end now, or 0 if it has not: somebody
// may have joined in the last moment.
func (c *Control) dueReason(e *entry) meeting.EndReason {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock.Now()
	switch {
	case !e.profile.CreatedAt.Add(c.index.maxAge(e)).After(now):
		return meeting.EndedByAge
	case e.profile.Replica() && e.primary == nil:
		return meeting.EndedWithPrimary
	case !e.profile.Replica() && e.connected == 0 && !e.idleSince.Add(c.index.idle(e)).After(now):
		return meeting.EndedIdle
	}
	return 0
}

// end ends a meeting, for the reason that why gives when the meeting's turn has
// come (0 calls it off), and then its replicas. It returns NotFound when the
// meeting is not active any more. A replica that cannot be ended now is left to
// Run.
func (c *Control) end(ctx context.Context, e *entry, why func(*entry) meeting.EndReason) error {
	resume := func() {}
	err := c.changeEntry(ctx, e, newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		reason := why(e)
		if reason == 0 {
			return nil, nil
		}
		resume = c.stopFacts(e)
		return meeting.DecideEnd(s, by, reason, c.departures(e))
	})
	resume()
	if err != nil {
		return err
	}
	for _, r := range c.orphans(e) {
		withPrimary := func(*entry) meeting.EndReason { return meeting.EndedWithPrimary }
		if err := c.end(ctx, r, withPrimary); err != nil && !isKind(err, meeting.NotFound) {
			c.cfg.Logger.Warn("replica could not be ended, will try again", "meeting", r.profile.ID.String(), "err", err)
		}
	}
	return nil
}

// stopFacts has facts wait that are not being written yet, until resume is
// called, and waits for those that are. The caller has the meeting's turn.
func (c *Control) stopFacts(e *entry) (resume func()) {
	ending := make(chan struct{})
	c.mu.Lock()
	e.ending = ending
	c.mu.Unlock()
	e.facts.Wait()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.ending = nil
		close(ending)
	}
}

// departures returns the facts that close the meeting's open sessions.
func (c *Control) departures(e *entry) []meeting.Fact {
	c.mu.Lock()
	defer c.mu.Unlock()
	var facts []meeting.Fact
	for _, s := range e.sessions {
		facts = append(facts, s.departure())
	}
	return facts
}

// orphans returns the replicas of a meeting if it has ended.
func (c *Control) orphans(e *entry) []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index.active[e.profile.ID] == e {
		return nil
	}
	orphans := e.replicas
	e.replicas = nil
	return orphans
}

// lostByNow hands out the meetings with lost sessions whose time has come.
func (c *Control) lostByNow() (lost []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock.Now()
	c.index.lost = slices.DeleteFunc(c.index.lost, func(l lostSessions) bool {
		if l.at.After(now) {
			return false
		}
		lost = append(lost, l.of...)
		return true
	})
	return lost
}

// reportLost writes down that the sessions which were open when the process
// before this one died, and were not opened again, are lost.
func (c *Control) reportLost(ctx context.Context, lost []*entry) {
	for _, e := range lost {
		for _, s := range c.lostSessions(e) {
			// What the ledger refuses is logged, and found again by the next start.
			_ = c.reportLostSession(ctx, e, s)
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// lostSessions returns the meeting's sessions that are lost now.
func (c *Control) lostSessions(e *entry) (lost []session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range e.sessions {
		if s.lost {
			lost = append(lost, s)
		}
	}
	return lost
}

// Awaited is an attendee who was connected to a meeting when the server that ran
// it lost it.
type Awaited struct {
	Attendee       meeting.ID
	ExternalUserID string
}

// Awaited returns who was connected to an active meeting when the server before
// this one lost it and has not come back, until that counts as dropped. Content
// shares are not among them.
func (c *Control) Awaited(id meeting.ID) (list []Awaited) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.active[id]
	if e == nil {
		return nil
	}
	for _, s := range e.sessions {
		if s.lost && !s.content {
			list = append(list, Awaited{s.attendee, s.user})
		}
	}
	return list
}

// reportLostSession writes down that a session is lost, unless the attendee has
// come back or the meeting has ended since, which told it.
func (c *Control) reportLostSession(ctx context.Context, e *entry, s session) error {
	_, end, err := c.enterSlot(e.profile.ID.Slot())
	if err != nil {
		return err
	}
	defer end()
	key := factKey{e.profile.ID, s.attendee}
	release, err := c.factTurns.take(ctx, key, c.cfg.ConflictWait)
	if err != nil {
		return err
	}
	defer release()
	if ctx.Err() != nil || !c.closeLost(e, s) {
		return ctx.Err()
	}
	defer e.facts.Done()
	c.factTurns.storing(key)
	fact := s.departure()
	fact.Time = c.now()
	return c.appendFact(ctx, e.hold, e.profile.ID, fact)
}

// closeLost takes a lost session out, whose departure then counts in e.facts. It returns false if it is not there any
// more.
func (c *Control) closeLost(e *entry, s session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(e.sessions, s)
	if at < 0 || e.ending != nil || c.index.active[e.profile.ID] != e {
		return false
	}
	e.facts.Add(1)
	e.attended += s.lasted(c.now())
	e.sessions = slices.Delete(e.sessions, at, at+1)
	return true
}
