package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// getMeeting returns an active meeting as its creation did.
func (s *Server) getMeeting(c *call) (respond, error) {
	var v restjson.Violations
	id := c.meetingID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	m, err := s.cfg.Control.GetMeeting(c.ctx, c.owner, id)
	if err != nil {
		return nil, err
	}
	return s.oneMeeting(c, m), nil
}
