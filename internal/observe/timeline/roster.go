package timeline

import (
	"cmp"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// maxRemoved is how many removed attendees of a meeting are shown; the latest
// stay.
const maxRemoved = 500

// Roster is everybody who was ever invited to a meeting, as its log tells. It
// outlives removals and the meeting's end, so that names are not lost. The zero
// Roster is not usable: see NewRoster.
type Roster struct {
	people  map[meeting.ID]*observe.Attendee
	removed []meeting.ID // the first to be forgotten first
	seen    int          // how many there ever were
}

// NewRoster returns a roster of nobody.
func NewRoster() Roster { return Roster{people: make(map[meeting.ID]*observe.Attendee)} }

// person returns what is known of an attendee, who may be heard of for the
// first time.
func (r *Roster) person(id meeting.ID) *observe.Attendee {
	p := r.people[id]
	if p == nil {
		r.seen++
		p = &observe.Attendee{ID: id, Order: r.seen, Tags: []observe.Tag{}}
		r.people[id] = p
	}
	return p
}

// invited takes over an attendee as it is.
func (r *Roster) invited(a *meeting.Attendee) {
	p := r.person(a.ID)
	p.External = strings.Clone(a.ExternalUserID) // not all of the record it was read from
	p.Capabilities, p.Tags, p.Deleted = viewOf(a.Capabilities), observe.Tags(a.Tags), false
}

// named takes over a name that is not known from anywhere better.
func (r *Roster) named(id meeting.ID, external string) {
	if p := r.person(id); p.External == "" {
		p.External = strings.Clone(external)
	}
}

// remove notes that an attendee was deleted.
func (r *Roster) remove(id meeting.ID) {
	p := r.person(id)
	if p.Deleted {
		return
	}
	p.Deleted = true
	r.removed = append(r.removed, id)
	if len(r.removed) > maxRemoved {
		delete(r.people, r.removed[0])
		r.removed = r.removed[1:]
	}
}

// Learn takes over what a record says about attendees.
func (r *Roster) Learn(rec *meeting.Record) {
	switch b := rec.Body.(type) {
	case *meeting.Created:
		for i := range b.Attendees {
			r.invited(&b.Attendees[i])
		}
	case *meeting.AttendeesAdded:
		for i := range b.Attendees {
			r.invited(&b.Attendees[i])
		}
	case *meeting.AttendeeDeleted:
		r.remove(b.Attendee)
	case *meeting.CapabilitiesSet:
		for _, id := range b.Attendees {
			p := r.person(id)
			p.Capabilities, p.CapabilitiesBy = viewOf(b.Capabilities), rec.Actor
		}
	case *meeting.Ended:
		for _, f := range b.Departures {
			r.named(f.Attendee, f.ExternalUserID)
		}
	}
}

// Everybody joins all attendees with their sessions, in the order of their
// creation. present are the attendees of now; while the meeting is active, who
// is not among them was removed.
func (r *Roster) Everybody(present []meeting.Attendee, sessions []observe.Session, active bool) []observe.Attendee {
	here := make(map[meeting.ID]bool, len(present))
	for i := range present {
		r.invited(&present[i])
		here[present[i].ID] = true
	}
	for _, s := range sessions {
		r.named(s.Attendee, s.External)
	}
	rows := make(map[meeting.ID]*observe.Attendee, len(r.people))
	for id, p := range r.people {
		row := *p
		row.Sessions, row.Deleted = []observe.Session{}, p.Deleted || active && !here[id]
		rows[id] = &row
	}
	for _, s := range sessions {
		row := rows[s.Attendee]
		s.Now, s.Samples = nil, nil // too much for a list
		row.Sessions = append(row.Sessions, s)
		if !s.Content {
			row.State = s.State
		}
	}
	list := make([]observe.Attendee, 0, len(rows))
	for _, row := range rows {
		list = append(list, *row)
	}
	slices.SortFunc(list, func(a, b observe.Attendee) int { return cmp.Compare(a.Order, b.Order) })
	return list
}

// viewOf returns capabilities as they are shown; nil when none are known.
func viewOf(c meeting.Capabilities) *observe.Capabilities {
	if c.IsZero() {
		return nil
	}
	return &observe.Capabilities{Audio: c.Audio.String(), Video: c.Video.String(), Content: c.Content.String()}
}
