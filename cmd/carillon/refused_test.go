package main

import (
	"cmp"
	"net/http"
	"testing"
)

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
		n.until(signed(asking{method: "DELETE", path: "/meetings/" + idOfNoMeeting, status: 429, operation: "DeleteMeeting", error: cmp.Or(map[string]string{"/legacy": "ThrottledClientException"}[base], "ThrottlingException")}))
	}
	n.refused("one meeting too many", asking{method: "POST", path: "/meetings", body: create, key: "ALL", secret: secretOfAll, status: 400, operation: "CreateMeeting", error: "LimitExceededException"})
	n.refusedByApp(m)
	n.lines()
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
	n.until(signed(asking{method: "GET", path: "meetings/" + idOfNoMeeting + "/records", status: 429, operation: "ListRecords", error: "ThrottlingException"}))
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
	n.until(asking{method: "POST", path: api + "session", body: `{"secret":"` + wrongSecret + `"}`, status: 429, operation: "POST /operator/api/session", error: "ThrottlingException"})
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
	for _, c := range []asking{
		{path: "/meetings/" + idOfNoMeeting, operation: "GetMeeting", more: map[string]any{"flavour": "meetings"}},
		{path: "/legacy/meetings/" + idOfNoMeeting, operation: "GetMeeting", more: map[string]any{"flavour": "legacy"}},
		{path: "/sdk-media-capture-pipelines/" + idOfNoMeeting, operation: "GetMediaCapturePipeline", more: map[string]any{"flavour": "pipelines"}},
	} {
		for name, status := range map[string]int{"ConflictException": http.StatusConflict, "ServiceUnavailableException": http.StatusServiceUnavailable} {
			if status := post(t, n.base+"/test/v1/faults", `{"operation":"`+c.operation+`","error":"`+name+`","message":"Try again.","calls":1}`); status != http.StatusOK {
				t.Fatalf("a fault: %d", status)
			}
			c.method, c.key, c.secret, c.status, c.error = "GET", "ANY", wrongSecret, status, name
			n.refused(name+" at "+c.path, c)
		}
	}
	n.refused("another host", asking{method: "GET", path: "/meetings", with: map[string]string{"Host": "attacker.example"}, status: 421, error: "MisdirectedRequestException", more: map[string]any{"host": "attacker.example"}})
}
