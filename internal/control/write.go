package control

import (
	"context"
	"errors"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// attempts is how often a call decides anew after the ledger refused its
// record as stale.
const attempts = 8

// decision lets the domain decide on a meeting; see meeting's Decide functions.
type decision func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error)

// lookup names an active meeting: one of an owner, whose calls see no others,
// or for an operator any.
type lookup struct {
	id       meeting.ID
	owner    meeting.Owner
	operator bool
}

func owned(owner meeting.Owner, id meeting.ID) lookup { return lookup{id: id, owner: owner} }
func operated(id meeting.ID) lookup                   { return lookup{id: id, operator: true} }

// find returns the meeting, or NotFound.
func (c *Control) find(l lookup) (*entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.active[l.id]
	if e == nil || !l.operator && e.profile.Owner != l.owner {
		return nil, meeting.MissingMeeting(l.id)
	}
	c.index.cache.touch(e)
	return e, nil
}

// enter admits a call on the meeting; end must be called when it is over.
func (c *Control) enter(l lookup) (e *entry, end func(), err error) {
	if end, err = c.begin(); err != nil {
		return nil, nil, err
	}
	if e, err = c.find(l); err != nil {
		end()
		return nil, nil, err
	}
	return e, end, nil
}

// isActive reports whether e is still an active meeting. It is settled for a
// caller that has the meeting's turn.
func (c *Control) isActive(e *entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.index.active[e.profile.ID] == e
}

// change lets decide make one record for the meeting and writes it. When it
// returns nil, the record is in the ledger and every later read sees it.
func (c *Control) change(ctx context.Context, l lookup, ids *idSource, decide decision) error {
	e, end, err := c.enter(l)
	if err != nil {
		return err
	}
	defer end()
	return c.changeEntry(ctx, e, ids, decide)
}

// changeEntry is change for a meeting that is found already.
func (c *Control) changeEntry(ctx context.Context, e *entry, ids *idSource, decide decision) error {
	release, err := c.meetingTurns.take(ctx, e.profile.ID, c.cfg.ConflictWait)
	if err != nil {
		return err
	}
	defer release()
	if !c.isActive(e) {
		return meeting.MissingMeeting(e.profile.ID)
	}
	return c.write(ctx, e, ids, decide)
}

// write decides and appends until the ledger takes the record. The caller has
// the meeting's turn.
func (c *Control) write(ctx context.Context, e *entry, ids *idSource, decide decision) error {
	for range attempts {
		state, err := c.folded(ctx, e)
		if err != nil {
			return err
		}
		rec, err := decide(state, c.stamp(ctx, ids))
		if err != nil || rec == nil {
			return err
		}
		revision, err := c.put(ctx, e.profile.ID, e.fold.revision, rec, urgency(state, rec))
		switch {
		case err == nil:
			return c.advance(ctx, e, state, revision, rec)
		case errors.Is(err, ledger.ErrStale):
			if err := c.reread(ctx, e, state); err != nil {
				return err
			}
		default:
			c.doubt(e, state)
			return c.refused(ctx, e.profile.ID, err)
		}
	}
	return meeting.Errorf(meeting.Conflict, "Too many requests change this meeting at the same time")
}

// reread brings the state up to date after the ledger refused a record that was
// decided on it. When there is nothing new, the records it was folded from may
// be gone, so it is folded anew. The caller has the meeting's turn.
func (c *Control) reread(ctx context.Context, e *entry, s *meeting.State) error {
	before := e.fold.revision
	err := c.catchUp(ctx, e, s)
	switch {
	case err != nil && c.isActive(e):
		c.doubt(e, s)
	case err == nil && e.fold.revision == before:
		c.drop(e)
	}
	return err
}

// put writes the record. It goes on when the caller of the API hangs up:
// otherwise the outcome would be unknown without need.
func (c *Control) put(ctx context.Context, id meeting.ID, expected uint64, rec *meeting.Record, u ledger.Urgency) (uint64, error) {
	ctx = context.WithoutCancel(ctx)
	if _, last := rec.Body.(*meeting.Ended); last {
		return c.log.End(ctx, id, expected, rec.Encode(), c.cfg.Tombstone)
	}
	return c.log.Append(ctx, id, expected, rec.Encode(), u)
}

// urgency says whether a record that is about to be applied to s may use the
// last of the disk.
func urgency(s *meeting.State, rec *meeting.Record) ledger.Urgency {
	if s.TakesAway(rec) {
		return ledger.Urgent
	}
	return ledger.Ordinary
}

// refused turns an error of the ledger into the caller's.
func (c *Control) refused(ctx context.Context, id meeting.ID, err error) error {
	if ctx.Err() != nil {
		return &meeting.Error{Kind: meeting.Unavailable, Message: "The request was cancelled", Err: err}
	}
	if errors.Is(err, ledger.ErrTooLarge) {
		return &meeting.Error{Kind: meeting.Invalid, Message: "The request is too large to be stored", Err: err}
	}
	c.cfg.Logger.Error("ledger refused", "meeting", id.String(), "err", err)
	message := "The store is not available"
	switch {
	case errors.Is(err, ledger.ErrFull):
		message = "The server's disk or store is full: what was created can be deleted, but nothing new is stored"
	case errors.Is(err, ledger.ErrBusy):
		message = "The server has too many files and connections open"
	}
	return &meeting.Error{Kind: meeting.Unavailable, Message: message, Err: err}
}

// folded returns the meeting's state, reading it from the ledger if it is not
// in memory. The caller has the meeting's turn.
func (c *Control) folded(ctx context.Context, e *entry) (*meeting.State, error) {
	if s := e.fold.current(); s != nil {
		return s, nil
	}
	s := e.fold.doubted
	if s == nil {
		s = new(meeting.State)
		e.fold.revision = 0
	}
	if err := c.catchUp(ctx, e, s); err != nil {
		return nil, err
	}
	if !s.Exists() {
		// The ledger's safety net against forgotten meetings took it.
		c.cfg.Logger.Warn("meeting vanished from the ledger", "meeting", e.profile.ID.String())
		c.close(e, &tombstone{profile: e.profile, reason: meeting.EndedByAge, at: c.now()})
		return nil, meeting.MissingMeeting(e.profile.ID)
	}
	return s, nil
}

// current returns the state if it is in memory.
func (f *fold) current() *meeting.State {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.state
}

// catchUp applies the records that the ledger has and s has not. It fails with
// NotFound when the meeting has ended meanwhile.
func (c *Control) catchUp(ctx context.Context, e *entry, s *meeting.State) error {
	entries, err := c.log.Load(ctx, e.profile.ID, e.fold.revision)
	if err != nil {
		return c.refused(ctx, e.profile.ID, err)
	}
	fresh := e.fold.revision == 0
	for _, stored := range entries {
		rec, err := meeting.DecodeRecord(stored.Data)
		if err != nil {
			return c.damaged(e, stored.Revision, err)
		}
		if _, last := rec.Body.(*meeting.Ended); fresh && !last {
			// Read back, not new: nobody is told.
			if err := s.Apply(rec); err != nil {
				return c.damaged(e, stored.Revision, err)
			}
			e.fold.revision = stored.Revision
			continue
		}
		if err := c.advance(ctx, e, s, stored.Revision, rec); err != nil {
			return err
		}
		if s.Ended() != nil {
			return meeting.MissingMeeting(e.profile.ID)
		}
	}
	if s.Active() {
		c.install(e, s, e.fold.revision)
	}
	return nil
}

// damaged reports a record that cannot be read or does not fit.
func (c *Control) damaged(e *entry, revision uint64, err error) error {
	c.drop(e)
	c.cfg.Logger.Error("record not usable", "meeting", e.profile.ID.String(), "revision", revision, "err", err)
	return &meeting.Error{Kind: meeting.Failure, Message: "The meeting's records cannot be read", Err: err}
}

// advance applies a committed record, brings the index up to date and tells
// the watchers. The caller has the meeting's turn.
func (c *Control) advance(ctx context.Context, e *entry, s *meeting.State, revision uint64, rec *meeting.Record) error {
	e.fold.mu.Lock()
	err := s.Apply(rec)
	e.fold.mu.Unlock()
	if err != nil {
		return c.damaged(e, revision, err)
	}
	if ended, last := rec.Body.(*meeting.Ended); last {
		c.close(e, &tombstone{
			profile: e.profile, reason: ended.Reason, attendees: ended.Attendees, actor: rec.Actor, at: rec.Time,
		})
		return nil
	}
	c.install(e, s, revision)
	c.tell(e, changeOf(s, rec))
	return nil
}

// install makes s what readers of the meeting see.
func (c *Control) install(e *entry, s *meeting.State, revision uint64) {
	e.fold.mu.Lock()
	s.ShareProfile(e.profile)
	e.fold.state, e.fold.revision, e.fold.doubted = s, revision, nil
	e.fold.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	e.tags = s.Tags()
	c.index.setAttendees(e, s.Len())
	c.index.cache.keep(e, s)
}

// doubt takes the state from readers because a record may be in the ledger
// that it does not have. It is kept aside: whoever comes next catches up from
// it, so that watchers are told of that record.
func (c *Control) doubt(e *entry, s *meeting.State) {
	c.drop(e)
	e.fold.doubted = s
}

// drop forgets what is in memory about the meeting's attendees.
func (c *Control) drop(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index.cache.drop(e)
	e.fold.mu.Lock()
	e.fold.state, e.fold.doubted = nil, nil
	e.fold.mu.Unlock()
}

// close takes an ended meeting out of the index and tells its watchers.
func (c *Control) close(e *entry, g *tombstone) {
	c.mu.Lock()
	c.index.remove(e)
	e.fold.mu.Lock()
	e.fold.state, e.fold.doubted = nil, nil
	e.fold.mu.Unlock()
	c.index.remember(g)
	for _, r := range e.replicas {
		r.primary = nil
		c.index.alarms.set(r, c.index.due(r))
	}
	c.wakeRunLocked()
	c.mu.Unlock()
	c.tell(e, Ended{Reason: g.reason})
}

// read gives fn the state of the meeting. fn must not keep the state nor call
// control.
func (c *Control) read(ctx context.Context, l lookup, fn func(*meeting.State) error) error {
	e, end, err := c.enter(l)
	if err != nil {
		return err
	}
	defer end()
	return c.readEntry(ctx, e, fn)
}

// readEntry is read for a meeting that is found already.
func (c *Control) readEntry(ctx context.Context, e *entry, fn func(*meeting.State) error) error {
	if done, err := e.fold.read(fn); done {
		return err
	}
	release, err := c.meetingTurns.take(ctx, e.profile.ID, c.cfg.ConflictWait)
	if err != nil {
		return err
	}
	defer release()
	if !c.isActive(e) {
		return meeting.MissingMeeting(e.profile.ID)
	}
	s, err := c.folded(ctx, e)
	if err != nil {
		return err
	}
	return fn(s)
}

// read calls fn if the state is in memory; done tells whether it is.
func (f *fold) read(fn func(*meeting.State) error) (done bool, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.state == nil {
		return false, nil
	}
	return true, fn(f.state)
}
