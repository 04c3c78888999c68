package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// createMeetingWithAttendees makes a meeting and its first attendees in one
// record. A repeat with the same token finds the meeting, and each attendee by
// its external id (API decision D-08).
func (s *Server) createMeetingWithAttendees(c *call) (respond, error) {
	n, err := s.readNewMeeting(c, true)
	if err != nil {
		return nil, err
	}
	m, results, err := s.cfg.Control.CreateMeeting(c.ctx, n)
	if err != nil {
		return nil, err
	}
	s.newWithoutEffect(c, m.ID.String(), &n)
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("Meeting")
		s.writeMeeting(w, c, &m)
		s.writeResults(w, c, m.ID, n.Attendees, results)
		w.EndObject()
	}, nil
}
