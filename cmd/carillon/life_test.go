package main

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/pion/turn/v5"
)

// The whole life of meetings is in the log: the server's start and end, who comes
// and goes and why, tokens that are no good, and how a meeting ends.
func TestALifeIsInTheLog(t *testing.T) {
	n := nightOf(t, "--turn-udp", "127.0.0.1:0", "--origin", "https://meet.example.org")
	client := n.sdk("ALL", secretOfAll, http.DefaultClient)
	m := n.meeting("life")
	ada, adas := n.attendee(m, externalID)
	gone, dead := n.attendee(m, "somebody-else@example.org")
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
	ipv6 := "media has no address of the family that was asked for"
	for reason, user := range map[string]string{
		"the password is wrong": good.Username, "the credentials have expired": "1000:attendee", "the credentials are none of this server's": "somebody",
		ipv6: good.Username,
	} {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			n.Fatal(err)
		}
		address := net.JoinHostPort("127.0.0.1", port)
		password, family, name := wrongSecret, turn.RequestedAddressFamilyIPv4, "UnauthorizedException"
		if reason == ipv6 {
			password, family, name = good.Password, turn.RequestedAddressFamilyIPv6, "BadRequestException"
		}
		client, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: address, TURNServerAddr: address, Conn: conn, Username: user, Password: password, RequestedAddressFamily: family})
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
		n.has(reason, map[string]any{"msg": "turn refused", "operation": "Allocate", "error": name, "reason": reason, "from": "127.0.0.1", "request_id": something})
	}
}
