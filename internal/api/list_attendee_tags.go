package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// listAttendeeTags returns the tags of an attendee. Legacy flavour only.
func (s *Server) listAttendeeTags(c *call) (respond, error) {
	var v restjson.Violations
	id, attendee := c.meetingID(&v), c.attendeeID(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	tags, err := s.cfg.Control.AttendeeTags(c.ctx, c.owner, id, attendee)
	if err != nil {
		return nil, err
	}
	return tagList(tags), nil
}
