package console

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// maxRemoved is how many removed attendees of a meeting are shown; the latest
// stay.
const maxRemoved = 500

// roster is everybody who was ever invited to a meeting, as its log tells. It
// outlives removals and the meeting's end, so that names are not lost.
type roster struct {
	people  map[meeting.ID]*observe.Attendee
	removed []meeting.ID // the first to be forgotten first
	seen    int          // how many there ever were
}

func newRoster() roster { return roster{people: make(map[meeting.ID]*observe.Attendee)} }

// person returns what is known of an attendee, who may be heard of for the
// first time.
func (r *roster) person(id meeting.ID) *observe.Attendee {
	p := r.people[id]
	if p == nil {
		r.seen++
		p = &observe.Attendee{ID: id, Order: r.seen, Tags: []observe.Tag{}}
		r.people[id] = p
	}
	return p
}

// invited takes over an attendee as it is.
func (r *roster) invited(a *meeting.Attendee) {
	p := r.person(a.ID)
	p.External = strings.Clone(a.ExternalUserID) // not all of the record it was read from
	p.Capabilities, p.Tags, p.Deleted = viewOf(a.Capabilities), observe.Tags(a.Tags), false
}

// named takes over a name that is not known from anywhere better.
func (r *roster) named(id meeting.ID, external string) {
	if p := r.person(id); p.External == "" {
		p.External = strings.Clone(external)
	}
}

// remove notes that an attendee was deleted.
func (r *roster) remove(id meeting.ID) {
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

// learn takes over what a record says about attendees.
func (r *roster) learn(rec *meeting.Record) {
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

// table joins everybody with their sessions. present are the attendees of now;
// while the meeting is active, who is not among them was removed.
func (r *roster) table(present []meeting.Attendee, sessions []observe.Session, active bool) (map[string]json.RawMessage, error) {
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
		s.Now, s.Samples = nil, nil // told as samples
		row.Sessions = append(row.Sessions, s)
		if !s.Content {
			row.State = s.State
		}
	}
	table := make(map[string]json.RawMessage, len(rows))
	for _, row := range rows {
		encoded, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		table[row.ID.String()] = encoded
	}
	return table, nil
}

// viewOf returns capabilities as they are shown; nil when none are known.
func viewOf(c meeting.Capabilities) *observe.Capabilities {
	if c.IsZero() {
		return nil
	}
	return &observe.Capabilities{Audio: c.Audio.String(), Video: c.Video.String(), Content: c.Content.String()}
}

// connections answers with an attendee's sessions in full, oldest first: with
// what is measured now and in the last minutes.
func (c *Console) connections(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathAttendee(w, r)
	if !ok {
		return
	}
	own := []observe.Session{}
	for _, s := range c.cfg.Live.Sessions(id) {
		if s.Attendee == attendee {
			own = append(own, s)
		}
	}
	writeJSON(w, http.StatusOK, map[string][]observe.Session{"sessions": own})
}
