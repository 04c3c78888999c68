package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// deleteMeeting ends a meeting. One that is not there counts as ended already
// (API decision D-06), unless the server is configured to say so.
func (s *Server) deleteMeeting(c *call) (respond, error) {
	var v restjson.Violations
	id := c.meetingID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	if s.cfg.DeleteUnknownIs404 {
		if _, err := s.cfg.Control.GetMeeting(c.ctx, c.owner, id); err != nil {
			return nil, err
		}
	}
	return nil, s.cfg.Control.DeleteMeeting(c.ctx, c.owner, id)
}
