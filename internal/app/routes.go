package app

import (
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Prefix is what the path of every request begins with.
const Prefix = "/app/v1/"

// PathDocument is where the description is, for everybody, people at a browser too.
const PathDocument = Prefix + "openapi.json"

// operation is one operation of the application API.
type operation struct {
	name   string // with "carillon:" before it, the action of policies
	method string
	path   string // below Prefix
	status int    // of success
	run    func(*Server, *call) (any, error)
	query  []string // the parameters that it takes
	input  any      // what a body is read as, for the description; nil when it takes none
	answer any      // what it returns, for the description; nil for no body
}

// operations is the table of all there is.
func operations() []operation {
	const (
		meetings = "meetings"
		one      = meetings + "/{meetingId}"
		people   = one + "/attendees"
		person   = people + "/{attendeeId}"
	)
	pages := []string{paramMaxResults, paramNextToken}
	return []operation{
		{"ListMeetings", http.MethodGet, meetings, http.StatusOK, (*Server).listMeetings,
			append([]string{paramState, paramExternal, paramTagKey, paramTagValue}, pages...), nil, MeetingList{}},
		{"GetMeeting", http.MethodGet, one, http.StatusOK, (*Server).getMeeting, nil, nil, MeetingDetail{}},
		{"ListRecords", http.MethodGet, one + "/records", http.StatusOK, (*Server).listRecords, pages, nil, RecordList{}},
		{"ListEvents", http.MethodGet, one + "/events", http.StatusOK, (*Server).listEvents, pages, nil, EventList{}},
		{"ListAttendees", http.MethodGet, people, http.StatusOK, (*Server).listAttendees, pages, nil, AttendeeList{}},
		{"GetAttendee", http.MethodGet, person, http.StatusOK, (*Server).getAttendee, nil, nil, observe.Attendee{}},
		{"SetTimers", http.MethodPut, one + "/timers", http.StatusOK, (*Server).setTimers, nil, TimersInput{}, observe.Meeting{}},
		{"SendMessage", http.MethodPost, one + "/messages", http.StatusOK, (*Server).sendMessage, nil, MessageInput{}, Delivery{}},
		{"MuteAttendee", http.MethodPost, person + "/mute", http.StatusOK, (*Server).muteAttendee, nil, nil, observe.Attendee{}},
		{"UnmuteAttendee", http.MethodPost, person + "/unmute", http.StatusOK, (*Server).unmuteAttendee, nil, nil, observe.Attendee{}},
		{"RemoveAttendee", http.MethodDelete, person, http.StatusNoContent, (*Server).removeAttendee, nil, nil, nil},
	}
}

func (op *operation) action() string { return "carillon:" + op.name }

// Actions returns the actions that policies of keys may name, such as
// "carillon:ListMeetings".
func Actions() []string {
	var actions []string
	for _, op := range operations() {
		actions = append(actions, op.action())
	}
	return actions
}

// find returns the operation of a path and method. Without one, it returns the
// methods that the path takes; none when there is no such path.
func (s *Server) find(method, path string, l *labels) (op *operation, allowed []string) {
	path, below := strings.CutPrefix(sigv4.OneSlash(path), Prefix)
	if !below {
		return nil, nil
	}
	for i := range s.table {
		op := &s.table[i]
		found, fits := match(op.path, path)
		switch {
		case !fits:
		case op.method == method:
			*l = found
			return op, nil
		default:
			allowed = append(allowed, op.method)
		}
	}
	return nil, allowed
}

// labels are the ids in a path, as they were given.
type labels struct{ meeting, attendee string }

// match reports whether a path has the form of a pattern, and returns its ids.
func match(pattern, path string) (l labels, ok bool) {
	wanted, parts := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(wanted) != len(parts) {
		return labels{}, false
	}
	for i, part := range parts {
		switch wanted[i] {
		case "{meetingId}":
			l.meeting = part
		case "{attendeeId}":
			l.attendee = part
		case part:
		default:
			return labels{}, false
		}
	}
	return l, true
}
