package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// stopMeetingTranscription detaches the configuration of a meeting; without
// one nothing happens (API decision D-25).
func (s *Server) stopMeetingTranscription(c *call) (respond, error) {
	var v restjson.Violations
	id := c.meetingID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.StopTranscription(c.ctx, c.owner, id)
}
