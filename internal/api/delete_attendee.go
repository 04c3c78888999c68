package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// deleteAttendee removes an attendee: its token is dead and its place is free.
func (s *Server) deleteAttendee(c *call) (respond, error) {
	var v restjson.Violations
	id, attendee := c.meetingID(&v), c.attendeeID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.DeleteAttendee(c.ctx, c.owner, id, attendee)
}
