package console

import (
	"net/http"
	"slices"
)

// door says who gets through to an address below pathAPI.
type door int

const (
	anybody  door = iota // who is not signed in, too; not from other sites
	lookers              // every operator
	changers             // operators who may change something, from a page of ours
	own                  // every operator, from a page of ours: to change what is only theirs
	programs             // every operator, by the secret in a header
	changing             // likewise, those who may change something
)

// route is one address of the console's JSON and event streams.
type route struct {
	pattern string
	door    door
	handle  http.HandlerFunc
	does    string // of a change, in words: what the audit has
}

// table is what operators see and do, all of it.
func (c *Console) table() []route {
	m := pathAPI + "meetings/{meeting}"
	person := m + "/attendees/{attendee}"
	list := []route{
		{"GET " + pathAPI + "session", anybody, c.showSession, ""},
		{"POST " + pathAPI + "session", anybody, c.signIn, ""},
		{"DELETE " + pathAPI + "session", own, c.signOut, "sign out"},
		{"GET " + pathAPI + "events", lookers, c.streamMeetings, ""},
		{"GET " + m + "/events", lookers, c.streamMeeting, ""},
		{"GET " + person + "/history", lookers, c.connections, ""},
		{"POST " + m + "/end", changers, c.endMeeting, "end meeting"},
		{"POST " + person + "/remove", changers, c.removeAttendee, "remove attendee"},
		{"GET " + pathAPI + "audit", lookers, c.showAudit, ""},
		{"GET " + PathAudit, programs, c.showAudit, ""},
		{"PUT " + person + "/capabilities", changers, c.setCapabilities, "change capabilities"},
	}
	if c.cfg.Nodes != nil {
		list = append(list, route{"GET " + pathAPI + "nodes/events", lookers, c.streamNodes, ""})
	}
	if c.cfg.Seat != nil {
		list = append(list, route{"POST " + person + "/seat", changers, c.takeSeat, "join as attendee"})
	}
	if c.cfg.Sheet != nil {
		list = append(list, route{"GET " + pathAPI + "sheet", lookers, c.showSheet, ""})
	}
	return slices.Concat(list, c.deliveryRoutes(), c.recordingRoutes(), c.healthRoutes())
}

// guard lets those through to a route whom it is for, and writes down what they
// change.
func (c *Console) guard(r route) http.Handler {
	switch r.door {
	case anybody:
		return crossOriginGuard().Handler(r.handle)
	case own:
		return c.ownChange(c.audited(r.does, r.handle))
	case changers:
		return c.ownChange(c.audited(r.does, c.mayChange(r.handle)))
	case programs:
		return c.bySecret(r.handle)
	case changing:
		return c.bySecret(c.audited(r.does, c.mayChange(r.handle)))
	}
	return c.signedIn(r.handle)
}
