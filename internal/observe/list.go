package observe

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Detail is all that is known of one meeting, and all that is kept of one that
// has ended.
type Detail struct {
	Meeting   Meeting    `json:"meeting"`
	Attendees []Attendee `json:"attendees"` // everybody who was ever invited, in the order of their creation
	Records   []Record   `json:"records"`   // the meeting's log, oldest first
	Refusals  []Refusal  `json:"refusals"`  // joins refused for their token, oldest first
}

// Query asks for some of the meetings of one account.
type Query struct {
	Account  string
	Ended    bool   // those that have ended, the latest first; otherwise the active ones, oldest first
	External string // with this ExternalMeetingId; empty for any
	Tag      Tag    // with this tag; an empty value for any, an empty key for no matter which
	After    Place  // those that follow it; the zero Place begins at the first
	Limit    int    // the most meetings of a page; at least 1
}

// Place is where a meeting stands in the list that a Query asks for: its
// creation, or its end, and for those of one moment its id.
type Place struct {
	At time.Time
	ID meeting.ID
}

// IsZero reports whether the place is none.
func (p Place) IsZero() bool { return p == Place{} }

// Page is a part of a list.
type Page struct {
	Meetings []Meeting
	// Next is how far this page has looked: the next page begins after it. It is
	// zero when there is no more. A page may have few meetings, or none, and a
	// Next: how many one page looks at is bounded.
	Next Place
}

// Place returns where a meeting stands in the list.
func (q Query) Place(m *Meeting) Place {
	if q.Ended {
		return Place{m.Ended.Time, m.ID}
	}
	return Place{m.Created.Time, m.ID}
}

// Compare tells which of two places comes first in the list: it is negative if
// a does.
func (q Query) Compare(a, b Place) int {
	order := cmp.Or(a.At.Compare(b.At), bytes.Compare(a.ID[:], b.ID[:]))
	if q.Ended {
		return -order
	}
	return order
}

// Wants reports whether a meeting is among those asked for, wherever in the
// list it stands.
func (q Query) Wants(m *Meeting) bool {
	if m.Account != q.Account || m.Ended.IsZero() == q.Ended || q.External != "" && m.External != q.External {
		return false
	}
	return q.Tag.Key == "" || slices.ContainsFunc(m.Tags, func(t Tag) bool {
		return t.Key == q.Tag.Key && (q.Tag.Value == "" || t.Value == q.Tag.Value)
	})
}

// Merge makes one page of pages that answer the same query, each from another
// place where meetings are. A meeting that several have is taken from the first.
func (q Query) Merge(pages ...Page) Page {
	var all Page
	for _, p := range pages {
		all.Meetings = append(all.Meetings, p.Meetings...)
		if !p.Next.IsZero() && (all.Next.IsZero() || q.Compare(p.Next, all.Next) < 0) {
			all.Next = p.Next
		}
	}
	slices.SortStableFunc(all.Meetings, func(a, b Meeting) int { return q.Compare(q.Place(&a), q.Place(&b)) })
	all.Meetings = slices.CompactFunc(all.Meetings, func(a, b Meeting) bool { return a.ID == b.ID })
	for i := range all.Meetings {
		at := q.Place(&all.Meetings[i])
		switch {
		case i == q.Limit: // what follows is another page's
			all.Meetings, all.Next = all.Meetings[:i], q.Place(&all.Meetings[i-1])
			return all
		case !all.Next.IsZero() && q.Compare(at, all.Next) > 0: // not all that come before it are known
			all.Meetings = all.Meetings[:i]
			return all
		}
	}
	return all
}
