package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/operators"
)

const secret = "correct horse battery"

// server is a Directory, a Live, the Ended and the Actions of a server that
// exists only in memory.
type server struct {
	mu        sync.Mutex
	meetings  []observe.Meeting
	attendees map[meeting.ID][]meeting.Attendee
	records   map[meeting.ID][]meeting.LogEntry
	sessions  map[meeting.ID][]observe.Session
	load      observe.Load
	kept      []observe.Detail
	behind    error    // why what is kept cannot be told
	done      []string // what operators did: "actor: action"
	refusal   error    // answers every action and every reading of the list
}

func (s *server) Meetings(context.Context) ([]observe.Meeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]observe.Meeting{}, s.meetings...), s.refusal
}

func (s *server) Meeting(_ context.Context, id meeting.ID) (observe.Meeting, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.meetings {
		if m.ID == id {
			return m, true
		}
	}
	return observe.Meeting{}, false
}

func (s *server) Attendees(_ context.Context, id meeting.ID) ([]meeting.Attendee, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]meeting.Attendee{}, s.attendees[id]...), nil
}

func (s *server) Records(_ context.Context, id meeting.ID, after uint64) (list []meeting.LogEntry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records[id] {
		if r.Revision > after {
			list = append(list, r)
		}
	}
	return list, nil
}

func (s *server) Facts(context.Context, meeting.ID) ([]meeting.Fact, error) {
	return []meeting.Fact{{Kind: meeting.Joined, Attendee: ada, Time: start}}, nil
}

func (s *server) Load(meeting.ID) observe.Load {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load
}

func (s *server) Sessions(id meeting.ID) []observe.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]observe.Session{}, s.sessions[id]...)
}

func (s *server) Refusals(meeting.ID) []observe.Refusal {
	return []observe.Refusal{{ID: "1", At: observe.At(start), Remote: "192.0.2.9", Words: "The token is not one of this meeting's."}}
}

func (s *server) Latest(context.Context) (list []observe.Meeting, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.kept {
		list = append(list, d.Meeting)
	}
	return list, s.behind
}

func (s *server) Detail(_ context.Context, id meeting.ID) (observe.Detail, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.kept {
		if d.Meeting.ID == id {
			return d, true, nil
		}
	}
	return observe.Detail{}, false, s.behind
}

// actorKey is where the context of an action names its actor.
type actorKey struct{}

func withActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

func (s *server) do(ctx context.Context, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal == nil {
		s.done = append(s.done, fmt.Sprint(ctx.Value(actorKey{}), ": ", what))
	}
	return s.refusal
}

func (s *server) EndMeeting(ctx context.Context, id meeting.ID) error {
	if err := s.do(ctx, "end "+id.String()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.meetings {
		if s.meetings[i].ID == id {
			s.meetings[i].Ended, s.meetings[i].Reason = observe.At(start.Add(time.Hour)), meeting.EndedByOperator.String()
		}
	}
	return nil
}

func (s *server) RemoveAttendee(ctx context.Context, _, attendee meeting.ID) error {
	return s.do(ctx, "remove "+attendee.String())
}

func (s *server) SetCapabilities(ctx context.Context, _, _ meeting.ID, caps meeting.Capabilities) error {
	return s.do(ctx, "audio "+caps.Audio.String()+", video "+caps.Video.String()+", content "+caps.Content.String())
}

var (
	start  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	weekly = meeting.ID{1}
	ada    = meeting.ID{2}
)

// entry is one record of a log.
func entry(revision uint64, actor string, body meeting.Body) meeting.LogEntry {
	return meeting.LogEntry{Revision: revision, Time: start, Record: &meeting.Record{
		Stamp: meeting.Stamp{Time: start, Actor: actor}, Body: body,
	}}
}

func newServer() *server {
	m := observe.Meeting{
		ID: weekly, External: "weekly", Account: "123456789012", Region: "us-east-1", Flavour: "meetings",
		Created: observe.At(start), Attendees: 1, Tags: []observe.Tag{{Key: "team", Value: "red"}},
	}
	all := meeting.Capabilities{Audio: meeting.SendReceive, Video: meeting.SendReceive, Content: meeting.SendReceive}
	return &server{
		meetings:  []observe.Meeting{m},
		attendees: map[meeting.ID][]meeting.Attendee{weekly: {{ID: ada, ExternalUserID: "ada", Capabilities: all}}},
		records:   map[meeting.ID][]meeting.LogEntry{weekly: {entry(7, "key:AKID", &meeting.Created{})}},
		sessions: map[meeting.ID][]observe.Session{weekly: {{
			Key: ada.String(), Attendee: ada, External: "ada", State: observe.Connected, Opened: observe.At(start),
			Steps:   []observe.Step{{Name: "token", At: observe.At(start)}},
			Now:     &observe.Now{Level: 20, Signal: 2},
			Samples: []observe.Sample{{At: observe.At(start), Level: 30, LossIn: 1.3, KbpsIn: 900, RTT: observe.Span(20 * time.Millisecond)}},
		}}},
		load: observe.Load{Host: "node-a", Connected: 1, Audio: 1, AttendeeTime: observe.Minutes(90 * time.Second)},
	}
}

// clock is a time that tests move by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var built = fstest.MapFS{
	"index.html":            {Data: []byte("meeting page")},
	"operator.html":         {Data: []byte("console page")},
	"explorer.html":         {Data: []byte("explorer page")},
	"favicon.svg":           {Data: []byte("<svg/>")},
	"assets/app-1a2b.js":    {Data: []byte("console.log('plain')")},
	"assets/app-1a2b.js.gz": {Data: []byte("packed")},
}

// noAudit is an audit with nothing in it.
func noAudit(context.Context, audit.Query) (audit.Page, error) { return audit.Page{}, nil }

// note is the audit of a site.
func (s *site) note(e audit.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noted = append(s.noted, e)
}

// readNotes answers with all of it, newest first.
func (s *site) readNotes(_ context.Context, q audit.Query) (audit.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = q
	page := audit.Page{Entries: slices.Clone(s.noted), Next: "7-100"}
	slices.Reverse(page.Entries)
	return page, s.auditFault
}

// site is a console behind a real HTTP server, with one operator's browser.
type site struct {
	*testing.T
	*server
	clock   *clock
	console *Console
	url     string
	cookie  *http.Cookie
	csrf    string

	noted      []audit.Entry // guarded by server.mu
	asked      audit.Query
	auditFault error
}

// open starts a console. Changes to the configuration are optional.
func open(t *testing.T, change ...func(*Config)) *site {
	t.Helper()
	s := &site{T: t, server: newServer(), clock: &clock{t: start}}
	cfg := Config{
		Directory: s.server, Live: s.server, Actions: s.server, Ended: s.server, WithActor: withActor,
		Operators: operators.NewRoster(secret, nil, s.clock.now), Audit: s.note, AuditLog: s.readNotes,
		Demo:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "demo") }),
		Pages:   built,
		Refresh: 5 * time.Millisecond,
		Now:     s.clock.now,
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.console = c
	web := httptest.NewServer(c)
	s.url = web.URL
	t.Cleanup(func() {
		c.Close()
		web.Close()
	})
	return s
}

// plainTransport shows answers as they were sent.
var plainTransport = &http.Transport{DisableCompression: true}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// send makes a request as the operator's browser would; with adds or changes
// headers, and an empty value takes one away.
func (s *site) send(method, path, body string, with ...string) answer {
	s.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if s.cookie != nil {
		req.AddCookie(s.cookie)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if s.csrf != "" {
		req.Header.Set(csrfHeader, s.csrf)
	}
	for i := 0; i < len(with); i += 2 {
		if req.Header.Set(with[i], with[i+1]); with[i+1] == "" {
			req.Header.Del(with[i])
		}
	}
	resp, err := plainTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{resp, string(b)}
}

func (s *site) signIn() {
	s.Helper()
	s.signInAs("", secret)
}

// signInAs signs in an operator; without a name, the one with the operator
// secret.
func (s *site) signInAs(name, secret string) {
	s.Helper()
	a := s.send("POST", "/operator/api/session", fmt.Sprintf(`{"name":%q,"secret":%q}`, name, secret))
	if a.StatusCode != http.StatusOK {
		s.Fatalf("sign-in answered %d: %s", a.StatusCode, a.body)
	}
	s.cookie = a.Cookies()[0]
	var view sessionView
	if err := json.Unmarshal([]byte(a.body), &view); err != nil {
		s.Fatal(err)
	}
	s.csrf = view.CSRF
}

// want fails unless the answer has the status and its body holds the text.
func (s *site) want(a answer, status int, text string) {
	s.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, text) {
		s.Errorf("%s %s answered %d %q, want %d with %q", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status, text)
	}
}
