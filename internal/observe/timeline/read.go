package timeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// MaxLines bounds the lines of a meeting's log that Read returns, records and
// facts each; the newest stay.
const MaxLines = 5000

// Directory is what Read needs of the control plane. *control.Control
// satisfies it; what its methods return is said there.
type Directory interface {
	Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool)
	Attendees(ctx context.Context, id meeting.ID) ([]meeting.Attendee, error)
	Records(ctx context.Context, id meeting.ID, after uint64) ([]meeting.LogEntry, error)
	Facts(ctx context.Context, id meeting.ID) ([]meeting.Fact, error)
}

// Live is what Read needs of the signaling side. *signal.Server satisfies it.
type Live interface {
	Load(id meeting.ID) observe.Load
	Sessions(id meeting.ID) []observe.Session
	Refusals(id meeting.ID) []observe.Refusal
}

// Summary returns one meeting with the sum of its connections; ok is false when
// the directory has no such meeting. Once a meeting has ended nobody is there
// any more, whatever signaling has not heard of yet.
func Summary(ctx context.Context, d Directory, l Live, id meeting.ID) (m observe.Meeting, ok bool) {
	if m, ok = d.Meeting(ctx, id); ok {
		AddLoad(&m, l)
	}
	return m, ok
}

// AddLoad adds to a meeting what the signaling side knows of it.
func AddLoad(m *observe.Meeting, l Live) {
	m.Load = l.Load(m.ID)
	if !m.Ended.IsZero() {
		m.Load = m.Load.Past()
	}
}

// Read returns all that is known of one meeting now; ok is false when the
// directory has no such meeting. Errors are the directory's.
func Read(ctx context.Context, d Directory, l Live, id meeting.ID) (detail observe.Detail, ok bool, err error) {
	entries, err := d.Records(ctx, id, 0)
	if err != nil {
		return detail, false, err
	}
	facts, err := d.Facts(ctx, id)
	if err != nil {
		return detail, false, err
	}
	// After the records: whoever they name and is not here now was removed. And
	// before the meeting: while it goes on, its attendees are these.
	present, err := d.Attendees(ctx, id)
	if detail.Meeting, ok = Summary(ctx, d, l, id); !ok {
		return observe.Detail{}, false, nil
	}
	if err != nil {
		return observe.Detail{}, false, err
	}
	fill(&detail, l, entries, facts, present)
	return detail, true, nil
}

// ReadEnded returns all that is known of a meeting that has ended, while the
// directory still has its records.
func ReadEnded(ctx context.Context, d Directory, l Live, m observe.Meeting) (observe.Detail, error) {
	AddLoad(&m, l)
	detail := observe.Detail{Meeting: m}
	entries, err := d.Records(ctx, m.ID, 0)
	if err != nil {
		return detail, err
	}
	facts, err := d.Facts(ctx, m.ID)
	if err != nil {
		return detail, err
	}
	fill(&detail, l, entries, facts, nil)
	return detail, nil
}

// fill adds to a meeting what its log and its connections tell.
func fill(detail *observe.Detail, l Live, entries []meeting.LogEntry, facts []meeting.Fact, present []meeting.Attendee) {
	people := NewRoster()
	detail.Records = lines(entries, facts, &people)
	sessions := Connections(slices.Concat(facts, departed(entries)), l.Sessions(detail.Meeting.ID))
	detail.Attendees = people.Everybody(present, sessions, detail.Meeting.Ended.IsZero())
	if detail.Refusals = l.Refusals(detail.Meeting.ID); detail.Refusals == nil {
		detail.Refusals = []observe.Refusal{}
	}
}

// lines puts records and facts into one log, oldest first, and lets the roster
// learn from both.
func lines(entries []meeting.LogEntry, facts []meeting.Fact, people *Roster) []observe.Record {
	list := []observe.Record{}
	for _, e := range entries {
		if e.Record != nil {
			people.Learn(e.Record)
		}
		list = append(list, Line(e, people))
		list = append(list, Departures(e)...)
	}
	list = list[max(0, len(list)-MaxLines):]
	for _, f := range facts {
		people.named(f.Attendee, f.ExternalUserID)
	}
	list = append(list, Facts(facts, MaxLines)...)
	slices.SortStableFunc(list, func(a, b observe.Record) int {
		return cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.ID, b.ID))
	})
	return list
}
