package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// tagMeeting adds tags to a meeting named by its id. Legacy flavour only.
func (s *Server) tagMeeting(c *call) (respond, error) {
	tags, err := c.readTagList()
	if err != nil {
		return nil, err
	}
	var v restjson.Violations
	id := c.meetingID(&v)
	c.requireTags(&v, &tags, maxMeetingTags)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.TagMeeting(c.ctx, c.owner, id, tags.tags())
}
