package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/load/door"
)

// Calls that are no mistake of the caller's, of which operators are asked most:
// they come too often, there is no room for them, or another one is in the way.
// Each is a line as every refused call is.

// made makes a meeting in a flavour.
func (n *night) made(base string) (id string) {
	n.Helper()
	var made struct {
		Meeting struct {
			MeetingID string `json:"MeetingId"`
		}
	}
	resp := n.do(asking{method: "POST", path: base + "/meetings", body: `{"ClientRequestToken":"made","ExternalMeetingId":"made","MediaRegion":"us-east-1"}`,
		key: "ALL", secret: secretOfAll})
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		n.Fatal(err)
	}
	return made.Meeting.MeetingID
}

// visit has somebody come to a meeting of the demo page.
func (n *night) visit(code, who string) asking {
	return asking{method: "POST", path: "/demo/meetings/" + code + "/attendees", body: `{"name":"` + externalID + `","who":"` + who + `-of-sixteen-letters"}`,
		operation: "POST /demo/meetings/{code}/attendees"}
}

// code makes up a meeting of the demo page.
func (n *night) code() string {
	n.Helper()
	var made struct{ Code string }
	resp := n.do(asking{method: "POST", path: "/demo/meetings", body: "{}", status: http.StatusOK})
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Code == "" {
		n.Fatalf("no code: %s, %v", resp.Status, err)
	}
	n.secrets = append(n.secrets, made.Code)
	return made.Code
}

// Who types wrong secrets is slowed down at each door of operators; who begins
// meetings on the demo page, or joins, is slowed down too.
func TestEveryCallThatComesTooOftenIsALine(t *testing.T) {
	n := nightOf(t, "--demo", "--limit-demo-meetings", "50")
	const api = "/operator/api/"
	bearer := map[string]string{"Authorization": "Bearer " + wrongSecret}
	tries := map[string]any{"msg": "operator sign-in refused: too many tries"}
	for _, c := range []asking{
		{method: "GET", path: api + "commands/audit", with: bearer, operation: "GET /operator/api/commands/audit", more: tries},
		{method: "GET", path: api + "cluster", with: bearer, more: tries},
		{method: "POST", path: api + "session", body: `{"secret":"` + wrongSecret + `"}`, operation: "POST /operator/api/session", more: tries},
	} {
		c.status, c.error = http.StatusTooManyRequests, "ThrottlingException"
		n.until(c)
	}
	for often := false; !often; {
		c := n.visit(n.code(), "ada")
		if resp := n.do(c); resp.StatusCode == http.StatusOK {
			continue
		}
		c.status, c.error, often = http.StatusTooManyRequests, "ThrottlingException", true
		n.refused("meetings from one address", c)
	}

	m := n.meeting("often")
	n.joinsTooOften(m)
	n.hasTooManyConnections(m)
	n.lines()
}

func (n *night) joinsTooOften(m string) {
	n.Helper()
	who, token := n.attendee(m, externalID)
	for range 500 {
		if id, err := n.dial(m, token, true); err != nil && strings.Contains(err.Error(), "refused with") {
			n.has("a join too many", map[string]any{"msg": "join refused", "operation": "join", "error": "ThrottlingException", "reason": "the attendee joins too often",
				"meeting": m, "attendee": who, "from": "127.0.0.1", "request_id": id})
			return
		}
	}
	n.Error("nobody joins too often")
}

func (n *night) hasTooManyConnections(m string) {
	n.Helper()
	who, token := n.attendee(m, "bob@example.org")
	for range 11 { // one more than an attendee may have
		d, _, err := n.knock(m, token, false)
		if err != nil {
			n.Fatal(err)
		}
		n.Cleanup(d.Close)
	}
	n.has("a connection too many", map[string]any{"msg": "join refused", "operation": "join", "error": "ThrottlingException", "reason": "the attendee has too many connections",
		"meeting": m, "attendee": who, "from": "127.0.0.1", "request_id": something})
}

// What is full is full: meetings, people in them, shares, pipelines, connections.
func TestEveryCallThatFindsNoRoomIsALine(t *testing.T) {
	n := nightOf(t, "--demo", "--recordings", t.TempDir(), "--limit-attendees", "1", "--limit-content-shares", "0", "--limit-pipelines", "1",
		"--limit-signaling-sockets", "1", "--limit-demo-meetings", "1")
	for base, name := range map[string]string{"": "LimitExceededException", "/legacy": "ResourceLimitExceededException"} {
		id := n.made(base)
		call := func(operation, path, body, name string) asking {
			return asking{method: "POST", path: path, body: body, key: "ALL", secret: secretOfAll, status: http.StatusBadRequest, operation: operation, error: name}
		}
		people := base + "/meetings/" + id + "/attendees"
		n.do(asking{method: "POST", path: people, body: `{"ExternalUserId":"bob@example.org"}`, key: "ALL", secret: secretOfAll})
		n.refused("a second attendee at "+base, call("CreateAttendee", people, `{"ExternalUserId":"`+externalID+`"}`, name))
		if base == "" {
			n.until(call("CreateMediaCapturePipeline", "/sdk-media-capture-pipelines", `{"SourceType":"ChimeSdkMeeting","SourceArn":"arn:aws:chime::111111111111:meeting:`+id+
				`","SinkType":"S3Bucket","SinkArn":"arn:aws:s3:::bucket"}`, "ResourceLimitExceededException"))
		}
	}
	code := n.code()
	n.do(n.visit(code, "bob"))
	for what, c := range map[string]asking{"a second visitor": n.visit(code, "ada"), "a second meeting of the page": n.visit(n.code(), "ada")} {
		c.status, c.error = http.StatusConflict, "ConflictException"
		n.refused(what, c)
	}

	m := n.meeting("full")
	who, token := n.attendee(m, "ada@example.org")
	id, err := n.dial(m, token+"#content", true)
	if err == nil {
		t.Error("somebody shares where nobody may")
	}
	n.has("a share too many", map[string]any{"msg": "join refused", "operation": "join", "error": "ResourceLimitExceededException", "reason": something,
		"meeting": m, "attendee": who, "content": true, "from": "127.0.0.1", "request_id": id})
	for range 2 { // the one before may be still there
		var d *door.Door
		if d, id, err = n.knock(m, token, false); err != nil {
			break
		}
		t.Cleanup(d.Close)
	}
	if err == nil {
		t.Error("the server takes any number of connections")
	}
	n.has("a connection too many", map[string]any{"msg": "request refused", "operation": "GET /control/{meeting}", "error": "ServiceUnavailableException",
		"reason": something, "status": float64(http.StatusServiceUnavailable), "from": "127.0.0.1", "request_id": id})
	n.lines()
}
