package main

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/chime"
	"github.com/coder/websocket"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// joinInfo is what an application hands to a client.
type joinInfo struct {
	meetingID, token string
	placement        map[string]string
}

// joinInfos makes a meeting with one attendee in each flavour.
func joinInfos(t *testing.T, s *server) map[string]joinInfo {
	t.Helper()
	current := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	id := createMeeting(t, current, "placement")
	made, err := current.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id})
	if err != nil {
		t.Fatal(err)
	}
	attendee, err := current.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String("ada")})
	if err != nil {
		t.Fatal(err)
	}
	old := chime.New(session.Must(session.NewSession(&aws.Config{
		Region: aws.String("us-east-1"), Endpoint: aws.String(s.ports.public.String() + "/legacy"),
		Credentials: credentials.NewStaticCredentials(s.id.AccessKey, s.id.SecretKey, ""),
	})))
	oldMade, err := old.CreateMeetingWithContext(t.Context(), &chime.CreateMeetingInput{ClientRequestToken: aws.String("placement")})
	if err != nil {
		t.Fatal(err)
	}
	oldAttendee, err := old.CreateAttendeeWithContext(t.Context(), &chime.CreateAttendeeInput{MeetingId: oldMade.Meeting.MeetingId, ExternalUserId: aws.String("ada")})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]joinInfo{
		"meetings": {id, *attendee.Attendee.JoinToken, members(t, made.Meeting.MediaPlacement)},
		"legacy":   {*oldMade.Meeting.MeetingId, *oldAttendee.Attendee.JoinToken, members(t, oldMade.Meeting.MediaPlacement)},
	}
}

// members are the strings of a MediaPlacement by name; those that are absent
// are not in it.
func members(t *testing.T, placement any) map[string]string {
	t.Helper()
	raw, err := json.Marshal(placement)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*string{}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	present := map[string]string{}
	for name, value := range all {
		if value != nil {
			present[name] = *value
		}
	}
	return present
}

// TestEveryAnnouncedAddressIsServed calls each address of a MediaPlacement the
// way its clients do, in both flavours, with TURN and without.
func TestEveryAnnouncedAddressIsServed(t *testing.T) {
	for _, turn := range []bool{false, true} {
		flags := []string{}
		if turn {
			flags = []string{"--turn-udp", "127.0.0.1:0", "--turn-tcp", "127.0.0.1:0"}
		}
		s := startServer(t, t.TempDir(), flags...)
		for flavour, info := range joinInfos(t, s) {
			t.Run(map[bool]string{false: "without TURN, ", true: "with TURN, "}[turn]+flavour, func(t *testing.T) {
				p := info.placement
				if len(p) != 8 {
					t.Errorf("%d addresses: %v", len(p), p)
				}
				if host, port, ok := strings.Cut(p["AudioHostUrl"], ":"); !ok || host == "" || port == "" {
					t.Errorf("AudioHostUrl %q", p["AudioHostUrl"])
				}
				callsSignaling(t, info)
				callsTurn(t, info, turn, flavour)
				callsEvents(t, info)
				callsRetired(t, info)
			})
		}
	}
}

// callsSignaling opens the connection as the browser client does.
func callsSignaling(t *testing.T, info joinInfo) {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), info.placement["SignalingUrl"]+"?X-Chime-Control-Protocol-Version=3", &websocket.DialOptions{
		Subprotocols: []string{"_aws_wt_session", info.token},
	})
	if err != nil {
		t.Errorf("SignalingUrl: %v", err)
		return
	}
	_ = ws.Close(websocket.StatusNormalClosure, "")
}

// callsTurn asks for credentials as clients before 1.18.4 do, from a page.
func callsTurn(t *testing.T, info joinInfo, turn bool, flavour string) {
	t.Helper()
	address := info.placement["TurnControlUrl"]
	if address == "" {
		if turn || flavour != "legacy" {
			t.Error("TurnControlUrl is empty")
		}
		return
	}
	if !turn {
		if flavour == "legacy" {
			t.Errorf("TurnControlUrl %q: those clients do not get any further", address)
		}
		return
	}
	address += "?X-Amzn-Version=1.18.0&X-Amzn-User-Agent=chrome-156"
	headers := http.Header{"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type,x-chime-auth-token"}}
	preflight, _ := call(t, http.MethodOptions, address, headers, "")
	allowed := strings.ToLower(preflight.Header.Get("Access-Control-Allow-Headers"))
	if preflight.StatusCode/100 != 2 || preflight.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(allowed, "x-chime-auth-token") || !strings.Contains(allowed, "content-type") {
		t.Errorf("TurnControlUrl: preflight %v %v", preflight.StatusCode, preflight.Header)
	}
	headers = http.Header{"Origin": headers["Origin"], "Content-Type": {"application/json"}, "X-Chime-Auth-Token": {"_aws_wt_session=" + info.token}}
	answer, body := call(t, http.MethodPost, address, headers, `{"meetingId":"`+info.meetingID+`"}`)
	var got struct {
		Username, Password string
		TTL                int
		URIs               []string
	}
	err := json.Unmarshal([]byte(body), &got)
	if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Access-Control-Allow-Origin") != "*" ||
		got.Username == "" || got.Password == "" || got.TTL <= 0 || len(got.URIs) != 2 {
		t.Errorf("TurnControlUrl: %v %q", answer.StatusCode, body)
	}
}

// callsEvents reports as the client does.
func callsEvents(t *testing.T, info joinInfo) {
	t.Helper()
	headers := http.Header{"Origin": {"https://app.example.com"}, "Authorization": {"Bearer " + info.token}}
	report := `{"metadata":{"meetingId":"` + info.meetingID + `"},"events":[{"type":"Meet","v":1,"payloads":[{"name":"meetingStartSucceeded","ts":1}]}]}`
	answer, body := call(t, http.MethodPost, info.placement["EventIngestionUrl"], headers, report)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("EventIngestionUrl: %v %q", answer.StatusCode, body)
	}
	preflight, _ := call(t, http.MethodOptions, info.placement["EventIngestionUrl"], headers, "")
	if preflight.StatusCode/100 != 2 || !strings.Contains(strings.ToLower(preflight.Header.Get("Access-Control-Allow-Headers")), "authorization") {
		t.Errorf("EventIngestionUrl: preflight %v %v", preflight.StatusCode, preflight.Header)
	}
}

// callsRetired opens what is announced only because clients want an address:
// it is refused at once, so that they do not wait.
func callsRetired(t *testing.T, info joinInfo) {
	t.Helper()
	for name, query := range map[string]string{
		"ScreenDataUrl": "", "ScreenSharingUrl": "", "ScreenViewingUrl": "&session_token=" + info.token, "AudioFallbackUrl": "",
	} {
		_, answer, err := websocket.Dial(t.Context(), info.placement[name]+query, &websocket.DialOptions{Subprotocols: []string{"_aws_wt_session", info.token}})
		if err == nil || answer == nil || answer.StatusCode != http.StatusGone || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
}

// call sends a request and returns the answer with its body.
func call(t *testing.T, method, url string, headers http.Header, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = headers
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(raw)
}
