package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

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
	if _, end, err = c.enterSlot(l.id.Slot()); err != nil {
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
	if !c.isActive(e) {
		release()
		return meeting.MissingMeeting(e.profile.ID)
	}
	return c.write(ctx, e, ids, decide, release)
}

// write decides, appends the record and applies it. The caller has the meeting's
// turn, which is given back by release once the outcome is known, be it after
// write has returned.
func (c *Control) write(ctx context.Context, e *entry, ids *idSource, decide decision, release func()) error {
	state, err := c.folded(ctx, e)
	if err != nil {
		release()
		return err
	}
	rec, err := decide(state, c.stamp(ctx, ids))
	if err != nil || rec == nil {
		release()
		return err
	}
	c.meetingTurns.storing(e.profile.ID)
	revision, err := c.put(ctx, e.hold, e.profile.ID, e.fold.revision, rec, urgency(state, rec))
	if c.later(err, func(revision ledger.Revision, err error) {
		defer release()
		if err == nil {
			err = c.advance(e, state, revision, rec)
		}
		c.late(e.hold, e.profile.ID, err)
	}) {
		return c.refused(ctx, e.hold, e.profile.ID, err)
	}
	defer release()
	if err != nil {
		return c.refused(ctx, e.hold, e.profile.ID, err)
	}
	return c.advance(e, state, revision, rec)
}

// pending is the error of a write whose outcome is told later, such as a
// *ledger.Pending.
type pending interface {
	error
	Wait() (ledger.Revision, error)
}

// later arranges that fn gets the outcome of a write that is not known yet; it
// returns false when it is known.
func (c *Control) later(err error, fn func(ledger.Revision, error)) bool {
	var pending pending
	if !errors.As(err, &pending) {
		return false
	}
	c.calls.Add(1) // within a call, so that Close waits for it
	go func() {
		defer c.calls.Done()
		fn(pending.Wait())
	}()
	return true
}

// late logs what came of a write that its caller was not told of any more.
func (c *Control) late(h *hold, id meeting.ID, err error) {
	if errors.Is(err, ledger.ErrLost) {
		c.lost(h)
		return
	}
	c.cfg.Logger.Warn("the outcome of a write is known at last", "meeting", id.String(), "err", err)
}

// put writes the record. It goes on when the caller of the API hangs up:
// otherwise the outcome would be unknown without need.
func (c *Control) put(ctx context.Context, h *hold, id meeting.ID, after ledger.Revision, rec *meeting.Record, u ledger.Urgency) (revision ledger.Revision, err error) {
	writing := tracing.Step(ctx, "ledger write")
	defer func() { writing.Done(err) }()
	ctx = context.WithoutCancel(ctx)
	if _, last := rec.Body.(*meeting.Ended); last {
		return h.slot.End(ctx, id, after, rec.Encode(), c.cfg.Tombstone)
	}
	return h.slot.Append(ctx, id, after, rec.Encode(), u)
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
func (c *Control) refused(ctx context.Context, h *hold, id meeting.ID, err error) error {
	if errors.Is(err, ledger.ErrLost) {
		c.lost(h)
		return elsewhere()
	}
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
	entries, err := e.hold.slot.Load(ctx, e.profile.ID, e.fold.revision)
	if err != nil {
		return nil, c.refused(ctx, e.hold, e.profile.ID, err)
	}
	s, last := new(meeting.State), ledger.Revision{}
	for _, stored := range entries {
		rec, err := meeting.DecodeRecord(stored.Data)
		switch {
		case stored.Gap:
			err = fmt.Errorf("%w: the record before it is missing", ledger.ErrDamaged)
		case err == nil:
			err = s.Apply(rec)
		}
		if err != nil {
			return nil, c.damaged(e, stored.Revision, err)
		}
		last = stored.Revision
	}
	if !s.Active() {
		// The ledger's safety net against forgotten meetings took it.
		c.cfg.Logger.Warn("meeting vanished from the ledger", "meeting", e.profile.ID.String())
		c.close(e, &tombstone{profile: e.profile, reason: meeting.EndedByAge, at: c.now()})
		return nil, meeting.MissingMeeting(e.profile.ID)
	}
	c.install(e, s, last)
	return s, nil
}

// current returns the state if it is in memory.
func (f *fold) current() *meeting.State {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.state
}

// damaged reports a record that cannot be read or does not fit.
func (c *Control) damaged(e *entry, revision ledger.Revision, err error) error {
	c.forget(e)
	c.cfg.Logger.Error("record not usable", "meeting", e.profile.ID.String(), "revision", revision.Seq, "err", err)
	return &meeting.Error{Kind: meeting.Failure, Message: "The meeting's records cannot be read", Err: err}
}

// advance applies a committed record, brings the index up to date and tells
// the watchers. The caller has the meeting's turn.
func (c *Control) advance(e *entry, s *meeting.State, revision ledger.Revision, rec *meeting.Record) error {
	e.fold.mu.Lock()
	err := s.Apply(rec)
	e.fold.mu.Unlock()
	if err != nil {
		return c.damaged(e, revision, err)
	}
	if ended, last := rec.Body.(*meeting.Ended); last {
		c.mu.Lock()
		attended := e.attended + e.sessions.before(rec.Time)
		c.mu.Unlock()
		c.close(e, &tombstone{
			profile: e.profile, tags: e.tags, reason: ended.Reason, attendees: ended.Attendees, actor: rec.Actor, at: rec.Time, attended: attended,
		})
		return nil
	}
	if c.install(e, s, revision) {
		c.tell(e, changeOf(s, rec))
		c.tellTranscription(e.profile.ID, s, rec)
	}
	return nil
}

// install makes s what readers of the meeting see. It returns false when the
// meeting is not served here any more, since its slot was dropped.
func (c *Control) install(e *entry, s *meeting.State, revision ledger.Revision) bool {
	e.fold.mu.Lock()
	s.ShareProfile(e.profile)
	e.fold.state, e.fold.revision = s, revision
	e.fold.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index.active[e.profile.ID] != e {
		return false
	}
	e.tags, e.timers, e.transcription = s.Tags(), s.Timers(), s.Transcription()
	c.index.setAttendees(e, s.Len())
	c.index.cache.keep(e, s)
	if due := c.index.due(e); !due.Equal(e.deadline) {
		c.index.alarms.set(e, due)
		c.wakeRunLocked()
	}
	return true
}

// forget forgets what is in memory about the meeting's attendees.
func (c *Control) forget(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index.cache.drop(e)
	e.fold.mu.Lock()
	e.fold.state = nil
	e.fold.mu.Unlock()
}

// close takes an ended meeting out of the index and tells its watchers, unless
// its slot was dropped meanwhile.
func (c *Control) close(e *entry, g *tombstone) {
	c.mu.Lock()
	if c.index.active[e.profile.ID] != e {
		c.mu.Unlock()
		return
	}
	c.index.remove(e)
	e.fold.mu.Lock()
	e.fold.state = nil
	e.fold.mu.Unlock()
	c.index.remember(g)
	for _, r := range e.replicas {
		r.primary = nil
		c.index.alarms.set(r, c.index.due(r))
	}
	c.wakeRunLocked()
	transcriptions, pipelines := c.transcriptionsOfLocked(e), c.stopPipelinesLocked(e.profile.ID)
	c.mu.Unlock()
	c.tell(e, Ended{Reason: g.reason})
	transcriptions()
	pipelines()
	shown := c.shownTombstone(g)
	c.cfg.Logger.Info("meeting ended", "meeting", shown.ID.String(), "reason", shown.Reason, "by", shown.EndedBy)
	c.cfg.Ended(shown)
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
