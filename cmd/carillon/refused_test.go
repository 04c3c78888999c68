package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
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
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/pion/turn/v5"

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

// do sends the request and returns the answer; it is read.
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

func TestEveryRefusedCallOfTheAPIsIsALine(t *testing.T) {
	n := nightOf(t, "--throttle-rate", "0.001", "--throttle-burst", "12", "--limit-meetings", "1")
	m := n.meeting("first")
	const create = `{"ClientRequestToken":"other","ExternalMeetingId":"` + externalID + `","MediaRegion":"us-east-1"}`
	for _, base := range []string{"", "/meetings-api", "/legacy"} {
		flavour := map[string]any{"flavour": map[string]string{"": "meetings", "/meetings-api": "meetings", "/legacy": "legacy"}[base]}
		get := base + "/meetings/" + idOfNoMeeting
		signed := func(c asking) asking {
			c.path, c.key, c.secret = base+c.path, "ALL", secretOfAll
			if c.operation != "" {
				c.more = flavour
			}
			return c
		}
		for name, c := range map[string]asking{
			"nobody":              {method: "GET", path: get, status: 403, operation: "GetMeeting", error: "MissingAuthenticationTokenException"},
			"an unknown key":      {method: "GET", path: get, key: "NOBODY", secret: wrongSecret, status: 403, operation: "GetMeeting", error: "UnrecognizedClientException"},
			"another secret":      {method: "GET", path: get, key: "ALL", secret: wrongSecret, status: 403, operation: "GetMeeting", error: "InvalidSignatureException"},
			"a key that may not":  {method: "GET", path: get, key: "ONE", secret: secretOfOne, status: 403, operation: "GetMeeting", error: "ForbiddenException", more: flavour},
			"no such meeting":     signed(asking{method: "GET", path: "/meetings/" + idOfNoMeeting, status: 404, operation: "GetMeeting", error: "NotFoundException"}),
			"no such operation":   signed(asking{method: "GET", path: "/nothing/" + externalID, status: 404, error: "UnknownOperationException"}),
			"broken JSON":         signed(asking{method: "POST", path: "/meetings", body: `{"` + externalID, status: 400, operation: "CreateMeeting", error: "BadRequestException"}),
			"a rule that is hurt": signed(asking{method: "POST", path: "/meetings", body: `{"ExternalMeetingId":"` + externalID + `"}`, status: 400, operation: "CreateMeeting", error: "BadRequestException"}),
		} {
			n.refused(name+" at "+base, c)
		}
		n.until429(signed(asking{method: "DELETE", path: "/meetings/" + idOfNoMeeting, operation: "DeleteMeeting", error: map[string]string{"/legacy": "ThrottledClientException"}[base]}))
	}
	n.refused("one meeting too many", asking{method: "POST", path: "/meetings", body: create, key: "ALL", secret: secretOfAll, status: 400, operation: "CreateMeeting", error: "LimitExceededException"})
	n.refusedByApp(m)
	n.lines()
}

// until429 repeats a call until it comes too often.
func (n *night) until429(c asking) {
	n.Helper()
	for range 30 {
		if resp := n.do(c); resp.StatusCode == http.StatusTooManyRequests {
			c.status, c.error = http.StatusTooManyRequests, cmp.Or(c.error, "ThrottlingException")
			n.refused("too often "+c.path, c)
			return
		}
	}
	n.Errorf("%s %s is never too often", c.method, c.path)
}

func (n *night) refusedByApp(m string) {
	n.Helper()
	signed := func(c asking) asking {
		c.path, c.key, c.secret = "/app/v1/"+c.path, "ALL", secretOfAll
		return c
	}
	for name, c := range map[string]asking{
		"nobody":             {method: "GET", path: "/app/v1/meetings", status: 403, error: "MissingAuthenticationTokenException"},
		"another secret":     {method: "GET", path: "/app/v1/meetings", key: "ALL", secret: wrongSecret, status: 403, error: "InvalidSignatureException"},
		"a key that may not": {method: "GET", path: "/app/v1/meetings", key: "ONE", secret: secretOfOne, status: 403, operation: "ListMeetings", error: "ForbiddenException"},
		"no such meeting":    signed(asking{method: "GET", path: "meetings/" + idOfNoMeeting, status: 404, operation: "GetMeeting", error: "NotFoundException"}),
		"no such address":    signed(asking{method: "GET", path: "nothing/" + externalID, status: 404, error: "UnknownOperationException"}),
		"another method":     signed(asking{method: "PUT", path: "meetings", status: 405, error: "MethodNotAllowedException"}),
		"an odd parameter":   signed(asking{method: "GET", path: "meetings?external=" + externalID, status: 400, operation: "ListMeetings", error: "BadRequestException"}),
		"broken JSON":        signed(asking{method: "POST", path: "meetings/" + m + "/messages", body: "{", status: 400, operation: "SendMessage", error: "BadRequestException"}),
	} {
		n.refused("the application API: "+name, c)
	}
	n.until429(signed(asking{method: "GET", path: "meetings/" + idOfNoMeeting + "/records", operation: "ListRecords", error: "ThrottlingException"}))
}

// meeting creates one through the SDK.
func (n *night) meeting(token string) string {
	n.Helper()
	return createMeeting(n.T, n.sdk("ALL", secretOfAll, http.DefaultClient), token)
}

// Operators' doors: the console's, the commands', the cluster's, the profiles'.
func TestEveryRefusedOperatorIsALine(t *testing.T) {
	n := nightOf(t, "--demo")
	bob, _ := signInAs(t, n.server, "bob", "a secret of bob")
	cookie := bob.cookie.Name + "=" + bob.cookie.Value
	n.secrets = append(n.secrets, bob.cookie.Value, bob.csrf)
	as := func(csrf string) map[string]string {
		return map[string]string{"Cookie": cookie, "X-Carillon-Csrf": csrf}
	}
	const api = "/operator/api/"
	bearer := map[string]string{"Authorization": "Bearer " + wrongSecret}
	end := asking{method: "POST", path: api + "meetings/" + idOfNoMeeting + "/end", operation: "POST /operator/api/meetings/{meeting}/end"}
	refusedEnd := func(csrf string, status int, name string, more map[string]any) asking {
		c := end
		c.with, c.status, c.error, c.more = as(csrf), status, name, more
		return c
	}
	for name, c := range map[string]asking{
		"a wrong secret": {method: "POST", path: api + "session", body: `{"name":"alice","secret":"` + wrongSecret + `"}`, status: 401, operation: "POST /operator/api/session",
			error: "UnauthorizedException", more: map[string]any{"operator": "alice", "msg": "operator sign-in refused: wrong secret"}},
		"a secret for a name": {method: "POST", path: api + "session", body: `{"name":"` + wrongSecret + `","secret":"x"}`, status: 401, operation: "POST /operator/api/session",
			error: "UnauthorizedException", more: map[string]any{"operator": "(unknown)"}},
		"no JSON":           {method: "POST", path: api + "session", body: wrongSecret, status: 400, operation: "POST /operator/api/session", error: "BadRequestException"},
		"nobody":            {method: "GET", path: api + "audit", status: 401, operation: "GET /operator/api/audit", error: "UnauthorizedException"},
		"no such address":   {method: "GET", path: api + wrongSecret, with: as(""), status: 404, error: "NotFoundException"},
		"a limit":           {method: "GET", path: api + "audit?limit=0&text=" + externalID, with: as(""), status: 400, operation: "GET /operator/api/audit", error: "BadRequestException", more: map[string]any{"operator": "bob"}},
		"a foreign page":    refusedEnd("", 403, "ForbiddenException", map[string]any{"operator": "bob", "msg": "operator action refused: no token of the session"}),
		"who may only look": refusedEnd(bob.csrf, 403, "ForbiddenException", map[string]any{"operator": "bob", "action": "end meeting", "msg": "operator action refused: the role is read-only"}),
		"a command":         {method: "GET", path: api + "commands/audit", with: bearer, status: 401, operation: "GET /operator/api/commands/audit", error: "UnauthorizedException", more: map[string]any{"via": "command"}},
		"the cluster":       {method: "GET", path: api + "cluster", with: bearer, status: 401, error: "UnauthorizedException", more: map[string]any{"msg": "operator sign-in refused: wrong secret"}},
		"a mistaken code":   {method: "POST", path: "/demo/meetings/abc-defg-hij/attendees", body: "{}", status: 404, operation: "POST /demo/meetings/{code}/attendees", error: "NotFoundException"},
	} {
		n.refused(name, c)
	}
	alice, _ := signInAs(t, n.server, "alice", "a secret of alice")
	end.with = map[string]string{"Cookie": alice.cookie.Name + "=" + alice.cookie.Value, "X-Carillon-Csrf": alice.csrf}
	n.secrets = append(n.secrets, alice.cookie.Value, alice.csrf)
	end.status, end.error, end.more = 404, "NotFoundException", map[string]any{"operator": "alice", "action": "end meeting", "meeting": idOfNoMeeting, "msg": "operator action refused"}
	n.refused("no such meeting", end)
	n.until429(asking{method: "POST", path: api + "session", body: `{"secret":"` + wrongSecret + `"}`, operation: "POST /operator/api/session", error: "ThrottlingException"})
	n.lines()
}

// The test mode's own calls; the faults that it makes stand for answers that the
// server gives only when it is lucky, such as a conflict.
func TestEveryRefusedTestCallIsALine(t *testing.T) {
	s := startServer(t, t.TempDir(), "--log-level", "info", "--test-mode")
	n := &night{t, s, s.ports.public.String(), []string{wrongSecret}}
	n.refused("no such call", asking{method: "GET", path: "/test/v1/" + wrongSecret, status: 404, error: "NotFoundException"})
	n.refused("no JSON", asking{method: "POST", path: "/test/v1/clock", body: "{", status: 400, operation: "POST /test/v1/clock", error: "BadRequestException"})
	n.refused("another page", asking{method: "POST", path: "/test/v1/reset", with: map[string]string{"Origin": "https://example.org"}, status: 403, error: "ForbiddenException"})
	if status := post(t, n.base+"/test/v1/faults", `{"operation":"GetMeeting","error":"ConflictException","message":"Try again.","calls":1}`); status != http.StatusOK {
		t.Fatalf("a fault: %d", status)
	}
	n.refused("a conflict", asking{method: "GET", path: "/meetings/" + idOfNoMeeting, key: "ANY", secret: wrongSecret, status: 409, operation: "GetMeeting", error: "ConflictException"})
	n.refused("another host", asking{method: "GET", path: "/meetings", with: map[string]string{"Host": "attacker.example"}, status: 421, error: "MisdirectedRequestException", more: map[string]any{"host": "attacker.example"}})
}

// The whole life of meetings is in the log: the server's start and end, who comes
// and goes and why, tokens that are no good, and how a meeting ends.
func TestALifeIsInTheLog(t *testing.T) {
	n := nightOf(t, "--turn-udp", "127.0.0.1:0", "--origin", "https://meet.example.org")
	client := n.sdk("ALL", secretOfAll, http.DefaultClient)
	m := n.meeting("life")
	attendee := func(external string) (id, token string) {
		made, err := client.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &m, ExternalUserId: &external})
		if err != nil {
			t.Fatal(err)
		}
		n.secrets = append(n.secrets, external, *made.Attendee.JoinToken)
		return *made.Attendee.AttendeeId, *made.Attendee.JoinToken
	}
	ada, adas := attendee(externalID)
	gone, dead := attendee("somebody-else@example.org")
	comeIn(t, n.base, m, dead)
	n.has("connected", map[string]any{"msg": "connected", "meeting": m, "attendee": gone, "from": "127.0.0.1", "request_id": something})
	if _, err := client.DeleteAttendee(t.Context(), &chimesdkmeetings.DeleteAttendeeInput{MeetingId: &m, AttendeeId: &gone}); err != nil {
		t.Fatal(err)
	}
	n.has("left", map[string]any{"msg": "left", "meeting": m, "attendee": gone, "state": "removed", "reason": something, "from": "127.0.0.1"})
	forged := adas[:len(adas)-6] + "AAAAAA"
	n.secrets = append(n.secrets, forged)
	n.tokenRefused("a token of somebody removed", m, dead, "ForbiddenException")
	n.tokenRefused("a token that is none", m, forged, "ForbiddenException")
	n.mayNotShare(m, ada, adas)
	n.plainlyRefused(m, adas)
	n.turnRefused()

	if _, err := client.DeleteMeeting(t.Context(), &chimesdkmeetings.DeleteMeetingInput{MeetingId: &m}); err != nil {
		t.Fatal(err)
	}
	n.has("meeting ended", map[string]any{"msg": "meeting ended", "meeting": m, "reason": something, "by": something})
	n.tokenRefused("a token of an ended meeting", m, adas, "NotFoundException")
	n.has("started", map[string]any{"msg": "started", "url": something, "version": something})
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	n.has("stopping", map[string]any{"msg": "stopping"})
	n.has("stopped", map[string]any{"msg": "stopped"})
}

// dial opens a signaling connection and asks to join with it; id is that of the
// request that opened it.
func (n *night) dial(m, token string, ask bool) (id string, err error) {
	n.Helper()
	kept := &keeping{}
	d, err := door.Dial(n.Context(), &http.Client{Transport: kept}, "ws"+strings.TrimPrefix(n.base, "http")+"/control/"+m, token, func(*wire.Index) {})
	if err != nil {
		return kept.id, err
	}
	defer d.Close()
	if ask {
		_, err = d.Ask(n.Context(), door.Join(1), wire.Frame_JOIN_ACK)
	}
	return kept.id, err
}

// keeping keeps the request id of the last answer.
type keeping struct{ id string }

func (k *keeping) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		k.id = resp.Header.Get(refusals.Header)
	}
	return resp, err
}

func (n *night) tokenRefused(what, m, token, name string) {
	n.Helper()
	id, err := n.dial(m, token, true)
	if err == nil || id == "" {
		n.Errorf("%s: %v, request id %q", what, err, id)
	}
	n.has(what, map[string]any{"msg": "token refused", "operation": "join", "error": name, "reason": something, "meeting": m, "from": "127.0.0.1", "request_id": id})
}

// mayNotShare has somebody refused at JOIN who may not share content.
func (n *night) mayNotShare(m, attendee, token string) {
	n.Helper()
	_, err := n.sdk("ALL", secretOfAll, http.DefaultClient).UpdateAttendeeCapabilities(n.Context(), &chimesdkmeetings.UpdateAttendeeCapabilitiesInput{
		MeetingId: &m, AttendeeId: &attendee, Capabilities: &types.AttendeeCapabilities{
			Audio: types.MediaCapabilitiesSendReceive, Video: types.MediaCapabilitiesSendReceive, Content: types.MediaCapabilitiesNone,
		},
	})
	if err != nil {
		n.Fatal(err)
	}
	id, err := n.dial(m, token+"#content", true)
	if err == nil {
		n.Error("who may not share content shares")
	}
	n.has("a share that is not allowed", map[string]any{"msg": "join refused", "operation": "join", "error": "ForbiddenException", "reason": something,
		"meeting": m, "attendee": attendee, "content": true, "from": "127.0.0.1", "request_id": id})
}

// plainlyRefused asks the signaling door in ways that it answers by HTTP.
func (n *night) plainlyRefused(m, token string) {
	n.Helper()
	turns := asking{method: "POST", path: "/v2/turn_sessions", with: map[string]string{"X-Chime-Auth-Token": "_aws_wt_session=" + wrongSecret}}
	for name, c := range map[string]asking{
		"no meeting's address": {path: "/control/" + externalID, status: 404, error: "NotFoundException"},
		"a page of elsewhere":  {path: "/control/" + m, status: 403, error: "ForbiddenException", with: map[string]string{"Origin": "https://example.org"}},
		"no token":             {path: "/control/" + m, status: 400, error: "BadRequestException"},
		"TURN for nobody":      {method: "POST", path: turns.path, body: `{"meetingId":"` + m + `"}`, with: turns.with, status: 403, error: "ForbiddenException"},
		"TURN for no meeting":  {method: "POST", path: turns.path, body: "{", with: map[string]string{"X-Chime-Auth-Token": "_aws_wt_session=" + token}, status: 400, error: "BadRequestException"},
	} {
		if c.method == "" {
			c.method = "GET"
		}
		c.operation = map[bool]string{true: "POST /v2/turn_sessions", false: "GET /control/{meeting}"}[c.method == "POST"]
		n.refused(name, c)
	}
}

// turnRefused opens relays with credentials that are no good.
func (n *night) turnRefused() {
	n.Helper()
	good := n.media.turn.Credentials("attendee")
	n.secrets = append(n.secrets, good.Password)
	_, port, _ := strings.Cut(strings.TrimPrefix(good.URIs[0], "turn:"), ":")
	port, _, _ = strings.Cut(port, "?")
	for reason, user := range map[string]string{
		"the password is wrong": good.Username, "the credentials have expired": "1000:attendee", "the credentials are none of this server's": "somebody",
	} {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			n.Fatal(err)
		}
		address := net.JoinHostPort("127.0.0.1", port)
		client, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: address, TURNServerAddr: address, Conn: conn, Username: user, Password: wrongSecret})
		if err != nil {
			n.Fatal(err)
		}
		if err := client.Listen(); err != nil {
			n.Fatal(err)
		}
		if _, err := client.Allocate(); err == nil {
			n.Errorf("%s, and it relays", reason)
		}
		client.Close()
		_ = conn.Close()
		n.has(reason, map[string]any{"msg": "turn refused", "operation": "Allocate", "error": "UnauthorizedException", "reason": reason, "from": "127.0.0.1"})
	}
}
