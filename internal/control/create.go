package control

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
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
	// Before the look-up, so that an invalid repeat is refused (API decision
	// D-32).
	if err := meeting.CheckNew(&n, c.cfg.Limits); err != nil {
		return meeting.Summary{}, nil, err
	}
	token := c.tokenHash(n.Owner, n.ClientRequestToken)
	h, end, err := c.enterSlot(c.slotOf(n))
	if err != nil {
		return meeting.Summary{}, nil, err
	}
	defer end()
	key := tokenKey{h.slot.Number(), token}
	for {
		release, err := c.tokenTurns.take(ctx, key, c.cfg.ConflictWait)
		if err != nil {
			return meeting.Summary{}, nil, err
		}
		e, results, err := c.findOrCreate(ctx, h, n, key, release)
		switch {
		case isKind(err, meeting.NotFound) && e != nil:
			continue // the meeting ended just now
		case err != nil:
			return meeting.Summary{}, nil, err
		}
		return e.profile.Summary(), results, nil
	}
}

// slotOf returns the slot of a new meeting: that of its token, so that a repeat
// finds it, or of its primary, with which it shares its media (API decision
// D-67).
func (c *Control) slotOf(n meeting.NewMeeting) int {
	if primary, ok := meeting.ParseID(n.PrimaryID); ok {
		return primary.Slot()
	}
	return c.SlotOfToken(n.Owner.Account, n.ClientRequestToken)
}

// SlotOfToken returns the slot of the meetings that an account creates with a
// ClientRequestToken. It depends on nothing else, so that it can be told from a
// request that nobody has looked at yet.
func (c *Control) SlotOfToken(account, token string) int {
	h := hmac.New(sha256.New, c.tokenSecret[:])
	h.Write([]byte("slot\x00" + account + "\x00" + token))
	return int(h.Sum(nil)[0]) % meeting.Slots
}

func isKind(err error, kind meeting.Kind) bool {
	var e *meeting.Error
	return errors.As(err, &e) && e.Kind == kind
}

// findOrCreate makes one attempt. The caller has the token's turn, which is
// given back by release once the outcome is known.
func (c *Control) findOrCreate(ctx context.Context, h *hold, n meeting.NewMeeting, key tokenKey, release func()) (*entry, []meeting.AttendeeResult, error) {
	c.mu.Lock()
	e := c.index.byToken[key]
	c.mu.Unlock()
	if e == nil {
		return c.create(ctx, h, n, key, release)
	}
	defer release()
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

// create makes a new meeting. The caller has the token's turn.
func (c *Control) create(ctx context.Context, h *hold, n meeting.NewMeeting, key tokenKey, release func()) (*entry, []meeting.AttendeeResult, error) {
	if n.PrimaryID != "" {
		leave, err := c.holdPrimary(ctx, n)
		if err != nil {
			release()
			return nil, nil, err
		}
		token := release
		release = func() { leave(); token() }
	}
	if err := c.reserve(ctx, n.Owner); err != nil {
		release()
		return nil, nil, err
	}
	ids := newIDs(len(n.Attendees) + 2)
	id := ids.next().InSlot(key.slot)
	rec, results, err := meeting.DecideCreate(c.stamp(ctx, ids), id, key.token, n, c.cfg.Limits, ids.next)
	if err != nil {
		c.settle(n.Owner, nil)
		release()
		return nil, nil, err
	}
	c.tokenTurns.storing(key)
	if primary, ok := meeting.ParseID(n.PrimaryID); ok {
		c.meetingTurns.storing(primary)
	}
	revision, err := c.put(ctx, h, id, ledger.Revision{}, rec, ledger.Ordinary)
	if c.later(err, func(revision ledger.Revision, err error) {
		defer release()
		_, err = c.created(h, n.Owner, revision, rec, err)
		c.late(h, id, err)
	}) {
		return nil, nil, c.refused(ctx, h, id, err)
	}
	defer release()
	e, err := c.created(h, n.Owner, revision, rec, err)
	var refused *meeting.Error
	if err != nil && !errors.As(err, &refused) {
		err = c.refused(ctx, h, id, err)
	}
	return e, results, err
}

// created settles the reservation of a meeting whose first record was written,
// or was refused by the ledger with err.
func (c *Control) created(h *hold, owner meeting.Owner, revision ledger.Revision, rec *meeting.Record, err error) (*entry, error) {
	s := new(meeting.State)
	if err == nil {
		if err = s.Apply(rec); err != nil {
			err = &meeting.Error{Kind: meeting.Failure, Message: "The meeting could not be created", Err: err}
		}
	}
	if err != nil {
		c.settle(owner, nil)
		return nil, err
	}
	e := &entry{hold: h, profile: s.Profile(), tags: s.Tags(), attendees: s.Len()}
	e.fold.state, e.fold.revision = s, revision
	c.settle(owner, e)
	return e, nil
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
func (c *Control) reserve(ctx context.Context, owner meeting.Owner) error {
	most := c.cfg.Limits.Meetings
	if own, ok := c.cfg.Quotas[owner.Account]; ok {
		most = own
	}
	elsewhere := 0
	if c.cfg.Elsewhere != nil {
		elsewhere = c.cfg.Elsewhere(ctx, owner, most)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.index.meetingsOf(owner)
	if b.active+b.reserved+elsewhere >= most {
		if b.empty() {
			delete(c.index.owners, owner)
		}
		return meeting.Errorf(meeting.LimitExceeded, "Limit of %d concurrent meetings exceeded", most)
	}
	b.reserved++
	return nil
}

// Active returns how many meetings of the owner are active here or being
// created.
func (c *Control) Active(owner meeting.Owner) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.index.owners[owner]; b != nil {
		return b.active + b.reserved
	}
	return 0
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
	if c.holds[e.profile.ID.Slot()] != e.hold {
		return // the slot was dropped meanwhile
	}
	c.index.insert(e)
	c.index.cache.keep(e, e.fold.state)
	c.wakeRunLocked()
}
