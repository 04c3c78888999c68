package signal

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/plainweb"
)

// Clients report how their joins went, and what went wrong later, by HTTP.
// The reports are kept for the console, so many of them and no more.
const (
	maxReport        = 64 << 10 // bytes of one request
	maxEventAttrs    = 3000     // bytes of one event
	maxEventsReport  = 50       // events of one request
	maxMeetingEvents = 300
	maxEventMeetings = 200
	eventRate        = 20 // requests per second of one meeting
	eventBurst       = 400
	maxEventName     = 64
	eventRetryAfter  = "5"
)

// ClientEvent is one thing a client reported about itself.
type ClientEvent struct {
	Attendee   meeting.ID
	Content    bool
	Name       string          // as in "meetingStartFailed"
	At         time.Time       // by the client's clock
	Received   time.Time       // by ours
	Client     string          // browser and SDK
	Attributes json.RawMessage // a JSON object of at most 3,000 bytes
}

// ClientEvents returns what the clients of a meeting reported lately, in the
// order received.
func (s *Server) ClientEvents(id meeting.ID) []ClientEvent { return s.events.of(id) }

// report is the body clients send.
type report struct {
	Metadata struct {
		MeetingID      string `json:"meetingId"`
		BrowserName    string `json:"browserName"`
		BrowserVersion string `json:"browserVersion"`
		OSName         string `json:"osName"`
		SDKVersion     string `json:"sdkVersion"`
	} `json:"metadata"`
	Events []struct {
		Payloads []json.RawMessage `json:"payloads"`
	} `json:"events"`
	Authorization string `json:"authorization"`
}

// serveEvents takes a report. Requests come from the pages' origins, so each
// is preceded by a CORS preflight, except the one sent while a page goes away:
// it cannot carry headers and has its token in the body.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	s.allowOrigin(w, r)
	if !plainweb.IsPost(w, r, "authorization, content-type") {
		return
	}
	var in report
	if code := plainweb.ReadJSON(w, r, maxReport, &in); code != http.StatusOK {
		plainweb.Reply(w, code, `{"message":"not a report"}`)
		return
	}
	switch code := s.takeReport(r, &in); code {
	case http.StatusOK:
		plainweb.Reply(w, code, `{}`)
	case http.StatusForbidden:
		plainweb.Reply(w, code, `{"message":"join token not valid"}`)
	default:
		w.Header().Set("Retry-After", eventRetryAfter)
		plainweb.Reply(w, code, `{"message":"try again later"}`)
	}
}

// allowOrigin lets the pages' scripts read the answer.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && s.originAllowed(r) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// takeReport checks whose report it is and keeps it.
func (s *Server) takeReport(r *http.Request, in *report) int {
	token := cmp.Or(plainweb.Bearer(r.Header), in.Authorization)
	id, ok := meeting.ParseID(in.Metadata.MeetingID)
	if !ok || token == "" {
		return http.StatusForbidden
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	grant, err := s.cfg.Control.Authorize(ctx, id, token)
	switch why := joinCause(err); {
	case err == nil:
	case why == meetingEnded:
		return http.StatusOK // the last words of a meeting: nobody asks for them
	default:
		return why.outcome().http
	}
	if !s.events.add(id, s.clientEvents(grant, in)) {
		return http.StatusTooManyRequests
	}
	return http.StatusOK
}

// clientEvents are the events of a report that are fit to be kept.
func (s *Server) clientEvents(grant control.Grant, in *report) []ClientEvent {
	m := &in.Metadata
	client := shorten(strings.TrimSpace(m.BrowserName+" "+m.BrowserVersion+" on "+m.OSName+", SDK "+m.SDKVersion), maxClientName)
	var out []ClientEvent
	for _, e := range in.Events {
		for _, raw := range e.Payloads {
			var head struct {
				Name string  `json:"name"`
				TS   float64 `json:"ts"`
			}
			if len(out) >= maxEventsReport || len(raw) > maxEventAttrs || json.Unmarshal(raw, &head) != nil ||
				head.Name == "" || len(head.Name) > maxEventName {
				continue
			}
			out = append(out, ClientEvent{
				Attendee: grant.Attendee.ID, Content: grant.Content, Name: head.Name, At: time.UnixMilli(int64(head.TS)),
				Received: s.cfg.Now(), Client: client, Attributes: slices.Clone(raw),
			})
		}
	}
	return out
}

// eventStore keeps the latest events of the meetings heard of last.
type eventStore struct {
	mu        sync.Mutex
	order     []meeting.ID // the one heard of longest ago first
	byMeeting map[meeting.ID]*meetingEvents
}

type meetingEvents struct {
	rate   *rate.Limiter
	events []ClientEvent
}

func newEventStore() eventStore { return eventStore{byMeeting: make(map[meeting.ID]*meetingEvents)} }

// add keeps events; false when the meeting's clients report too much.
func (e *eventStore) add(id meeting.ID, events []ClientEvent) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.byMeeting[id]
	if m == nil {
		m = &meetingEvents{rate: rate.NewLimiter(eventRate, eventBurst)}
		e.byMeeting[id] = m
		e.order = append(e.order, id)
		if len(e.order) > maxEventMeetings {
			delete(e.byMeeting, e.order[0])
			e.order = e.order[1:]
		}
	}
	if !m.rate.Allow() {
		return false
	}
	m.events = append(m.events, events...)
	if over := len(m.events) - maxMeetingEvents; over > 0 {
		m.events = append(m.events[:0], m.events[over:]...)
	}
	return true
}

func (e *eventStore) of(id meeting.ID) []ClientEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m := e.byMeeting[id]; m != nil {
		return slices.Clone(m.events)
	}
	return nil
}
