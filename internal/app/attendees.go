package app

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/observe/timeline"
)

// AttendeeList is a page of attendees.
type AttendeeList struct {
	Attendees []observe.Attendee `json:"attendees"`
	NextToken string             `json:"nextToken,omitempty"` // gives the next page; empty on the last one
}

// RecordList is a page of a meeting's log.
type RecordList struct {
	Records   []observe.Record `json:"records"`
	NextToken string           `json:"nextToken,omitempty"` // gives the next page; empty on the last one
}

// listAttendees returns everybody who was ever invited to a meeting, in the
// order of their creation, also those who were removed, each with the latest
// connections.
func (s *Server) listAttendees(c *call) (any, error) {
	d, err := s.detail(c)
	if err != nil {
		return nil, err
	}
	page, next, err := numbered(c, d.Attendees, func(a *observe.Attendee) int { return a.Order })
	return AttendeeList{Attendees: page, NextToken: next}, err
}

// numbered returns the page that a request asks for of a list whose entries have
// ascending numbers from 1, and the token of the next one: the last entry's
// number.
func numbered[T any](c *call, list []T, number func(*T) int) (page []T, next string, err error) {
	limit, err := c.limit()
	if err != nil {
		return nil, "", err
	}
	at, err := c.after()
	if err != nil {
		return nil, "", err
	}
	after := 0
	if at != "" {
		if after, err = strconv.Atoi(at); err != nil || after < 1 {
			return nil, "", badToken()
		}
	}
	from, _ := slices.BinarySearchFunc(list, after+1, func(one T, n int) int { return cmp.Compare(number(&one), n) })
	page = list[from:min(from+limit, len(list))]
	if from+limit < len(list) {
		next = c.tokenOf(strconv.Itoa(number(&page[len(page)-1])))
	}
	return notNil(page), next, nil
}

// getAttendee returns one attendee with the timeline of each connection: the
// steps of joining, what was measured, and how it ended.
func (s *Server) getAttendee(c *call) (any, error) {
	d, err := s.detail(c)
	if err != nil {
		return nil, err
	}
	id, err := c.attendeeID()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(d.Attendees, func(a observe.Attendee) bool { return a.ID == id })
	if at < 0 {
		return nil, meeting.MissingAttendee(id)
	}
	a := d.Attendees[at]
	if d.Meeting.Ended.IsZero() {
		live := s.cfg.Live.Sessions(d.Meeting.ID) // with what is left out of lists
		for i := range a.Sessions {
			for _, one := range live {
				if one.Key == a.Sessions[i].Key && one.Opened.Equal(a.Sessions[i].Opened.Time) {
					a.Sessions[i] = one
				}
			}
		}
	}
	return a, nil
}

// listRecords returns what happened in a meeting, oldest first: the accepted
// calls with who made them, and who joined, left and shared.
func (s *Server) listRecords(c *call) (any, error) {
	d, err := s.detail(c)
	if err != nil {
		return nil, err
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	last, err := c.after()
	if err != nil {
		return nil, err
	}
	from := 0
	if last != "" {
		at := slices.IndexFunc(d.Records, func(r observe.Record) bool { return r.ID == last })
		if at < 0 {
			return nil, badToken()
		}
		from = at + 1
	}
	page := d.Records[from:min(from+limit, len(d.Records))]
	out := RecordList{Records: notNil(page)}
	if from+limit < len(d.Records) {
		out.NextToken = c.tokenOf(page[len(page)-1].ID)
	}
	return out, nil
}

// detail reads all of the meeting that the path names.
func (s *Server) detail(c *call) (d observe.Detail, err error) {
	m, err := s.meeting(c)
	if err != nil {
		return d, err
	}
	if !m.Ended.IsZero() {
		if d, ok, err := s.cfg.Ended.Detail(c.ctx, m.ID); ok || err != nil {
			return d, err
		}
		return timeline.ReadEnded(c.ctx, s.cfg.Directory, s.cfg.Live, m)
	}
	d, ok, err := timeline.Read(c.ctx, s.cfg.Directory, s.cfg.Live, m.ID)
	if err == nil && !ok {
		err = meeting.MissingMeeting(m.ID)
	}
	return d, err
}

// attendeeID returns the attendee that the path names.
func (c *call) attendeeID() (meeting.ID, error) {
	return idOf("attendee id in the path", c.labels.attendee)
}
