package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// tagAttendee adds tags to an attendee. Legacy flavour only.
func (s *Server) tagAttendee(c *call) (respond, error) {
	tags, err := c.readTagList()
	if err != nil {
		return nil, err
	}
	var v restjson.Violations
	id, attendee := c.meetingID(&v), c.attendeeID(&v)
	c.requireTags(&v, &tags, maxAttendeeTags)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.TagAttendee(c.ctx, c.owner, id, attendee, tags.tags())
}
