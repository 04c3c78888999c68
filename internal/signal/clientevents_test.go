package signal

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// report sends a report the way the client does.
func (v *env) report(method, query, token, origin, body string) *http.Response {
	v.t.Helper()
	req, err := http.NewRequest(method, v.http.URL+PathEvents+query, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp
}

func reportBody(id meeting.ID, authorization string, names ...string) string {
	var payloads []string
	for i, n := range names {
		payloads = append(payloads, fmt.Sprintf(`{"name":%q,"ts":%d,"meetingStatus":"OK","attempt":%d}`, n, 1_700_000_000_123+i, i))
	}
	return fmt.Sprintf(`{"metadata":{"meetingId":%q,"attendeeId":"x","browserName":"Chrome","browserVersion":"156","osName":"Linux","sdkVersion":"3.32.0"},
		"events":[{"type":"Meet","v":1,"payloads":[%s]}],"authorization":%q}`, id, strings.Join(payloads, ","), authorization)
}

func TestClientEvents(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Origins = []string{"https://app.example.com"} })
	p := v.meet("ada")
	const origin = "https://app.example.com"

	pre := v.report(http.MethodOptions, "", "", origin, "")
	body(t, pre)
	if pre.StatusCode != 204 || pre.Header.Get("Access-Control-Allow-Origin") != origin ||
		!strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), "authorization") || pre.Header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("preflight: %v %v", pre.StatusCode, pre.Header)
	}
	resp := v.report(http.MethodPost, "", p.token("ada"), origin, reportBody(p.id, "", "meetingStartRequested", "meetingStartSucceeded"))
	if b := body(t, resp); resp.StatusCode != 200 || b != "{}" || resp.Header.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("report: %v %q", resp.StatusCode, b)
	}
	beacon := v.report(http.MethodPost, "?beacon=1", "", origin, reportBody(p.id, p.token("ada"), "meetingEnded"))
	if body(t, beacon); beacon.StatusCode != 200 {
		t.Errorf("beacon: %v", beacon.StatusCode)
	}
	got := v.server.ClientEvents(p.id)
	if len(got) != 3 {
		t.Fatalf("%d events kept, want 3", len(got))
	}
	e := got[1]
	if e.Name != "meetingStartSucceeded" || e.Attendee != p.ids["ada"] || e.At.UnixMilli() != 1_700_000_000_124 ||
		e.Client != "Chrome 156 on Linux, SDK 3.32.0" || !strings.Contains(string(e.Attributes), `"attempt":1`) || e.Received.IsZero() {
		t.Errorf("event %+v", e)
	}
	foreign := v.report(http.MethodPost, "", p.token("ada"), "https://evil.example.com", reportBody(p.id, "", "x"))
	body(t, foreign)
	if foreign.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a foreign page may read the answer")
	}
}

func TestClientEventsRefused(t *testing.T) {
	v := newEnv(t, nil)
	p, other := v.meet("ada"), v.meet("mallory")
	good := reportBody(p.id, "", "x")
	tests := []struct {
		name, method, token, body string
		want                      int
	}{
		{"no token", "POST", "", good, 403},
		{"a foreign token", "POST", other.token("mallory"), good, 403},
		{"no meeting", "POST", p.token("ada"), `{"events":[]}`, 403},
		{"not JSON", "POST", p.token("ada"), `{`, 400},
		{"too large", "POST", p.token("ada"), strings.Repeat(" ", maxReport+1), 413},
		{"wrong method", "GET", p.token("ada"), "", 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := v.report(tt.method, "", tt.token, "", tt.body)
			body(t, resp)
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.want)
			}
		})
	}
	if got := v.server.ClientEvents(p.id); len(got) != 0 {
		t.Errorf("kept %+v", got)
	}
	p.end()
	last := v.report("POST", "", p.token("ada"), "", good)
	body(t, last)
	if last.StatusCode != 200 { // anything else has the client try again
		t.Errorf("after the end: %d", last.StatusCode)
	}
}

func TestClientEventsBounded(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	names := make([]string, maxEventsReport+5)
	for i := range names {
		names[i] = fmt.Sprint("event", i)
	}
	names[3] = strings.Repeat("n", maxEventName+1) // left out, like what is too large
	big := strings.Replace(reportBody(p.id, "", names...), `"name":"event4"`, `"name":"event4","pad":"`+strings.Repeat("x", maxEventAttrs)+`"`, 1)
	body(t, v.report("POST", "", p.token("ada"), "", big))
	got := v.server.ClientEvents(p.id)
	if len(got) != maxEventsReport || got[3].Name != "event5" {
		t.Errorf("%d events kept of one report, the fourth %q", len(got), got[3].Name)
	}
	limited := false
	for range 2 * eventBurst {
		resp := v.report("POST", "", p.token("ada"), "", reportBody(p.id, "", "a"))
		body(t, resp)
		if limited = resp.StatusCode == 429 && resp.Header.Get("Retry-After") != ""; limited {
			break
		}
	}
	if !limited {
		t.Error("reports are not limited")
	}
	if got := v.server.ClientEvents(p.id); len(got) != maxMeetingEvents {
		t.Errorf("%d events kept of the meeting", len(got))
	}
	store := newEventStore()
	for i := range maxEventMeetings + 7 {
		store.add(meeting.ID{byte(i), byte(i >> 8)}, nil)
	}
	if len(store.byMeeting) != maxEventMeetings || len(store.order) != maxEventMeetings {
		t.Errorf("%d meetings kept", len(store.byMeeting))
	}
}
