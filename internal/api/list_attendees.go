package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// listAttendees returns a page of a meeting's attendees, connected or not, in
// the order of their creation, with their join tokens.
func (s *Server) listAttendees(c *call) (respond, error) {
	var v restjson.Violations
	id := c.meetingID(&v)
	p := c.page(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	attendees, next, err := s.cfg.Control.ListAttendees(c.ctx, c.owner, id, p.max, p.token)
	if err != nil {
		return nil, err
	}
	tokens := s.cfg.Control.JoinTokens(id, attendees)
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("Attendees")
		w.Array()
		for i := range attendees {
			c.writeAttendee(w, &attendees[i], tokens[i])
		}
		w.EndArray()
		w.OptionalMember("NextToken", next)
		w.EndObject()
	}, nil
}
