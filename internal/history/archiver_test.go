package history

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// remains is what a server still knows of a meeting that has ended.
type remains struct {
	open, full, broken atomic.Bool
	reads              atomic.Int64
}

func (r *remains) Meeting(context.Context, meeting.ID) (observe.Meeting, bool) {
	return observe.Meeting{}, false
}

func (r *remains) Attendees(context.Context, meeting.ID) ([]meeting.Attendee, error) { return nil, nil }

func (r *remains) Records(context.Context, meeting.ID, uint64) ([]meeting.LogEntry, error) {
	r.reads.Add(1)
	if r.broken.Load() {
		return nil, errors.New("the store is slow")
	}
	ada := meeting.ID{9}
	record := func(n uint64, body meeting.Body) meeting.LogEntry {
		return meeting.LogEntry{Revision: n, Record: &meeting.Record{Stamp: meeting.Stamp{Actor: "key:A"}, Body: body}}
	}
	return []meeting.LogEntry{
		record(1, &meeting.Created{}),
		record(2, &meeting.AttendeesAdded{Attendees: []meeting.Attendee{{ID: ada, ExternalUserID: "ada"}}}),
		record(3, &meeting.AttendeeDeleted{Attendee: ada}),
		record(4, &meeting.Ended{Reason: meeting.EndedIdle}),
	}, nil
}

func (r *remains) Facts(context.Context, meeting.ID) ([]meeting.Fact, error) {
	return []meeting.Fact{{Kind: meeting.Joined, Attendee: meeting.ID{8}, ExternalUserID: "bob"}}, nil
}

func (r *remains) Load(meeting.ID) observe.Load { return observe.Load{Connected: 5, Failures: 2} }

func (r *remains) Sessions(meeting.ID) []observe.Session { return nil }

func (r *remains) Refusals(meeting.ID) []observe.Refusal { return nil }

func archiver(t *testing.T, r *remains) (*shelf, *Archiver) {
	s := newShelf(t, week)
	return s, NewArchiver(ArchiverConfig{
		Archive: s.Archive, Directory: r, Live: r, Logger: slog.New(slog.NewTextHandler(&s.said, nil)),
		Open: func(meeting.ID) bool { return r.open.Load() }, Room: func() bool { return !r.full.Load() },
	})
}

func TestAnEndIsWrittenDownOnceItsPeopleAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(remains)
		r.open.Store(true)
		s, a := archiver(t, r)
		a.Ended(ended(1).Meeting)
		time.Sleep(2 * time.Second)
		if s.Has(ended(1).Meeting.ID) || r.reads.Load() != 0 {
			t.Error("a meeting was written down while its people were there")
		}
		r.open.Store(false)
		time.Sleep(2 * settle)
		d, ok, err := s.Detail(t.Context(), ended(1).Meeting.ID)
		if !ok || err != nil || len(d.Attendees) != 2 || d.Attendees[0].External != "ada" || !d.Attendees[0].Deleted || d.Attendees[1].External != "bob" ||
			len(d.Records) != 5 || d.Meeting.Failures != 2 || d.Meeting.Connected != 0 {
			t.Errorf("%+v, %v", d, ok)
		}
		a.Ended(ended(1).Meeting)
		time.Sleep(2 * settle)
		if r.reads.Load() != 1 {
			t.Error("it was written down again")
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSignalingThatNeverEndsIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(remains)
		r.open.Store(true)
		s, a := archiver(t, r)
		a.Ended(ended(1).Meeting)
		time.Sleep(settleMost + 2*settle)
		if !s.Has(ended(1).Meeting.ID) {
			t.Error("not written down")
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatCannotBeWrittenDownIsTriedAgain(t *testing.T) {
	for name, trouble := range map[string]func(*remains, bool){
		"a full disk":  func(r *remains, on bool) { r.full.Store(on) },
		"a slow store": func(r *remains, on bool) { r.broken.Store(on) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := new(remains)
				trouble(r, true)
				s, a := archiver(t, r)
				a.Ended(ended(1).Meeting)
				time.Sleep(retryKeep)
				if s.Has(ended(1).Meeting.ID) {
					t.Error("written down in spite of it")
				}
				trouble(r, false)
				time.Sleep(retryKeep)
				if !s.Has(ended(1).Meeting.ID) {
					t.Error("not written down afterwards")
				}
				if a.Needed(ended(1).Meeting.ID) {
					t.Error("its records are needed although it is written down")
				}
				if err := a.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The records of a meeting stay until it is written down: what would be kept
// without them names nobody.
func TestRecordsAreNeededUntilTheyAreWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(remains)
		r.broken.Store(true)
		_, a := archiver(t, r)
		id := ended(1).Meeting.ID
		a.Ended(ended(1).Meeting)
		time.Sleep(retryKeep + settle)
		if !a.Needed(id) || a.Needed(ended(2).Meeting.ID) {
			t.Errorf("needed: %t, another one %t", a.Needed(id), a.Needed(ended(2).Meeting.ID))
		}
		r.full.Store(true)
		if a.Needed(id) {
			t.Error("records are held back on a disk that is nearly full")
		}
		r.full.Store(false)
		time.Sleep(neededMost)
		if a.Needed(id) {
			t.Error("records are held back for ever")
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAStopWritesDownWhatWaits(t *testing.T) {
	r := new(remains)
	r.open.Store(true)
	s, a := archiver(t, r)
	for n := range 20 {
		a.Ended(ended(n).Meeting)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.reopen(week)
	if _, n := s.Size(); n != 20 {
		t.Errorf("%d are kept", n)
	}
}
