package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// createAttendee makes one attendee, or returns the one that has the external
// id, unchanged (API decision D-34).
func (s *Server) createAttendee(c *call) (respond, error) {
	r := restjson.Read(c.body)
	in := c.readAttendee(r)
	if err := r.End(); err != nil {
		return nil, err
	}
	var v restjson.Violations
	id := c.meetingID(&v)
	c.checkAttendee(&v, nil, &in)
	if err := v.Err(); err != nil {
		return nil, err
	}
	results, err := s.cfg.Control.CreateAttendees(c.ctx, c.owner, id, []meeting.NewAttendee{in.attendee()})
	if err != nil {
		return nil, err
	}
	if refused := results[0].Err; refused != nil {
		return nil, refused
	}
	return s.oneAttendee(c, id, results[0].Attendee), nil
}
