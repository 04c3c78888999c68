package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// listMeetingTags returns the tags of a meeting named by its id: the same set
// that the ARN operations see. Legacy flavour only.
func (s *Server) listMeetingTags(c *call) (respond, error) {
	var v restjson.Violations
	id := c.meetingID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	tags, err := s.cfg.Control.MeetingTags(c.ctx, c.owner, id)
	if err != nil {
		return nil, err
	}
	return tagList(tags), nil
}
