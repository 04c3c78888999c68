package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/refusals"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// An operator who is told of a refused call, by its request id or by when it was,
// finds one line that says what it was, of whom, and why; and no secret in any.

const (
	secretOfAll   = "the-secret-of-the-key-that-may-all"
	secretOfOne   = "the-secret-of-the-key-that-may-one-thing"
	externalID    = "ada.lovelace@example.org"
	wrongSecret   = "a-secret-that-was-typed-wrongly"
	idOfNoMeeting = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
)

// night is a server whose log is read.
type night struct {
	*testing.T
	*server
	base    string
	secrets []string // that no line may have
}

func nightOf(t *testing.T, flags ...string) *night {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(keys, []byte("keys:\n"+
		"  - {access-key-id: ALL, secret-access-key: "+secretOfAll+", account: \"111111111111\"}\n"+
		"  - {access-key-id: ONE, secret-access-key: "+secretOfOne+", account: \"111111111111\", allow: [\"chime:CreateMeeting\"]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	operators := filepath.Join(t.TempDir(), "operators.yaml")
	if err := os.WriteFile(operators, []byte(fileOfBoth), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, t.TempDir(), append([]string{"--log-level", "info", "--key-file", keys, "--operators-file", operators}, flags...)...)
	return &night{t, s, s.ports.public.String(), []string{secretOfAll, secretOfOne, externalID, wrongSecret, s.id.OperatorSecret, "a secret of alice", "a secret of bob"}}
}

// lines are all lines of the log so far.
func (n *night) lines() (all []map[string]any) {
	n.Helper()
	for _, l := range n.tail.Lines("", observe.LogQuery{Limit: 10_000}).Lines {
		var line map[string]any
		if err := json.Unmarshal(l.Line, &line); err != nil {
			n.Fatal(err)
		}
		all = append(all, line)
		for _, secret := range n.secrets {
			if bytes.Contains(l.Line, []byte(secret)) {
				n.Fatalf("%q is in the line %s", secret, l.Line)
			}
		}
	}
	return all
}

// has finds the one line that has all of these fields.
func (n *night) has(what string, want map[string]any) {
	n.Helper()
	var found []map[string]any
	for end := time.Now().Add(30 * time.Second); len(found) == 0; time.Sleep(10 * time.Millisecond) {
		found = slices.DeleteFunc(n.lines(), func(line map[string]any) bool {
			for field, value := range want {
				if line[field] != value && !(value == something && line[field] != nil && line[field] != "") {
					return true
				}
			}
			return false
		})
		if len(found) == 0 && time.Now().After(end) {
			near := slices.DeleteFunc(n.lines(), func(line map[string]any) bool {
				return line["request_id"] != want["request_id"] || want["msg"] != nil && line["msg"] != want["msg"]
			})
			n.Fatalf("%s: no line has %v; near it are %v", what, want, near)
		}
	}
	if len(found) != 1 {
		n.Errorf("%s: %d lines: %v", what, len(found), found)
	}
}

// something stands for a field that has to be there.
const something = "(something)"

// asking is one HTTP request, and what its line has to say.
type asking struct {
	method, path, body string
	key, secret        string // signs it, unless empty
	with               map[string]string
	status             int
	operation, error   string
	more               map[string]any
}

// do sends the request and returns the answer, which needs no closing.
func (n *night) do(c asking) *http.Response {
	n.Helper()
	req, err := http.NewRequestWithContext(n.Context(), c.method, n.base+c.path, strings.NewReader(c.body))
	if err != nil {
		n.Fatal(err)
	}
	if c.key != "" {
		sum := sha256.Sum256([]byte(c.body))
		keys := aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}
		if err := v4.NewSigner().SignHTTP(n.Context(), keys, req, hex.EncodeToString(sum[:]), "chime", "us-east-1", time.Now()); err != nil {
			n.Fatal(err)
		}
		_, signature, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
		n.secrets = append(n.secrets, signature)
	}
	for name, value := range c.with {
		if req.Header.Set(name, value); name == "Host" {
			req.Host = value
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.Fatal(err)
	}
	if c.status != 0 && resp.StatusCode != c.status {
		n.Errorf("%s %s: %s %s", c.method, c.path, resp.Status, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// refused sends the request and finds its line.
func (n *night) refused(name string, c asking) {
	n.Helper()
	id := n.do(c).Header.Get(refusals.Header)
	want := map[string]any{
		"request_id": id, "method": c.method, "operation": c.operation, "error": c.error, "reason": something, "status": float64(c.status), "from": "127.0.0.1",
	}
	if c.key != "" {
		want["access_key"] = c.key
	}
	if c.operation == "" {
		want["path"] = something
	}
	for field, value := range c.more {
		want[field] = value
	}
	if id == "" {
		n.Errorf("%s: the answer has no request id", name)
		return
	}
	n.has(name, want)
}

// until repeats a call until it is answered as c says, and finds its line.
func (n *night) until(c asking) {
	n.Helper()
	want, name := c.status, c.method+" "+c.path
	for range 30 {
		c.status = 0
		resp := n.do(c)
		if c.status = want; resp.StatusCode == want {
			n.refused(name+" once more", c)
			return
		}
	}
	n.Errorf("%s is never answered with %d", name, want)
}

// meeting creates one through the SDK.
func (n *night) meeting(token string) string {
	n.Helper()
	return createMeeting(n.T, n.sdk("ALL", secretOfAll, http.DefaultClient), token)
}

// attendee makes one in a meeting through the SDK, and keeps its secrets.
func (n *night) attendee(m, external string) (id, token string) {
	n.Helper()
	made, err := n.sdk("ALL", secretOfAll, http.DefaultClient).CreateAttendee(n.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &m, ExternalUserId: &external})
	if err != nil {
		n.Fatal(err)
	}
	n.secrets = append(n.secrets, external, *made.Attendee.JoinToken)
	return *made.Attendee.AttendeeId, *made.Attendee.JoinToken
}

// knock opens a signaling connection, and asks to join where ask is set; id is
// that of the request. The connection is nil when it did not open.
func (n *night) knock(m, token string, ask bool) (d *door.Door, id string, err error) {
	n.Helper()
	kept := &keeping{}
	d, err = door.Dial(n.Context(), &http.Client{Transport: kept}, "ws"+strings.TrimPrefix(n.base, "http")+"/control/"+m, token, func(*wire.Index) {})
	if err == nil && ask {
		_, err = d.Ask(n.Context(), door.Join(1), wire.Frame_JOIN_ACK)
	}
	return d, kept.id, err
}

// dial is knock for who hangs up at once.
func (n *night) dial(m, token string, ask bool) (id string, err error) {
	n.Helper()
	d, id, err := n.knock(m, token, ask)
	if d != nil {
		d.Close()
	}
	return id, err
}

// keeping keeps the request id of the last answer.
type keeping struct{ id string }

// RoundTrip implements http.RoundTripper.
func (k *keeping) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		k.id = resp.Header.Get(refusals.Header)
	}
	return resp, err
}
