package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
)

// respond writes the body of a successful response; nil stands for no body.
type respond func(w *restjson.Writer)

// operation is one API operation, shared by the flavours that have it.
type operation struct {
	name      string // as in the API; with "chime:" before it, the action of policies
	run       func(*Server, *call) (respond, error)
	unmetered bool // has no request quota of its own
}

// route says how a flavour reaches an operation.
type route struct {
	method string
	path   string // segments; those in braces are labels
	param  string // value of the query parameter operation; "" when there must be none
	status int    // of success
	op     *operation
}

// routesOf returns the route tables of the two flavours.
func routesOf() (current, legacy []route) {
	const (
		meetings     = "/meetings"
		aMeeting     = meetings + "/{meetingId}"
		attendees    = aMeeting + "/attendees"
		anAttendee   = attendees + "/{attendeeId}"
		meetingTags  = aMeeting + "/tags"
		attendeeTags = anAttendee + "/tags"
		tags         = "/tags"

		get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	)
	shared := func(created int) []route {
		return []route{
			{post, meetings, "", created, &createMeeting},
			{post, meetings, "create-attendees", created, &createMeetingWithAttendees},
			{get, aMeeting, "", 200, &getMeeting},
			{del, aMeeting, "", 204, &deleteMeeting},
			{post, attendees, "", created, &createAttendee},
			{post, attendees, "batch-create", created, &batchCreateAttendee},
			{get, attendees, "", 200, &listAttendees},
			{get, anAttendee, "", 200, &getAttendee},
			{del, anAttendee, "", 204, &deleteAttendee},
			{post, aMeeting + "/transcription", "start", 200, &startMeetingTranscription},
			{post, aMeeting + "/transcription", "stop", 200, &stopMeetingTranscription},
			{post, tags, "tag-resource", 204, &tagResource},
			{post, tags, "untag-resource", 204, &untagResource},
			{get, tags, "", 200, &listTagsForResource},
		}
	}
	current = append(shared(200),
		route{put, anAttendee + "/capabilities", "", 200, &updateAttendeeCapabilities},
		route{put, attendees + "/capabilities", "batch-update-except", 200, &batchUpdateAttendeeCapabilitiesExcept},
	)
	legacy = append(shared(201),
		route{get, meetings, "", 200, &listMeetings},
		route{post, meetingTags, "add", 204, &tagMeeting},
		route{post, meetingTags, "delete", 204, &untagMeeting},
		route{get, meetingTags, "", 200, &listMeetingTags},
		route{post, attendeeTags, "add", 204, &tagAttendee},
		route{post, attendeeTags, "delete", 204, &untagAttendee},
		route{get, attendeeTags, "", 200, &listAttendeeTags},
	)
	return current, legacy
}

// Actions returns the actions that policies of keys may name, such as
// "chime:CreateMeeting", in the order of the route tables.
func Actions() []string {
	var actions []string
	seen := map[string]bool{}
	current, legacy := routesOf()
	for _, r := range append(current, legacy...) {
		if !seen[r.op.name] {
			seen[r.op.name] = true
			actions = append(actions, r.op.action())
		}
	}
	return actions
}

func (op *operation) action() string { return "chime:" + op.name }

// labels are the values of the path labels, decoded once.
type labels struct {
	meetingID, attendeeID string
}

// segments splits a raw path and decodes each part once. ok is false when a
// percent sign starts no escape.
func segments(path string) (parts []string, ok bool) {
	parts = strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		if strings.Contains(part, "%") {
			decoded, err := url.PathUnescape(part)
			if err != nil {
				return nil, false
			}
			parts[i] = decoded
		}
	}
	return parts, true
}

// find returns the route of a request, or nil. An empty label still is one:
// its operation refuses it.
func find(table []route, method string, parts []string, param string) *route {
	for i := range table {
		r := &table[i]
		if r.method == method && r.param == param && fits(r.path, parts, nil) {
			return r
		}
	}
	return nil
}

// fits reports whether the parts are those of a pattern, and puts the labels
// into l unless it is nil.
func fits(pattern string, parts []string, l *labels) bool {
	pattern = pattern[1:]
	for i, part := range parts {
		var want string
		var more bool
		want, pattern, more = strings.Cut(pattern, "/")
		switch want {
		case "{meetingId}":
			if l != nil {
				l.meetingID = part
			}
		case "{attendeeId}":
			if l != nil {
				l.attendeeID = part
			}
		case part:
		default:
			return false
		}
		if more != (i+1 < len(parts)) {
			return false
		}
	}
	return true
}
