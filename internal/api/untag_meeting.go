package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// untagMeeting removes tags from a meeting named by its id. Legacy flavour only.
func (s *Server) untagMeeting(c *call) (respond, error) {
	keys, err := c.readTagKeys(maxMeetingTags)
	if err != nil {
		return nil, err
	}
	var v restjson.Violations
	id := c.meetingID(&v)
	c.requireTagKeys(&v, &keys, maxMeetingTags)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.UntagMeeting(c.ctx, c.owner, id, keys.texts())
}
