package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// batchCreateAttendee makes up to 100 attendees in one record. A fault in any
// item refuses the whole request; what does not fit into the meeting any more
// goes to Errors (API decisions D-42 and D-44).
func (s *Server) batchCreateAttendee(c *call) (respond, error) {
	var in attendeesInput
	r := restjson.Read(c.body)
	for range r.Object([]string{"Attendees"}) {
		in = c.readAttendees(r, maxBatch)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	var v restjson.Violations
	id := c.meetingID(&v)
	if in.set {
		c.checkAttendees(&v, &in, maxBatch)
	} else {
		at := restjson.At("Attendees")
		v.Missing(&at)
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	items := in.attendees()
	results, err := s.cfg.Control.CreateAttendees(c.ctx, c.owner, id, items)
	if err != nil {
		return nil, err
	}
	return func(w *restjson.Writer) {
		w.Object()
		s.writeResults(w, c, id, items, results)
		w.EndObject()
	}, nil
}
