package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// getAttendee returns one attendee with its join token.
func (s *Server) getAttendee(c *call) (respond, error) {
	var v restjson.Violations
	id, attendee := c.meetingID(&v), c.attendeeID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	a, err := s.cfg.Control.GetAttendee(c.ctx, c.owner, id, attendee)
	if err != nil {
		return nil, err
	}
	return s.oneAttendee(c, id, a), nil
}
