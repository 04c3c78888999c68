package carillontest

import (
	"net/url"
	"strconv"
	"time"
)

// Event is what Amazon's event bus delivers about a meeting.
type Event struct {
	ID         string      `json:"id"`
	DetailType string      `json:"detail-type"`
	Source     string      `json:"source"`
	Account    string      `json:"account"`
	Time       time.Time   `json:"time"`
	Region     string      `json:"region"`
	Detail     EventDetail `json:"detail"`
}

// EventDetail is what an event says. What does not belong to its type is empty.
type EventDetail struct {
	EventType         string `json:"eventType"` // such as "chime:AttendeeJoined"
	Timestamp         int64  `json:"timestamp"` // Unix milliseconds
	MeetingID         string `json:"meetingId"`
	ExternalMeetingID string `json:"externalMeetingId"`
	AttendeeID        string `json:"attendeeId"` // ends in "#content" for a content share
	ExternalUserID    string `json:"externalUserId"`
	NetworkType       string `json:"networkType"`
	MediaRegion       string `json:"mediaRegion"`
	Message           string `json:"message"`

	Capabilities               *EventCapabilities `json:"attendeeCapabilities"`
	TranscriptionRegion        string             `json:"transcriptionRegion"`
	TranscriptionConfiguration string             `json:"transcriptionConfiguration"`
}

// EventCapabilities are an attendee's, in an event that tells that they changed.
type EventCapabilities struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

// Filter says which events are meant. Empty fields mean any.
type Filter struct {
	Type       string // as in "AttendeeJoined" or "chime:AttendeeJoined"
	MeetingID  string
	AttendeeID string
}

func (f Filter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"type": f.Type, "meeting": f.MeetingID, "attendee": f.AttendeeID} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Events returns the events so far, the oldest first. The server keeps the newest
// ten thousand.
func (s *Server) Events(f Filter) []Event {
	s.tb.Helper()
	events, _ := s.events(f.query())
	return events
}

// eventWait is how long one call waits for an event; the server allows a minute.
const eventWait = 20 * time.Second

// WaitForEvent returns the first event since the start, or the last Reset, that
// the filter means, as soon as there is one. It ends the test when none comes
// within a minute.
func (s *Server) WaitForEvent(f Filter) Event {
	s.tb.Helper()
	q := f.query()
	q.Set("wait", eventWait.String())
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		events, next := s.events(q)
		if len(events) > 0 {
			return events[0]
		}
		q.Set("after", strconv.FormatUint(next, 10))
	}
	s.tb.Fatalf("carillontest: no event %+v; there were %+v", f, s.Events(Filter{MeetingID: f.MeetingID}))
	return Event{}
}

func (s *Server) events(q url.Values) (events []Event, next uint64) {
	s.tb.Helper()
	var page struct {
		Events []Event
		Next   uint64
	}
	s.call("GET", "events?"+q.Encode(), nil, &page)
	return page.Events, page.Next
}
