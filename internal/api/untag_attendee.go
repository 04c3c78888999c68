package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// untagAttendee removes tags from an attendee. Legacy flavour only.
func (s *Server) untagAttendee(c *call) (respond, error) {
	keys, err := c.readTagKeys(maxAttendeeTags)
	if err != nil {
		return nil, err
	}
	var v restjson.Violations
	id, attendee := c.meetingID(&v), c.attendeeID(&v)
	c.requireTagKeys(&v, &keys, maxAttendeeTags)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.UntagAttendee(c.ctx, c.owner, id, attendee, keys.texts())
}
