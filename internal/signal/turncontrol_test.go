package signal

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/gate"
)

// askTURN asks for TURN credentials over HTTP.
func (v *env) askTURN(method string, header http.Header, in string) (int, http.Header, string) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.http.URL+PathTURN+"?X-Amzn-Version=1.18.0", strings.NewReader(in))
	if err != nil {
		v.t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Origin", "https://anywhere.example.com")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body(v.t, resp)
}

// oldToken is where clients before 1.18.4 put their join token.
func oldToken(token string) http.Header {
	return http.Header{"X-Chime-Auth-Token": {"_aws_wt_session=" + token}, "Content-Type": {"application/json"}}
}

func withTURN(c *Config) {
	c.Origins = []string{"https://app.example.com"} // whose pages alone may connect
	c.TURN = func(attendee string) TURN {
		return TURN{Username: "9:" + attendee, Password: "secret", TTL: time.Hour, URIs: []string{"turn:127.0.0.1:3478?transport=udp"}}
	}
}

func TestTURNCredentialsOverHTTP(t *testing.T) {
	v := newEnv(t, withTURN)
	p := v.meet("ada")
	meeting := fmt.Sprintf(`{"meetingId":%q}`, p.id)
	status, header, _ := v.askTURN(http.MethodOptions, nil, "")
	if status != 204 || header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(header.Get("Access-Control-Allow-Headers"), "x-chime-auth-token") {
		t.Errorf("preflight: %d %v", status, header)
	}
	for name, tt := range map[string]struct {
		header http.Header
		user   string
	}{
		"the header of old clients": {oldToken(p.token("ada")), "9:" + p.wire("ada")},
		"a bearer token":            {http.Header{"Authorization": {"Bearer " + p.token("ada")}}, "9:" + p.wire("ada")},
		"a share's token":           {oldToken(p.token("ada#content")), "9:" + p.wire("ada#content")},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, body := v.askTURN(http.MethodPost, tt.header, meeting)
			var got turnSession
			if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || header.Get("Access-Control-Allow-Origin") != "*" {
				t.Fatalf("%d %v %q", status, header, body)
			}
			if got.Username != tt.user || got.Password != "secret" || got.TTL != 3600 || !slices.Equal(got.URIs, []string{"turn:127.0.0.1:3478?transport=udp"}) {
				t.Errorf("answered %q", body)
			}
			for _, member := range []string{`"username"`, `"password"`, `"ttl"`, `"uris"`} {
				if !strings.Contains(body, member) {
					t.Errorf("%s is missing in %s", member, body)
				}
			}
		})
	}
}

func TestTURNCredentialsRefused(t *testing.T) {
	v := newEnv(t, withTURN)
	p, other, over := v.meet("ada", "bob"), v.meet("mallory"), v.meet("cleo")
	p.remove("bob")
	over.end()
	in := func(p *party) string { return fmt.Sprintf(`{"meetingId":%q}`, p.id) }
	for name, tt := range map[string]struct {
		method string
		header http.Header
		body   string
		want   int
	}{
		"no token":           {"POST", nil, in(p), 403},
		"made-up token":      {"POST", oldToken(strings.Repeat("A", 98)), in(p), 403},
		"foreign token":      {"POST", oldToken(other.token("mallory")), in(p), 403},
		"removed attendee":   {"POST", oldToken(p.token("bob")), in(p), 403},
		"ended meeting":      {"POST", oldToken(over.token("cleo")), in(over), 404},
		"no meeting":         {"POST", oldToken(p.token("ada")), `{}`, 403},
		"not JSON":           {"POST", oldToken(p.token("ada")), `{`, 400},
		"no body":            {"POST", oldToken(p.token("ada")), "", 400},
		"member twice":       {"POST", oldToken(p.token("ada")), fmt.Sprintf(`{"meetingId":%q,"meetingId":%q}`, other.id, p.id), 400},
		"other letter case":  {"POST", oldToken(p.token("ada")), fmt.Sprintf(`{"MeetingID":%q}`, p.id), 400},
		"two values":         {"POST", oldToken(p.token("ada")), in(p) + in(p), 400},
		"not UTF-8":          {"POST", oldToken(p.token("ada")), "{\"meetingId\":\"\xff\"}", 400},
		"more than asked":    {"POST", oldToken(p.token("ada")), in(p) + strings.Repeat(" ", maxTurnRequest), 413},
		"not POST":           {"GET", oldToken(p.token("ada")), "", 405},
		"token without name": {"POST", http.Header{"X-Chime-Auth-Token": {p.token("ada")}}, in(p), 403},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, body := v.askTURN(tt.method, tt.header, tt.body)
			if status != tt.want || header.Get("Access-Control-Allow-Origin") != "*" || strings.Contains(body, "secret") {
				t.Errorf("%d %v %q, want %d", status, header, body, tt.want)
			}
		})
	}
}

// TestNoTURN: a client that asks all the same may at least read the answer.
func TestNoTURN(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	status, header, _ := v.askTURN(http.MethodPost, oldToken(p.token("ada")), fmt.Sprintf(`{"meetingId":%q}`, p.id))
	if status != http.StatusGone || header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", status, header)
	}
	if status, _, _ := v.askTURN(http.MethodOptions, nil, ""); status != http.StatusNoContent {
		t.Errorf("preflight: %d", status)
	}
}

// TestSlowBodies: nobody holds a connection by sending a body byte by byte,
// whether the handler reads it or has refused the request already. As in the
// server, the gate stands in front.
func TestSlowBodies(t *testing.T) {
	v := newEnv(t, withTURN)
	p := v.meet("ada")
	gated := httptest.NewServer(gate.Handler(v.server, gate.Rules{Hosts: gate.Hosts{Names: []string{"x"}}, Body: 50 * time.Millisecond}))
	defer gated.Close()
	for name, tt := range map[string]struct{ request, want string }{
		"credentials, read":  {"POST " + PathTURN + " HTTP/1.1\r\nX-Chime-Auth-Token: _aws_wt_session=" + p.token("ada"), "408"},
		"credentials, not":   {"POST " + PathTURN + " HTTP/1.1", "403"},
		"reports, read":      {"POST " + PathEvents + " HTTP/1.1\r\nAuthorization: Bearer " + p.token("ada"), "408"},
		"reports, bad token": {"POST " + PathEvents + "/" + p.id.String() + " HTTP/1.1\r\nAuthorization: Bearer x", "403"},
		"reports, method":    {"PUT " + PathEvents + " HTTP/1.1", "405"},
		"signaling":          {"GET " + PathControl + "x HTTP/1.1", "404"},
		"retired":            {"POST " + PathScreenViewing + " HTTP/1.1", "410"},
		"an unknown address": {"POST /x HTTP/1.1", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", gated.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(conn, tt.request+"\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn) // until the server closes it
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+tt.want) {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}
