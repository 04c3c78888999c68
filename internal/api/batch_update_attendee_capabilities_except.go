package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// batchUpdateAttendeeCapabilitiesExcept gives new capabilities to all
// attendees but those named; ids of nobody are ignored (API decision D-14).
// Current flavour only.
func (s *Server) batchUpdateAttendeeCapabilitiesExcept(c *call) (respond, error) {
	var excluded excludedInput
	var caps capabilitiesInput
	r := restjson.Read(c.body)
	for name := range r.Object([]string{"ExcludedAttendeeIds", "Capabilities"}) {
		if name == "Capabilities" {
			caps = readCapabilities(r)
		} else {
			excluded = readExcluded(r)
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	var v restjson.Violations
	id := c.meetingID(&v)
	except := excluded.check(&v)
	requireCapabilities(&v, &caps)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.UpdateCapabilitiesExcept(c.ctx, c.owner, id, except, caps.capabilities())
}

// excludedInput is a list of {"AttendeeId": GUID}.
type excludedInput struct {
	set   bool
	count int
	items []excludedItem
}

type excludedItem struct {
	null       bool
	attendeeID restjson.Text
}

func readExcluded(r *restjson.Reader) (in excludedInput) {
	if in.set = r.Present(); !in.set {
		return in
	}
	for range r.Array() {
		var item excludedItem
		if item.null = !r.Present(); !item.null {
			for range r.Object([]string{"AttendeeId"}) {
				item.attendeeID = r.Text()
			}
		}
		if in.count++; in.count <= maxExcluded {
			in.items = append(in.items, item)
		}
	}
	return in
}

// check checks the list and returns the ids.
func (in *excludedInput) check(v *restjson.Violations) []meeting.ID {
	at := restjson.At("ExcludedAttendeeIds")
	if !in.set {
		v.Missing(&at)
		return nil
	}
	v.Length(&at, in.count, 1, maxExcluded)
	ids := make([]meeting.ID, 0, len(in.items))
	for i := range in.items {
		item := at.Item(i)
		if in.items[i].null {
			v.Missing(&item)
			continue
		}
		member := item.Member("AttendeeId")
		v.RequiredText(&member, in.items[i].attendeeID, &guid)
		if id, ok := meeting.ParseID(in.items[i].attendeeID.Value); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
