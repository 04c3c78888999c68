package control

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What the signaling door needs: to check join tokens, and to report who is
// connected.

// Causes of a refused Authorize, for errors.Is. The error around them is a
// *meeting.Error: Forbidden for ErrBadToken, NotFound for the others.
var (
	ErrBadToken = errors.New("join token not valid for this meeting")
	ErrEnded    = errors.New("meeting has ended")
	ErrRemoved  = errors.New("attendee was removed")
)

// Grant is what a valid join token entitles to.
type Grant struct {
	MeetingID         meeting.ID
	Attendee          meeting.Attendee
	Content           bool              // a content session: the token ended in "#content"
	Features          *meeting.Features // nil when the creator gave none
	MediaRegion       string
	ExternalMeetingID string
	PrimaryID         meeting.ID // zero unless the meeting is a replica
	MaxAttendees      int
	Account           string          // whose meeting it is
	TenantIDs         []string        // shared, to be read only
	TokenKey          jointoken.KeyID // of the token
}

// Authorize checks a join token, which ends in "#content" for a content
// session. A refusal has one of the causes ErrBadToken, ErrEnded and
// ErrRemoved; nothing about the meeting is told for a token that was never
// issued for it.
func (c *Control) Authorize(ctx context.Context, meetingID meeting.ID, token string) (Grant, error) {
	_, end, err := c.enterSlot(meetingID.Slot())
	if err != nil {
		return Grant{}, err
	}
	defer end()
	token, content := strings.CutSuffix(token, meeting.ContentSuffix)
	attendee, with, ok := c.cfg.JoinKeys.Verify(meetingID, token)
	if !ok {
		return Grant{}, &meeting.Error{Kind: meeting.Forbidden, Message: "The join token is not valid for this meeting", Err: ErrBadToken}
	}
	c.mu.Lock()
	e := c.index.active[meetingID]
	if e != nil {
		c.index.cache.touch(e)
	}
	c.mu.Unlock()
	if e == nil {
		return Grant{}, endedError(meetingID)
	}
	p := e.profile
	g := Grant{
		MeetingID: meetingID, Content: content, Features: p.Features, MediaRegion: p.MediaRegion,
		ExternalMeetingID: p.ExternalMeetingID, PrimaryID: p.PrimaryID, MaxAttendees: p.Capacity,
		Account: p.Owner.Account, TenantIDs: p.TenantIDs, TokenKey: with,
	}
	err = c.readEntry(ctx, e, func(s *meeting.State) error {
		var found bool
		if _, recorder := s.Recorder(attendee); recorder {
			return &meeting.Error{Kind: meeting.Forbidden, Message: "Nobody can join as the attendee that stands for a recording", Err: ErrBadToken}
		}
		if g.Attendee, found = s.Attendee(attendee); !found {
			return &meeting.Error{Kind: meeting.NotFound, Message: meeting.MissingAttendee(attendee).Message, Err: ErrRemoved}
		}
		return nil
	})
	switch {
	case err == nil:
		return g, nil
	case isKind(err, meeting.NotFound) && !errors.Is(err, ErrRemoved):
		return Grant{}, endedError(meetingID)
	}
	return Grant{}, err
}

func endedError(id meeting.ID) error {
	return &meeting.Error{Kind: meeting.NotFound, Message: meeting.MissingMeeting(id).Message, Err: ErrEnded}
}

type factKey struct{ meeting, attendee meeting.ID }

// RecordFact writes down what the media side saw. Facts of one attendee have to
// be reported in order, one after the other; the fact's time is set if it is
// zero. A departure from a meeting that has ended is no error and not written:
// the meeting's last record tells it. Any other fact is refused then with
// ErrEnded.
func (c *Control) RecordFact(ctx context.Context, meetingID meeting.ID, fact meeting.Fact) error {
	h, end, err := c.enterSlot(meetingID.Slot())
	if err != nil {
		return err
	}
	defer end()
	key := factKey{meetingID, fact.Attendee}
	release, err := c.factTurns.take(ctx, key, c.cfg.ConflictWait)
	if err != nil {
		return err
	}
	defer release()
	if fact.Time.IsZero() {
		fact.Time = c.now()
	}
	e, lost := c.noteFact(meetingID, fact)
	switch {
	case e == nil && isDeparture(fact.Kind):
		return nil
	case e == nil:
		return endedError(meetingID)
	}
	defer e.facts.Done()
	c.factTurns.storing(key)
	if lost != nil {
		// The session before this one was cut off by a crash; nobody has
		// told that yet.
		lost.Time = fact.Time
		if err := c.appendFact(ctx, h, meetingID, *lost); err != nil {
			return err
		}
	}
	return c.appendFact(ctx, h, meetingID, fact)
}

func (c *Control) appendFact(ctx context.Context, h *hold, id meeting.ID, fact meeting.Fact) error {
	ctx = context.WithoutCancel(ctx)
	if err := h.slot.AppendFact(ctx, id, fact.Encode()); err != nil {
		return c.refused(ctx, h, id, err)
	}
	return nil
}

func isDeparture(k meeting.FactKind) bool {
	return k == meeting.Left || k == meeting.Dropped || k == meeting.ContentLeft || k == meeting.ContentDropped
}

// noteFact keeps the meeting's open sessions. e is nil when the meeting is not
// active; otherwise the fact counts in e.facts until it is written. lost is the
// departure of an earlier session of the same attendee that has to be told
// first, or nil. A meeting that is being ended is waited for: its last record
// tells of every session that was open, and no fact may come behind it.
func (c *Control) noteFact(id meeting.ID, fact meeting.Fact) (e *entry, lost *meeting.Fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e = c.index.active[id]; e != nil && e.ending != nil; e = c.index.active[id] {
		settled := e.ending
		c.mu.Unlock()
		<-settled
		c.mu.Lock()
	}
	if e == nil {
		return nil, nil
	}
	e.facts.Add(1)
	before := e.sessions.note(fact)
	if before == nil || !before.lost {
		return e, nil
	}
	e.attended += before.lasted(fact.Time)
	if !isDeparture(fact.Kind) {
		f := before.departure()
		lost = &f
	}
	return e, lost
}

// note brings the open sessions up to date. It returns the session that the
// fact replaced or closed, if there was one.
func (all *sessions) note(fact meeting.Fact) *session {
	joined := fact.Kind == meeting.Joined || fact.Kind == meeting.ContentJoined
	if !joined && !isDeparture(fact.Kind) {
		return nil
	}
	var before *session
	at := slices.IndexFunc(*all, func(s session) bool {
		return s.attendee == fact.Attendee && s.content == fact.Kind.Content()
	})
	if at >= 0 {
		was := (*all)[at]
		before = &was
		*all = slices.Delete(*all, at, at+1)
	}
	if joined {
		*all = append(*all, session{attendee: fact.Attendee, user: strings.Clone(fact.ExternalUserID), content: fact.Kind.Content(), since: fact.Time})
	}
	return before
}

// SetConnected tells how many attendees, content sessions not counted, are
// connected to the meeting now. A meeting with none ends when it has been so
// for the idle time.
func (c *Control) SetConnected(meetingID meeting.ID, attendees int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.active[meetingID]
	if e != nil {
		if e.connected > 0 && attendees <= 0 {
			e.idleSince = c.cfg.Clock.Now()
		}
		c.index.setConnected(e, max(attendees, 0))
		c.index.alarms.set(e, c.index.due(e))
		c.wakeRunLocked()
	}
}
