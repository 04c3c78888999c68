package api

import "github.com/carillon-meetings/carillon/internal/api/restjson"

// updateAttendeeCapabilities gives one attendee new capabilities, effective at
// once. Current flavour only.
func (s *Server) updateAttendeeCapabilities(c *call) (respond, error) {
	var caps capabilitiesInput
	r := restjson.Read(c.body)
	for range r.Object([]string{"Capabilities"}) {
		caps = readCapabilities(r)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	var v restjson.Violations
	id, attendee := c.meetingID(&v), c.attendeeID(&v)
	requireCapabilities(&v, &caps)
	if err := v.Err(); err != nil {
		return nil, err
	}
	a, err := s.cfg.Control.UpdateCapabilities(c.ctx, c.owner, id, attendee, caps.capabilities())
	if err != nil {
		return nil, err
	}
	return s.oneAttendee(c, id, a), nil
}

func requireCapabilities(v *restjson.Violations, caps *capabilitiesInput) {
	at := restjson.At("Capabilities")
	if caps.set {
		caps.check(v, &at)
	} else {
		v.Missing(&at)
	}
}
