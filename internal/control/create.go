package control

import (
	"context"
	"errors"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// CreateMeeting creates a meeting, with attendees if n has some. If n's token
// names an active meeting of the owner, that meeting is the answer whatever
// else n says, and the attendees that are missing there are created (API
// decisions D-08, D-31). Results are in the order of n.Attendees.
//
// Calls with one token queue up, so one of them creates and the others find.
func (c *Control) CreateMeeting(ctx context.Context, n meeting.NewMeeting) (meeting.Summary, []meeting.AttendeeResult, error) {
	end, err := c.begin()
	if err != nil {
		return meeting.Summary{}, nil, err
	}
	defer end()
	// Before the look-up, so that an invalid repeat is refused (API decision
	// D-32).
	if err := meeting.CheckNew(&n, c.cfg.Limits); err != nil {
		return meeting.Summary{}, nil, err
	}
	token := c.tokenHash(n.Owner, n.ClientRequestToken)
	release, err := c.tokenTurns.take(ctx, token, c.cfg.ConflictWait)
	if err != nil {
		return meeting.Summary{}, nil, err
	}
	defer release()
	for range attempts {
		e, results, err := c.findOrCreate(ctx, n, token)
		switch {
		case errors.Is(err, ledger.ErrStale), isKind(err, meeting.NotFound) && e != nil:
			continue // somebody was quicker, or the meeting ended just now
		case err != nil:
			return meeting.Summary{}, nil, err
		}
		return e.profile.Summary(), results, nil
	}
	return meeting.Summary{}, nil, meeting.Errorf(meeting.Conflict, "Too many requests with this token at the same time")
}

func isKind(err error, kind meeting.Kind) bool {
	var e *meeting.Error
	return errors.As(err, &e) && e.Kind == kind
}

// findOrCreate makes one attempt. The caller has the token's turn.
func (c *Control) findOrCreate(ctx context.Context, n meeting.NewMeeting, token meeting.TokenHash) (*entry, []meeting.AttendeeResult, error) {
	e, err := c.byToken(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	if e == nil {
		return c.create(ctx, n, token)
	}
	results, err := c.replayAttendees(ctx, e, n.Attendees)
	return e, results, err
}

func (c *Control) replayAttendees(ctx context.Context, e *entry, items []meeting.NewAttendee) (results []meeting.AttendeeResult, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	ids := newIDs(len(items) + 1)
	err = c.changeEntry(ctx, e, ids, func(s *meeting.State, by meeting.Stamp) (rec *meeting.Record, err error) {
		rec, results, err = meeting.DecideReplayAttendees(s, by, items, c.cfg.Limits, ids.next)
		return rec, err
	})
	return results, err
}

// create makes a new meeting, or fails with ErrStale when that has to be tried
// again. The caller has the token's turn.
func (c *Control) create(ctx context.Context, n meeting.NewMeeting, token meeting.TokenHash) (e *entry, results []meeting.AttendeeResult, err error) {
	if n.PrimaryID != "" {
		release, err := c.holdPrimary(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		defer release()
	}
	if err := c.reserve(n.Owner); err != nil {
		return nil, nil, err
	}
	e, results, err = c.createReserved(ctx, n, token)
	c.settle(n.Owner, e)
	return e, results, err
}

// createReserved makes a meeting that reserve has counted.
func (c *Control) createReserved(ctx context.Context, n meeting.NewMeeting, token meeting.TokenHash) (*entry, []meeting.AttendeeResult, error) {
	ids := newIDs(len(n.Attendees) + 2)
	id := c.idFor(token, ids)
	rec, results, err := meeting.DecideCreate(c.stamp(ctx, ids), id, token, n, c.cfg.Limits, ids.next)
	if err != nil {
		return nil, nil, err
	}
	revision, err := c.put(ctx, id, 0, rec, ledger.Ordinary)
	if err != nil {
		// Stale too: the record may be there from an attempt without answer.
		c.setUnsure(token, id)
		if errors.Is(err, ledger.ErrStale) {
			return nil, nil, err
		}
		return nil, nil, c.refused(ctx, id, err)
	}
	s := new(meeting.State)
	if err := s.Apply(rec); err != nil {
		return nil, nil, &meeting.Error{Kind: meeting.Failure, Message: "The meeting could not be created", Err: err}
	}
	return entryOf(s, revision), results, nil
}

func entryOf(s *meeting.State, revision uint64) *entry {
	e := &entry{profile: s.Profile(), tags: s.Tags(), attendees: s.Len()}
	e.fold.state, e.fold.revision = s, revision
	return e
}

// holdPrimary takes the turn of the primary of a replica that is about to be
// created, so that the primary cannot end meanwhile, and refuses what is wrong
// with it.
func (c *Control) holdPrimary(ctx context.Context, n meeting.NewMeeting) (release func(), err error) {
	id, ok := meeting.ParseID(n.PrimaryID)
	if !ok {
		return nil, meeting.InvalidPrimary()
	}
	if _, err := c.find(owned(n.Owner, id)); err != nil {
		return nil, meeting.InvalidPrimary()
	}
	if release, err = c.meetingTurns.take(ctx, id, c.cfg.ConflictWait); err != nil {
		return nil, err
	}
	if err := c.checkPrimary(n.Owner, id); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (c *Control) checkPrimary(owner meeting.Owner, id meeting.ID) error {
	primary, err := c.find(owned(owner, id))
	if err != nil {
		return meeting.InvalidPrimary()
	}
	if err := meeting.CheckPrimary(primary.profile); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if most := c.cfg.Limits.Replicas; len(primary.replicas) >= most {
		return meeting.Errorf(meeting.LimitExceeded, "Replica limit of %d exceeded for meeting <%s>", most, id)
	}
	return nil
}

// reserve counts a meeting that is being created against the owner's quota,
// until settle.
func (c *Control) reserve(owner meeting.Owner) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.index.meetingsOf(owner)
	most := c.cfg.Limits.Meetings
	if own, ok := c.cfg.Quotas[owner.Account]; ok {
		most = own
	}
	if b.active+b.reserved >= most {
		return meeting.Errorf(meeting.LimitExceeded, "Limit of %d concurrent meetings exceeded", most)
	}
	b.reserved++
	return nil
}

// settle puts the created meeting, if it is not nil, in place of the
// reservation.
func (c *Control) settle(owner meeting.Owner, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.index.meetingsOf(owner)
	b.reserved--
	if e == nil {
		if b.empty() {
			delete(c.index.owners, owner)
		}
		return
	}
	delete(c.index.unsure, e.profile.Token)
	c.insertLocked(e)
}

// insertLocked adds an active meeting whose state is in memory.
func (c *Control) insertLocked(e *entry) {
	c.index.insert(e)
	c.index.cache.keep(e, e.fold.state)
	c.wakeRunLocked()
}

// maxUnsure bounds how many creations of unknown outcome are remembered.
const maxUnsure = 4096

func (c *Control) setUnsure(token meeting.TokenHash, id meeting.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.index.unsure {
		if len(c.index.unsure) < maxUnsure {
			break
		}
		delete(c.index.unsure, t)
	}
	c.index.unsure[token] = id
}

// idFor returns the id of the meeting to create: that of an earlier attempt
// with the token, or a new one.
func (c *Control) idFor(token meeting.TokenHash, ids *idSource) meeting.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, tried := c.index.unsure[token]; tried {
		return id
	}
	return ids.next()
}

// byToken returns the active meeting with the token, or nil. A meeting whose
// creation had an unknown outcome is looked for in the ledger. The caller has
// the token's turn.
func (c *Control) byToken(ctx context.Context, token meeting.TokenHash) (*entry, error) {
	c.mu.Lock()
	e, id := c.index.byToken[token], c.index.unsure[token]
	c.mu.Unlock()
	if e != nil || id.IsZero() {
		return e, nil
	}
	entries, err := c.log.Load(ctx, id, 0)
	if err != nil {
		return nil, c.refused(ctx, id, err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	s, revision := new(meeting.State), uint64(0)
	for _, stored := range entries {
		rec, err := meeting.DecodeRecord(stored.Data)
		if err == nil {
			err = s.Apply(rec)
		}
		if err != nil {
			return nil, &meeting.Error{Kind: meeting.Failure, Message: "The meeting's records cannot be read", Err: err}
		}
		revision = stored.Revision
	}
	e = entryOf(s, revision)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.index.unsure, token)
	c.insertLocked(e)
	return e, nil
}
