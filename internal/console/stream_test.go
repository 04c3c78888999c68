package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// stream is an open event stream.
type stream struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// watch opens an event stream as the operator's browser would.
func (s *site) watch(path string) *stream {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	s.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	req.AddCookie(s.cookie)
	resp, err := plainTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		s.Fatalf("%s answered %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &stream{t: s.T, lines: lines, cancel: cancel}
}

// next reads until an event of the name and decodes its data.
func (s *stream) next(name string, into any) {
	s.t.Helper()
	for s.lines.Scan() {
		if s.lines.Text() != "event: "+name || !s.lines.Scan() {
			continue
		}
		data := strings.TrimPrefix(s.lines.Text(), "data: ")
		if err := json.Unmarshal([]byte(data), into); err != nil {
			s.t.Fatalf("event %s holds %q: %v", name, data, err)
		}
		return
	}
	s.t.Fatalf("the stream ended before an event %q: %v", name, s.lines.Err())
}

// ended reports whether the stream is over.
func (s *stream) ended() bool {
	for s.lines.Scan() {
	}
	return s.lines.Err() == nil
}

func TestListOfMeetingsIsStreamed(t *testing.T) {
	s := open(t)
	s.signIn()
	events := s.watch("/operator/api/events")
	var all map[string][]observe.Meeting
	events.next("snapshot", &all)
	if len(all["meetings"]) != 1 {
		t.Fatalf("snapshot %+v", all)
	}
	want := observe.Meeting{
		ID: weekly, External: "weekly", Account: "123456789012", Region: "us-east-1", Flavour: "meetings",
		Created: observe.At(start.Local()), Attendees: 1, Tags: []observe.Tag{{Key: "team", Value: "red"}},
		Load: observe.Load{Host: "node-a", Connected: 1, Audio: 1, AttendeeTime: observe.Minutes(time.Minute)},
	}
	if got := fmt.Sprintf("%+v", all["meetings"][0]); got != fmt.Sprintf("%+v", want) {
		t.Errorf("row\n%s, want\n%+v", got, want)
	}

	second := observe.Meeting{ID: meeting.ID{9}, External: "second"}
	s.mu.Lock()
	s.meetings = append(s.meetings, second)
	s.mu.Unlock()
	var change struct {
		Set  map[string][]observe.Meeting
		Gone map[string][]string
	}
	events.next("delta", &change)
	if rows := change.Set["meetings"]; len(rows) != 1 || rows[0].External != "second" {
		t.Errorf("delta %+v", change)
	}
	s.mu.Lock()
	s.meetings = s.meetings[1:]
	s.mu.Unlock()
	change.Gone = nil
	events.next("delta", &change)
	if gone := change.Gone["meetings"]; len(gone) != 1 || gone[0] != weekly.String() {
		t.Errorf("delta %+v", change)
	}
}

func TestOneMeetingIsStreamed(t *testing.T) {
	s := open(t)
	s.signIn()
	events := s.watch("/operator/api/meetings/" + weekly.String() + "/events")
	var all struct {
		Meeting   []observe.Meeting
		Attendees []observe.Attendee
		Records   []observe.Record
		Refusals  []observe.Refusal
	}
	events.next("snapshot", &all)
	if len(all.Meeting) != 1 || len(all.Attendees) != 1 || len(all.Records) != 2 || len(all.Refusals) != 1 {
		t.Fatalf("snapshot %+v", all)
	}
	a := all.Attendees[0]
	if a.State != "connected" || len(a.Sessions) != 1 || a.Sessions[0].Steps[0].Name != "token" || a.Capabilities.Audio != "SendReceive" {
		t.Errorf("attendee %+v", a)
	}
	if r := all.Records[0]; r.Kind != "created" || r.Actor != "key:AKID" {
		t.Errorf("record %+v", r)
	}
	if r := all.Records[1]; r.Kind != "joined" || r.Actor != "media" || r.Attendee != ada {
		t.Errorf("fact %+v", r)
	}
	var sample sampleView
	events.next("sample", &sample)
	if p := sample.Points[ada.String()]; p.Level != 20 || p.LossIn != 1.3 || p.KbpsIn != 900 || p.RTT != observe.Span(20*time.Millisecond) || p.Signal != 2 {
		t.Errorf("sample %+v", p)
	}
}

func TestARemovedAttendeeStaysInView(t *testing.T) {
	s := open(t)
	s.signIn()
	events := s.watch("/operator/api/meetings/" + weekly.String() + "/events")
	var ignored any
	events.next("snapshot", &ignored)
	s.mu.Lock()
	s.records[weekly] = append(s.records[weekly], entry(8, "operator:10.0.0.1", &meeting.AttendeeDeleted{Attendee: ada}))
	s.attendees[weekly] = nil
	s.sessions[weekly][0].State = observe.Removed
	s.mu.Unlock()
	var change struct {
		Set struct {
			Attendees []observe.Attendee
			Records   []observe.Record
		}
	}
	for len(change.Set.Records) == 0 { // the changes may come in two events
		events.next("delta", &change)
	}
	if r := change.Set.Records[0]; r.Kind != "attendee deleted" || r.Attendee != ada || r.External != "ada" {
		t.Errorf("delta %+v", change)
	}
	if list := change.Set.Attendees; len(list) != 1 || !list[0].Deleted || list[0].State != "removed" || list[0].External != "ada" {
		t.Errorf("the removed attendee is shown as %+v", list)
	}
}

func TestAnAttendeesConnectionsAreServedInFull(t *testing.T) {
	s := open(t)
	s.signIn()
	path := "/operator/api/meetings/" + weekly.String() + "/attendees/" + ada.String() + "/history"
	for _, text := range []string{
		`"now":{"level":20,"signal":2,"stats":{`,
		fmt.Sprintf(`"samples":[{"at":%d,"level":30,"signal":0,"lossIn":1.3,"lossOut":0,"rtt":20,"kbpsIn":900,"kbpsOut":0,"available":0}]`, start.UnixMilli()),
	} {
		s.want(s.send("GET", path, ""), 200, text)
	}
}

func TestUnknownMeetingsAndFaultsAreTold(t *testing.T) {
	s := open(t)
	s.signIn()
	var told beat
	s.watch("/operator/api/meetings/"+meeting.ID{77}.String()+"/events").next("beat", &told)
	if !strings.Contains(told.Fault, "no such meeting") {
		t.Errorf("fault %q", told.Fault)
	}
	s.want(s.send("GET", "/operator/api/meetings/nonsense/events", ""), 400, "not a GUID")

	events := s.watch("/operator/api/events")
	var ignored any
	events.next("snapshot", &ignored)
	s.mu.Lock()
	s.refusal = meeting.Errorf(meeting.Unavailable, "the store is down")
	s.mu.Unlock()
	for told = (beat{}); told.Fault == ""; {
		events.next("beat", &told)
	}
	if !strings.Contains(told.Fault, "the store is down") {
		t.Errorf("fault %q", told.Fault)
	}
	told = beat{}
	s.watch("/operator/api/events").next("beat", &told) // comes while it is down
	if !strings.Contains(told.Fault, "the store is down") {
		t.Errorf("fault told to a late comer: %q", told.Fault)
	}
	s.mu.Lock()
	s.refusal = nil
	s.mu.Unlock()
	for told.Fault != "" { // nothing else tells that it is over
		told = beat{}
		events.next("beat", &told)
	}
}

func TestStreamsEndWithTheSession(t *testing.T) {
	s := open(t)
	s.signIn()
	events := s.watch("/operator/api/events")
	var ignored any
	events.next("snapshot", &ignored)
	s.send("DELETE", "/operator/api/session", "")
	events.next("signed-out", &ignored)
	if !events.ended() {
		t.Error("the stream goes on")
	}
}

func TestStreamsEndWhenTheConsoleCloses(t *testing.T) {
	s := open(t)
	s.signIn()
	events := s.watch("/operator/api/events")
	var ignored any
	events.next("snapshot", &ignored)
	s.console.Close()
	if !events.ended() {
		t.Error("the stream goes on")
	}
}

func TestWatchingKeepsASessionFromGoingIdle(t *testing.T) {
	s := open(t, func(c *Config) { c.SessionIdle = time.Minute })
	s.signIn()
	events := s.watch("/operator/api/events")
	var ignored any
	events.next("snapshot", &ignored)
	s.clock.advance(2 * time.Minute)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":true`)
}

func TestActionsReachTheServerWithTheirActor(t *testing.T) {
	s := open(t)
	s.signIn()
	events := s.watch("/operator/api/events")
	var ignored any
	events.next("snapshot", &ignored)
	m := "/operator/api/meetings/" + weekly.String()
	a := m + "/attendees/" + ada.String()
	s.want(s.send("PUT", a+"/capabilities", `{"audio":"Receive","video":"SendReceive","content":"None"}`), 204, "")
	s.want(s.send("POST", a+"/remove", ""), 204, "")
	s.want(s.send("POST", m+"/end", ""), 204, "")
	want := []string{
		"operator:127.0.0.1: audio Receive, video SendReceive, content None",
		"operator:127.0.0.1: remove " + ada.String(),
		"operator:127.0.0.1: end " + weekly.String(),
	}
	if fmt.Sprint(s.done) != fmt.Sprint(want) {
		t.Errorf("done\n%q, want\n%q", s.done, want)
	}
	var change struct{ Set map[string][]observe.Meeting }
	events.next("delta", &change)
	if row := change.Set["meetings"][0]; row.Reason != "ended by an operator" || row.Ended.IsZero() || row.Connected != 0 {
		t.Errorf("the ended meeting is shown as %+v", row)
	}
}

func TestRefusedActionsSayWhy(t *testing.T) {
	s := open(t)
	s.signIn()
	a := "/operator/api/meetings/" + weekly.String() + "/attendees/" + ada.String()
	for _, body := range []string{`{}`, `{"audio":"Loud","video":"None","content":"None"}`, `[]`, ``} {
		s.want(s.send("PUT", a+"/capabilities", body), 400, `"error"`)
	}
	s.want(s.send("POST", "/operator/api/meetings/x/end", ""), 400, "not a GUID")
	s.want(s.send("POST", "/operator/api/meetings/"+weekly.String()+"/attendees/x/remove", ""), 400, "not a GUID")
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{meeting.Errorf(meeting.NotFound, "Attendee not found"), 404, "Attendee not found"},
		{meeting.Errorf(meeting.Invalid, "Content needs Video"), 400, "Content needs Video"},
		{meeting.Errorf(meeting.Conflict, "busy"), 409, "busy"},
		{meeting.Errorf(meeting.Unavailable, "draining"), 503, "draining"},
		{fmt.Errorf("disk on fire"), 500, "could not do this"},
	} {
		s.mu.Lock()
		s.refusal = c.err
		s.mu.Unlock()
		got := s.send("POST", a+"/remove", "")
		s.want(got, c.status, c.text)
		if strings.Contains(got.body, "disk on fire") {
			t.Error("an inner fault is told to the page")
		}
	}
}
