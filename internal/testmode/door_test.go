package testmode

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// plane is a control plane and a signaling door with one meeting, room, in which
// ada is connected.
type plane struct {
	calls     []string
	ended     bool
	pipelines []*meeting.Pipeline
}

func (p *plane) note(what string) error {
	p.calls = append(p.calls, what)
	return nil
}

func (p *plane) Meetings(context.Context) ([]observe.Meeting, error) {
	m := observe.Meeting{ID: room, External: "standup", Attendees: 1, Load: observe.Load{Connected: 1}}
	if p.ended {
		m.Ended = observe.At(at)
	}
	return []observe.Meeting{m}, nil
}

func (p *plane) EndMeeting(_ context.Context, id meeting.ID) error {
	if id != room || p.ended {
		return meeting.MissingMeeting(id)
	}
	p.ended = true
	return p.note("end")
}

func (p *plane) RemoveAttendee(_ context.Context, id, who meeting.ID) error {
	if who != ada {
		return meeting.MissingAttendee(who)
	}
	return p.note("remove")
}

func (p *plane) EndDue(context.Context) (time.Time, error) {
	return time.Now().Add(10 * maxAdvance), nil
}

func (p *plane) Cut(id, who meeting.ID) int {
	if id != room || who != ada {
		return 0
	}
	_ = p.note("cut")
	return 1
}

func (p *plane) Settle(context.Context) {}

func (p *plane) Pipelines() []*meeting.Pipeline { return p.pipelines }

// MovePipeline stops a pipeline; the end of it comes when it is looked for next.
func (p *plane) MovePipeline(_ context.Context, id meeting.ID, to meeting.PipelineStatus, _ string) error {
	for i, old := range p.pipelines {
		if old.ID == id && to == meeting.PipelineStopping {
			p.pipelines[i] = &meeting.Pipeline{ID: id, Status: meeting.PipelineStopped}
			return p.note("stop")
		}
	}
	return meeting.MissingPipeline(id)
}

func newDoor() (*Door, *plane) {
	p := &plane{}
	return NewDoor(Config{
		Clock: &Clock{}, Faults: &Faults{}, Events: written(), Meetings: p, Connections: p, Tombstone: time.Minute, Refill: func() { _ = p.note("refill") },
		WithActor: func(ctx context.Context, _ string) context.Context { return ctx },
	}), p
}

// do makes a call and returns the answer.
func do(h http.Handler, method, path, body string, headers ...string) (status int, answer string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestEveryCall(t *testing.T) {
	d, p := newDoor()
	inside, who := Prefix+"meetings/"+room.String(), "/attendees/"+ada.String()
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string // a part of it
	}{
		{"GET", Prefix + "clock", "", 200, `"advanced":"0s"`},
		{"POST", Prefix + "clock", `{"advance":"10m"}`, 200, `"advanced":"10m0s"`},
		{"POST", Prefix + "faults", `{"operation":"CreateMeeting","error":"ConflictException","calls":3}`, 200, `"id":1`},
		{"GET", Prefix + "faults", "", 200, `{"faults":[{"id":1,"operation":"CreateMeeting","error":"ConflictException","calls":3,"hits":0}]}`},
		{"DELETE", Prefix + "faults/1", "", 204, ""},
		{"DELETE", Prefix + "faults/1", "", 404, "no fault 1"},
		{"POST", Prefix + "faults", `{"status":503,"delay":"1s"}`, 200, `"id":2`},
		{"DELETE", Prefix + "faults", "", 204, ""},
		{"GET", Prefix + "faults", "", 200, `{"faults":[]}`},
		{"GET", Prefix + "meetings", "", 200, `"externalMeetingId":"standup"`},
		{"GET", Prefix + "events?type=AttendeeAdded&attendee=" + ada.String(), "", 200, `"next":2`},
		{"GET", Prefix + "events?after=2&wait=1ms", "", 200, `{"events":[],"next":2}`},
		{"POST", inside + who + "/drop", "", 200, `{"connections":1}`},
		{"POST", inside + who + "/remove", "", 204, ""},
		{"POST", inside + "/end", "", 204, ""},
		{"POST", Prefix + "reset", "", 204, ""},
		{"POST", Prefix + "reset", " {}\n", 204, ""},
		{"GET", Prefix + "clock", "", 200, `"advanced":"0s"`},
	} {
		if status, answer := do(d, c.method, c.path, c.body); status != c.status || !strings.Contains(answer, c.answer) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, answer)
		}
	}
	if got := strings.Join(p.calls, " "); got != "cut remove end refill refill" {
		t.Errorf("done: %s", got)
	}
}

// Whatever is wrong is said in words that name it, as JSON, and changes nothing.
func TestWrongCallsAreExplained(t *testing.T) {
	d, p := newDoor()
	somebody := "/attendees/" + room.String()
	for _, c := range []struct {
		method, path, body string
		status             int
		words              string
	}{
		{"POST", "clock", `{"advance":"1s","advance":"2s"}`, 400, "given twice"},
		{"POST", "clock", `{"Advance":"1s"}`, 400, "Advance"},
		{"POST", "faults", `{"status":500,"status":503}`, 400, "given twice"},
		{"POST", "clock", ``, 400, "not a JSON object"},
		{"POST", "clock", `{"advance":"1s"`, 400, "not a JSON object"},
		{"POST", "clock", `advance=1s`, 400, "not a JSON object"},
		{"POST", "clock", `["1s"]`, 400, "not a JSON object"},
		{"POST", "clock?advance=1s", `{"advance":"1s"}`, 400, "no parameters"},
		{"POST", "clock", `{"advance":"10"}`, 400, `\"10\" is not a time such as 10m`},
		{"POST", "clock", `{"advance":600}`, 400, `advance: a text such as \"10m\" or \"1.5s\" is expected, not a number`},
		{"POST", "clock", `{"advance":"-1s"}`, 400, "advance"},
		{"POST", "clock", `{"advance":"745h"}`, 400, "744h"},
		{"POST", "clock", `{"move":"1s"}`, 400, "move"},
		{"POST", "clock", `{"advance":"1s"} {}`, 400, "not a JSON object"},
		{"POST", "clock", `{"advance":"` + strings.Repeat("1", maxBody) + `"}`, 413, "64 KiB"},
		{"POST", "faults", `{}`, 400, "neither an error"},
		{"POST", "faults", `{"status":"503"}`, 400, "status: a whole number is expected, not a string"},
		{"POST", "faults", `{"status":503,"calls":1.5}`, 400, "calls: a whole number"},
		{"POST", "faults", `{"error":{"name":"X"}}`, 400, "error: a text is expected, not an object"},
		{"POST", "faults", `{"status":503,"retry":1}`, 400, `no member \"retry\"`},
		{"POST", "reset", `{"account":"210987654321"}`, 400, "no body"},
		{"POST", "reset", `everything`, 400, "no body"},
		{"POST", "reset?account=210987654321", ``, 400, "no parameters"},
		{"POST", "meetings/" + room.String() + "/end", `{"reason":"x"}`, 400, "no body"},
		{"GET", "meetings?limit=1", "", 400, "no parameters"},
		{"POST", "reset", strings.Repeat(" ", maxBody+1), 413, "64 KiB"},
		{"DELETE", "faults/all", "", 404, "no fault all"},
		{"DELETE", "clock", "", 404, "There is no DELETE /test/v1/clock"},
		{"GET", "", "", 404, "docs/testing-your-app.md"},
		{"POST", "meetings/7/end", "", 400, `\"7\" is not an id, as that of the meeting`},
		{"POST", "meetings/" + ada.String() + "/end", "", 404, ada.String()},
		{"POST", "meetings/" + room.String() + "/attendees/7/drop", "", 400, "is not an id, as that of the attendee"},
		{"POST", "meetings/" + room.String() + somebody + "/drop", "", 404, "is not connected"},
		{"POST", "meetings/" + room.String() + somebody + "/remove", "", 404, room.String()},
		{"GET", "events?after=first", "", 400, "after"},
		{"GET", "events?wait=2m", "", 400, "wait"},
		{"GET", "events?wait=-1s", "", 400, "wait"},
		{"GET", "events?kind=x", "", 400, "kind: there are"},
		{"GET", "events?attendee=", "", 400, "attendee: "},
		{"GET", "events?wait=1s&wait=2s", "", 400, "wait is given more than once"},
		{"GET", "events?type=a;b", "", 400, "cannot be read"},
		{"GET", "events?type=AttendeeJoind&wait=1m", "", 400, `no \"AttendeeJoind\"; there are AttendeeAdded, `},
		{"GET", "events?meeting=standup&wait=1m", "", 400, `meeting: \"standup\" is not an id`},
		{"GET", "events?attendee=ada&wait=1m", "", 400, `attendee: \"ada\" is not an id`},
		{"POST", "meetings/" + ada.String() + "/end", "", 404, "Meeting <" + ada.String() + ">"},
	} {
		status, answer := do(d, c.method, Prefix+c.path, c.body)
		var told struct{ Message string }
		if err := json.Unmarshal([]byte(answer), &told); err != nil || told.Message == "" {
			t.Errorf("%s %s: %s", c.method, c.path, answer)
		}
		if status != c.status || !strings.Contains(answer, c.words) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
		}
	}
	if len(p.calls) > 0 || d.cfg.Clock.Ahead() != 0 || len(d.cfg.Faults.List()) > 0 {
		t.Errorf("done: %v", p.calls)
	}
}

// Pipelines that outlive their meeting go, too.
func TestResetEndsPipelines(t *testing.T) {
	d, p := newDoor()
	p.pipelines = []*meeting.Pipeline{
		{ID: meeting.ID{8}, Status: meeting.PipelineInProgress},
		{ID: meeting.ID{9}, Status: meeting.PipelineFailed},
	}
	if status, answer := do(d, "POST", Prefix+"reset", ""); status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
	if got := strings.Join(p.calls, " "); got != "end stop refill" {
		t.Errorf("done: %s", got)
	}
	if status, answer := do(d, "GET", Prefix+"events", ""); status != http.StatusOK || answer != `{"events":[],"next":2}` {
		t.Errorf("events: %d %s", status, answer)
	}
	if ahead := d.cfg.Clock.Ahead(); ahead != 0 {
		t.Errorf("the clock is %v ahead", ahead)
	}
}

// A reset that cannot end them says so, and does not hang.
func TestAResetThatCannotEndPipelinesSaysIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p := newDoor()
		stuck := meeting.ID{8}
		p.pipelines = []*meeting.Pipeline{{ID: stuck, Status: meeting.PipelineStopping}}
		if status, answer := do(d, "POST", Prefix+"reset", ""); status != http.StatusInternalServerError || !strings.Contains(answer, stuck.String()) {
			t.Errorf("%d %s", status, answer)
		}
	})
}

func TestPagesOfOthersMayNotCall(t *testing.T) {
	d, p := newDoor()
	if status, answer := do(d, "POST", Prefix+"reset", "", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden || !strings.HasPrefix(answer, `{"message":"A page of another origin`) {
		t.Errorf("a page of another site: %d %s", status, answer)
	}
	if status, _ := do(d, "POST", Prefix+"reset", "", "Origin", "https://example.org"); status != http.StatusForbidden || len(p.calls) > 0 {
		t.Errorf("another origin: %d, %v", status, p.calls)
	}
}

func TestOnlyNeighboursAreAdmitted(t *testing.T) {
	h := Admit([]netip.Prefix{netip.MustParsePrefix("172.16.0.0/12")}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}), func(refusing http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Noted", "yes")
			refusing.ServeHTTP(w, r)
		})
	})
	for from, want := range map[string]int{
		"127.0.0.1:1": 204, "[::1]:1": 204, "172.17.0.1:1": 204, "[::ffff:172.17.0.1]:1": 204,
		"10.0.0.1:1": 403, "[2001:db8::1]:1": 403, "192.0.2.1:1": 403, "": 403,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || (w.Header().Get("Noted") == "yes") != (want == 403) {
			t.Errorf("%q: %d, %v", from, w.Code, w.Header())
		}
	}
}
