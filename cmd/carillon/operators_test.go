package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
)

// What stands for the secrets "a secret of alice" and "a secret of bob".
const (
	hashOfAlice = "$2a$10$f9s2GN7j/SAeD/JfRE0JJunn71DvI62iKgzk0uiUCvMIovQCo3e0y"
	hashOfBob   = "$2a$10$SAJCoCqkRXQjunGl8/fQz.33vCgjKAGJhKSLc8T6ybS7qpk91ezdm"
)

const (
	fileOfAlice = "operators:\n  - {name: alice, role: operator, secret-hash: \"" + hashOfAlice + "\"}\n"
	fileOfBoth  = fileOfAlice + "  - {name: bob, role: read-only, secret-hash: \"" + hashOfBob + "\"}\n"
)

// signInAs signs in an operator with a name; status is what came of it.
func signInAs(t *testing.T, s *server, name, secret string) (o *operator, status int) {
	t.Helper()
	o = &operator{T: t, base: s.ports.public.String() + "/operator/api/"}
	response := o.send("POST", "session", fmt.Sprintf(`{"name":%q,"secret":%q}`, name, secret))
	defer response.Body.Close()
	var view struct{ CSRF string }
	if err := json.NewDecoder(response.Body).Decode(&view); err != nil {
		t.Fatal(err)
	}
	for _, c := range response.Cookies() {
		o.cookie = c
	}
	o.csrf = view.CSRF
	return o, response.StatusCode
}

func (o *operator) signedIn() bool {
	o.Helper()
	response := o.send("GET", "session", "")
	defer response.Body.Close()
	var view struct{ SignedIn bool }
	return json.NewDecoder(response.Body).Decode(&view) == nil && view.SignedIn
}

// Operators come and go with their file, while the server runs.
func TestOperatorsOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "operators.yaml")
	replace(t, path, []byte(fileOfBoth))
	s := startServer(t, t.TempDir(), "--operators-file", path)
	alice, status := signInAs(t, s, "alice", "a secret of alice")
	if status != http.StatusOK || !alice.signedIn() {
		t.Fatalf("alice's sign-in is answered %d", status)
	}
	bob, _ := signInAs(t, s, "bob", "a secret of bob")
	own := signIn(t, s)
	replace(t, path, []byte("operators: nonsense"))
	until(t, "the broken file", func() bool {
		page, err := s.audit.Read(t.Context(), audit.Query{Text: "operators file", Outcome: audit.Refused})
		return err == nil && len(page.Entries) == 1
	})
	if !alice.signedIn() {
		t.Error("a broken file signed somebody out")
	}
	replace(t, path, []byte(fileOfAlice))
	until(t, "bob's end", func() bool { return !bob.signedIn() })
	if _, status := signInAs(t, s, "bob", "a secret of bob"); status != http.StatusUnauthorized {
		t.Errorf("bob, who is nobody now, is answered %d", status)
	}
	if !alice.signedIn() || !own.signedIn() {
		t.Error("somebody was signed out whom the change is not about")
	}
}

// auditOf runs carillon admin audit.
func auditOf(t *testing.T, s *server, change func(*adminAuditCommand)) (entries []audit.Entry, err error) {
	t.Helper()
	c := &adminAuditCommand{operatorTarget: operatorTarget{Endpoint: s.ports.public.String(), OperatorSecret: s.operatorSecret()}, Limit: 100, JSON: true}
	change(c)
	var out bytes.Buffer
	if err := c.print(t.Context(), &out, io.Discard); err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(&out); dec.More(); {
		var e audit.Entry
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// A spoilt line of the audit hides no other, and whoever looks is told of it.
func TestAnAuditWithASpoiltLineSaysSo(t *testing.T) {
	data := t.TempDir()
	if err := startServer(t, data).stop(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(data, "audit", "audit-0000000001.jsonl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, name, append([]byte("\x00\x00\x00\n"), text...))
	s := startServer(t, data)
	var out, notes bytes.Buffer
	c := &adminAuditCommand{operatorTarget: operatorTarget{Endpoint: s.ports.public.String(), OperatorSecret: s.operatorSecret()}, Limit: 100}
	if err := c.print(t.Context(), &out, &notes); err != nil {
		t.Fatal(err)
	}
	if notes.String() != "lines of the audit that cannot be read, and are missing here: 1\n" || strings.Count(out.String(), " start ") != 2 {
		t.Errorf("carillon admin audit prints\n%s%s", out.String(), notes.String())
	}
}

// Whoever changes something is in the audit, by whatever way, and stays there
// when the server starts again.
func TestWhoDidWhatIsWrittenDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "operators.yaml")
	replace(t, path, []byte(fileOfBoth))
	data := t.TempDir()
	flags := []string{"--operators-file", path, "--audit-api"}
	s := startServer(t, data, flags...)
	m := weeklyMeeting(t, s)
	alice, _ := signInAs(t, s, "alice", "a secret of alice")
	bob, _ := signInAs(t, s, "bob", "a secret of bob")
	signInAs(t, s, "bob", "a guess")
	for o, status := range map[*operator]int{bob: http.StatusForbidden, alice: http.StatusNoContent} {
		response := o.send("POST", "meetings/"+m+"/end", "")
		if response.Body.Close(); response.StatusCode != status {
			t.Errorf("ending the meeting is answered %d, want %d", response.StatusCode, status)
		}
	}
	admin := adminTarget{Endpoint: s.ports.public.String(), AccessKey: s.id.AccessKey, SecretKey: s.id.SecretKey, Region: "us-east-1"}
	if err := admin.app(t.Context(), "POST", nil, nil, m, "attendees", m, "mute"); err == nil {
		t.Error("somebody was muted who is not there")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, data, flags...)
	all, err := auditOf(t, s, func(*adminAuditCommand) {})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		if e.At.IsZero() || e.Via != audit.Server && e.From != "127.0.0.1" || (e.Via == audit.App || e.Via == audit.API) && e.Request == "" {
			t.Errorf("%+v", e)
		}
		got = append(got, strings.Join([]string{e.Via, e.Who, e.Action, e.Outcome, e.Error}, " "))
	}
	key := "key:" + s.id.AccessKey
	for _, want := range []string{
		"server  start done ", "server  stop done ", "api " + key + " CreateMeeting done ", "app " + key + " MuteAttendee refused NotFoundException",
		"console operator:alice sign in done ", "console operator:bob sign in done ", "console operator:bob sign in refused ",
		"console operator:bob end meeting refused ", "console operator:alice end meeting done ",
	} {
		if n := strings.Count(strings.Join(got, "\n")+"\n", want+"\n"); n == 0 {
			t.Errorf("the audit lacks %q:\n%s", want, strings.Join(got, "\n"))
		}
	}
	one, err := auditOf(t, s, func(c *adminAuditCommand) {
		c.Operator, c.OperatorSecret, c.Who, c.Text = "bob", "a secret of bob", "operator:alice", m
	})
	if err != nil || len(one) != 1 || one[0].Target != "meeting "+m {
		t.Errorf("what alice did to the meeting: %+v, %v", one, err)
	}
	if _, err := auditOf(t, s, func(c *adminAuditCommand) { c.OperatorSecret = "wrong" }); err == nil {
		t.Error("the audit is told to anybody")
	}
	text, err := os.ReadFile(filepath.Join(data, "audit", "audit-0000000001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"a secret of", "a guess", s.id.SecretKey, s.id.OperatorSecret, alice.csrf, "weekly"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the audit holds %q", secret)
		}
	}
}

// Commands of operators who may only look change nothing either.
func TestCommandsKnowWhoAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "operators.yaml")
	replace(t, path, []byte(fileOfBoth))
	s := startServer(t, t.TempDir(), "--operators-file", path, "--webhook", "http://127.0.0.1:1/", "--webhook-secret-file", file(t, "secret", webhook.NewSecret()), "--webhook-allow-private")
	as := func(name, secret string) operatorTarget {
		return operatorTarget{Endpoint: s.ports.public.String(), Operator: name, OperatorSecret: secret}
	}
	if err := (&eventsStatusCommand{as("bob", "a secret of bob")}).Run(t.Context()); err != nil {
		t.Errorf("looking: %v", err)
	}
	if err := (&eventsDropCommand{sortedOut{operatorTarget: as("bob", "a secret of bob")}}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("dropping events: %v", err)
	}
	if err := (&eventsDropCommand{sortedOut{operatorTarget: as("alice", "a secret of alice")}}).Run(t.Context()); err != nil {
		t.Errorf("alice: %v", err)
	}
	if err := (&eventsStatusCommand{as("alice", "")}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--operator needs") {
		t.Errorf("without the secret: %v", err)
	}
}

func TestASecretIsHashed(t *testing.T) {
	var out bytes.Buffer
	if err := hashSecret(strings.NewReader("a secret of carol\n"), &out); err != nil || !strings.HasPrefix(out.String(), "$2a$10$") {
		t.Errorf("%q, %v", out.String(), err)
	}
	list := "operators:\n  - {name: carol, role: operator, secret-hash: \"" + strings.TrimSpace(out.String()) + "\"}\n"
	if got, err := namedOperators(file(t, "operators.yaml", list)); err != nil || got.Len() != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if err := hashSecret(strings.NewReader("short\n"), &out); err == nil {
		t.Error("a short secret is taken")
	}
}

// weeklyMeeting creates a meeting by the API and returns its id.
func weeklyMeeting(t *testing.T, s *server) string {
	t.Helper()
	var answer struct {
		Meeting struct {
			MeetingID string `json:"MeetingId"`
		}
	}
	admin := adminTarget{Endpoint: s.ports.public.String(), AccessKey: s.id.AccessKey, SecretKey: s.id.SecretKey, Region: "us-east-1"}
	in := map[string]any{"ClientRequestToken": "the-same", "ExternalMeetingId": "weekly", "MediaRegion": "us-east-1"}
	if err := admin.call(t.Context(), "POST", "/meetings-api/meetings", "us-east-1", in, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Meeting.MeetingID
}

// The console at an address of its own is not at the other one, and all that its
// pages need is with it.
func TestTheConsoleHasAnAddressOfItsOwn(t *testing.T) {
	s := startServer(t, t.TempDir(), "--console-listen", "127.0.0.1:0", "--no-demo")
	here, there := s.ports.public.String(), "http://"+s.ports.console.Addr().String()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	get := func(url string, with ...string) int {
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(with); i += 2 {
			if req.Header.Set(with[i], with[i+1]); with[i] == "Host" {
				req.Host = with[i+1]
			}
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for url, want := range map[string]int{
		there + "/": 302, there + "/operator/api/session": 200, there + "/healthz": 200, there + "/readyz": 200, there + "/meetings-api/meetings/x": 403,
		there + "/metrics": 404, there + "/control/x": 404, there + "/demo/meetings": 404, there + "/app/v1/meetings": 404, there + "/meetings/x": 404,
		here + "/operator/": 404, here + "/operator": 404, here + "/operator/api/session": 404, here + "/operator/api/cluster": 404, here + "/healthz": 200,
		here + "/metrics": 200,
	} {
		if got := get(url); got != want {
			t.Errorf("%s is answered %d, want %d", url, got, want)
		}
	}
	if got := get(there+"/operator/api/session", "Host", "evil.example"); got != http.StatusMisdirectedRequest {
		t.Errorf("another name for the console is answered %d", got)
	}
	if got := get(here+"/", "Accept", "text/html"); got != 404 {
		t.Errorf("/ of the other address leads on: %d", got)
	}
	o := &operator{T: t, base: there + "/operator/api/"}
	response := o.send("POST", "session", fmt.Sprintf(`{"secret":%q}`, s.id.OperatorSecret))
	if response.Body.Close(); response.StatusCode != 200 || len(response.Cookies()) != 1 || response.Cookies()[0].Secure {
		t.Errorf("sign-in: %d %v", response.StatusCode, response.Cookies())
	}
	target := operatorTarget{Endpoint: there, OperatorSecret: s.id.OperatorSecret}
	var page audit.Page
	if err := target.ask(t.Context(), "GET", "/operator/api/commands/audit", nil, &page); err != nil || len(page.Entries) == 0 {
		t.Errorf("a command: %+v, %v", page, err)
	}
}
