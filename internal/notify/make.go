package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// readAgain is the pause before the ledger is asked again.
const readAgain = 200 * time.Millisecond

func dropLane(l *outbox.Lane) { l.Drop() }

// make makes the events of a record or fact. It runs as one of the slot's jobs.
func (s *Slot) make(t *tracked, e ledger.Entry) {
	if s.ctx.Err() != nil {
		return
	}
	events, err := s.eventsOf(t, e)
	if err != nil {
		s.n.cfg.Logger.Error("no events of a record", "meeting", t.profile.ID.String(), "revision", e.Revision.Seq, "err", err)
	}
	s.n.distribute(s, t, events)
	s.mu.Lock()
	t.jobs = t.jobs[1:]
	t.ended = t.ended || t.fold.Ended
	s.mu.Unlock()
	s.touch()
}

func (s *Slot) eventsOf(t *tracked, e ledger.Entry) ([]*event.Event, error) {
	seq := e.Revision.Seq
	if e.Fact {
		f, err := meeting.DecodeFact(e.Data)
		if err != nil {
			return nil, err
		}
		return t.fold.Fact(seq, f), nil
	}
	rec, err := meeting.DecodeRecord(e.Data)
	if err != nil {
		return nil, err
	}
	users := people{}
	if event.NeedsUsers(rec.Body) {
		if users, err = s.usersBefore(t.profile.ID, e.Revision); err != nil {
			return nil, err
		}
	}
	return t.fold.Record(seq, rec, users.user), nil
}

// usersBefore reads who was in the meeting before a record. Few records need it,
// so it is not kept in memory.
func (s *Slot) usersBefore(id meeting.ID, r ledger.Revision) (people, error) {
	entries, err := s.read(func(ctx context.Context) ([]ledger.Entry, error) { return through(s.under.LoadWhole)(ctx, id, r.Seq) })
	if err != nil {
		return nil, err
	}
	users := people{}
	for _, e := range entries {
		if e.Revision.Seq >= r.Seq {
			break
		}
		rec, err := meeting.DecodeRecord(e.Data)
		if err != nil {
			return nil, err
		}
		users.note(rec.Body)
	}
	return users, nil
}

// read asks the ledger until it answers or the slot is left.
func (s *Slot) read(load func(context.Context) ([]ledger.Entry, error)) ([]ledger.Entry, error) {
	for {
		entries, err := load(s.ctx)
		if err == nil || !errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrLost) || s.ctx.Err() != nil {
			return entries, err
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(readAgain):
		}
	}
}

// people are the external user ids of attendees.
type people map[meeting.ID]string

func (p people) user(id meeting.ID) string { return p[id] }

// note brings them up to date.
func (p people) note(b meeting.Body) {
	var added []meeting.Attendee
	switch b := b.(type) {
	case *meeting.Created:
		added = b.Attendees
	case *meeting.AttendeesAdded:
		added = b.Attendees
	case *meeting.AttendeeDeleted:
		delete(p, b.Attendee)
	}
	for i := range added {
		p[added[i].ID] = added[i].ExternalUserID
	}
}

// catchUp makes all events of a meeting again, from its whole log through the
// revision, and tells those that were not told. It runs as one of the slot's
// jobs.
func (s *Slot) catchUp(t *tracked, records, facts uint64) {
	id := t.profile.ID
	entries, err := s.read(func(ctx context.Context) ([]ledger.Entry, error) { return through(s.under.LoadWhole)(ctx, id, records) })
	if err == nil {
		var more []ledger.Entry
		more, err = s.read(func(ctx context.Context) ([]ledger.Entry, error) { return through(s.under.LoadFacts)(ctx, id, facts) })
		entries = append(entries, more...)
	}
	if err != nil {
		if s.ctx.Err() == nil {
			s.n.cfg.Logger.Error("no events of a meeting", "meeting", id.String(), "err", err)
		}
		return
	}
	slices.SortFunc(entries, func(a, b ledger.Entry) int {
		return event.Position{Seq: a.Revision.Seq}.Compare(event.Position{Seq: b.Revision.Seq})
	})
	users := people{}
	t.fold = event.Fold{Profile: t.profile}
	for _, e := range entries {
		if e.Revision.Seq > max(records, facts) {
			break // its own job comes
		}
		events, err := foldEntry(&t.fold, e, users)
		if err != nil {
			s.n.cfg.Logger.Error("no events of a record", "meeting", id.String(), "revision", e.Revision.Seq, "err", err)
		}
		s.n.distribute(s, t, events)
	}
	s.mu.Lock()
	t.jobs = t.jobs[1:]
	s.mu.Unlock()
	s.touch()
}

func foldEntry(f *event.Fold, e ledger.Entry, users people) ([]*event.Event, error) {
	if e.Fact {
		fact, err := meeting.DecodeFact(e.Data)
		if err != nil {
			return nil, err
		}
		return f.Fact(e.Revision.Seq, fact), nil
	}
	rec, err := meeting.DecodeRecord(e.Data)
	if err != nil {
		return nil, err
	}
	events := f.Record(e.Revision.Seq, rec, users.user)
	users.note(rec.Body)
	return events, nil
}

// through makes a load that fails as long as the entry with a sequence is not
// among what it reads: a replica may lag behind.
func through(load func(context.Context, meeting.ID) ([]ledger.Entry, error)) func(context.Context, meeting.ID, uint64) ([]ledger.Entry, error) {
	return func(ctx context.Context, id meeting.ID, seq uint64) ([]ledger.Entry, error) {
		if seq == 0 {
			return nil, nil
		}
		entries, err := load(ctx, id)
		if err == nil && (len(entries) == 0 || entries[len(entries)-1].Revision.Seq < seq) {
			err = fmt.Errorf("%w: entry %d is not here yet", ledger.ErrUnavailable, seq)
		}
		return entries, err
	}
}
