package signal

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// report sends a report the way the client does, to PathEvents and the rest.
func (v *env) report(method, rest, token, origin, body string) *http.Response {
	v.t.Helper()
	req, err := http.NewRequest(method, v.http.URL+PathEvents+rest, strings.NewReader(body))
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

func TestClientReports(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Origins = []string{"https://app.example.com"} })
	p := v.meet("ada")
	const origin = "https://app.example.com"
	for _, path := range []string{"/" + p.id.String(), ""} { // clients were once given the shorter one
		pre := v.report(http.MethodOptions, path, "", origin, "")
		body(t, pre)
		if pre.StatusCode != 204 || pre.Header.Get("Access-Control-Allow-Origin") != origin ||
			!strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), "authorization") || pre.Header.Get("Access-Control-Allow-Methods") != "POST" {
			t.Errorf("preflight: %v %v", pre.StatusCode, pre.Header)
		}
		before := v.server.ClientEvents()
		resp := v.report(http.MethodPost, path, p.token("ada"), origin, reportBody(p.id, "", "meetingStartRequested", "meetingStartSucceeded", "news"))
		if b := body(t, resp); resp.StatusCode != 200 || b != "{}" || resp.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("report: %v %q", resp.StatusCode, b)
		}
		beacon := v.report(http.MethodPost, path+"?beacon=1", "", origin, reportBody(p.id, p.token("ada"), "meetingEnded"))
		if body(t, beacon); beacon.StatusCode != 200 {
			t.Errorf("beacon: %v", beacon.StatusCode)
		}
		after := v.server.ClientEvents()
		for _, name := range []string{"meetingStartRequested", "meetingStartSucceeded", "meetingEnded", "other"} {
			if after[name] != before[name]+1 {
				t.Errorf("%s counted %d times, then %d", name, before[name], after[name])
			}
		}
	}
	foreign := v.report(http.MethodPost, "", p.token("ada"), "https://evil.example.com", reportBody(p.id, "", "x"))
	body(t, foreign)
	if foreign.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a foreign page may read the answer")
	}
}

func TestClientReportsRefused(t *testing.T) {
	v := newEnv(t, nil)
	p, other := v.meet("ada"), v.meet("mallory")
	own, good := "/"+p.id.String(), reportBody(p.id, "", "x")
	before := v.server.ClientEvents()
	for name, tt := range map[string]struct {
		method, path, token, body string
		want                      int
	}{
		"no token":                      {"POST", own, "", good, 403},
		"no token, no meeting":          {"POST", "", "", good, 403},
		"a foreign token":               {"POST", own, other.token("mallory"), good, 403},
		"a foreign token, no meeting":   {"POST", "", other.token("mallory"), good, 403},
		"a foreign token in the body":   {"POST", own, "", reportBody(p.id, other.token("mallory"), "x"), 403},
		"another meeting's address":     {"POST", "/" + other.id.String(), p.token("ada"), good, 403},
		"not a meeting":                 {"POST", "/x", p.token("ada"), good, 403},
		"no meeting":                    {"POST", "", p.token("ada"), `{"events":[]}`, 403},
		"not JSON":                      {"POST", own, p.token("ada"), `{`, 400},
		"not events":                    {"POST", own, p.token("ada"), `{"events":7}`, 400},
		"not JSON, and a foreign token": {"POST", own, other.token("mallory"), `{`, 403},
		"too large":                     {"POST", own, p.token("ada"), strings.Repeat(" ", 64<<10+1), 413},
		"wrong method":                  {"GET", own, p.token("ada"), "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			resp := v.report(tt.method, tt.path, tt.token, "", tt.body)
			body(t, resp)
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.want)
			}
		})
	}
	if after := v.server.ClientEvents(); !maps.Equal(before, after) {
		t.Errorf("counted %v", after)
	}
	p.end()
	for _, path := range []string{own, ""} {
		last := v.report("POST", path, p.token("ada"), "", good)
		body(t, last)
		if last.StatusCode != 200 { // anything else has the client try again
			t.Errorf("after the end: %d", last.StatusCode)
		}
	}
}
