package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// listMeetings returns a page of the caller's active meetings in the order of
// their creation. Legacy flavour only.
func (s *Server) listMeetings(c *call) (respond, error) {
	var v restjson.Violations
	p := c.page(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	meetings, next, err := s.cfg.Control.ListMeetings(c.ctx, c.owner, p.max, p.token)
	if err != nil {
		return nil, err
	}
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("Meetings")
		w.Array()
		for i := range meetings {
			s.writeMeeting(w, c, &meetings[i])
		}
		w.EndArray()
		w.OptionalMember("NextToken", next)
		w.EndObject()
	}, nil
}
