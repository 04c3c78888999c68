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
func (s *Slot) make(t *tracked, e entry) {
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

func (s *Slot) eventsOf(t *tracked, e entry) ([]*event.Event, error) {
	if !e.pipeline.IsZero() {
		return t.pipelineEvents(e)
	}
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

// catchUp makes all events of a meeting again, from its whole log and those of
// its pipelines, through what an adoption found, and tells those that were not
// told. It runs as one of the slot's jobs.
func (s *Slot) catchUp(t *tracked, f *found) {
	id := t.profile.ID
	entries, err := s.loadAll(id, f)
	if err != nil {
		if s.ctx.Err() == nil {
			s.n.cfg.Logger.Error("no events of a meeting", "meeting", id.String(), "err", err)
		}
		return
	}
	users := people{}
	t.fold = event.Fold{Profile: t.profile}
	f.tally.refold(&t.fold, entries, func(e entry) {
		events, err := t.foldAgain(e, users)
		if err != nil {
			s.n.cfg.Logger.Error("no events of a record", "meeting", id.String(), "revision", e.Revision.Seq, "err", err)
		}
		s.n.distribute(s, t, events)
	})
	s.mu.Lock()
	t.jobs = t.jobs[1:]
	s.mu.Unlock()
	s.touch()
}

// loadAll reads a meeting's records and facts, and the records of its pipelines,
// in the order of the slot, through the last one that an adoption found.
func (s *Slot) loadAll(id meeting.ID, f *found) (all []entry, err error) {
	last := f.last()
	load := func(log, pipeline meeting.ID, seq uint64, from func(context.Context, meeting.ID) ([]ledger.Entry, error)) {
		if err != nil {
			return
		}
		var entries []ledger.Entry
		entries, err = s.read(func(ctx context.Context) ([]ledger.Entry, error) { return through(from)(ctx, log, seq) })
		for _, e := range entries {
			if e.Revision.Seq <= last { // behind that its own job comes
				all = append(all, entry{e, pipeline})
			}
		}
	}
	load(id, meeting.ID{}, f.records, s.under.LoadWhole)
	load(id, meeting.ID{}, f.facts, s.under.LoadFacts)
	for pipeline, seq := range f.pipelines {
		load(pipeline, pipeline, seq, s.under.LoadWhole)
	}
	slices.SortFunc(all, func(a, b entry) int {
		return event.Position{Seq: a.Revision.Seq}.Compare(event.Position{Seq: b.Revision.Seq})
	})
	return all, err
}

func (t *tracked) foldAgain(e entry, users people) ([]*event.Event, error) {
	if !e.pipeline.IsZero() {
		return t.pipelineEvents(e)
	}
	return foldEntry(&t.fold, e.Entry, users)
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
