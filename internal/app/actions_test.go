package app_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// do makes a change that must succeed and reads its answer.
func do[T any](b *backend, method, path, body string) (v T) {
	b.t.Helper()
	got := b.send(method, app.Prefix+path, body)
	if got.status != http.StatusOK {
		b.t.Fatalf("%s %s %s: %d\n%s", method, path, body, got.status, got.body)
	}
	decode(b.t, got.body, &v)
	return v
}

func TestTimersOverARestart(t *testing.T) {
	s := start(t, "--timer-max-age", "2h")
	a := ada(t, s)
	id, _ := a.meet("x1", nil)
	timers := "meetings/" + id + "/timers"
	own := observe.Timers{Idle: observe.Span(time.Hour), MaxAge: observe.Span(2 * time.Hour)}
	m := do[observe.Meeting](a, http.MethodPut, timers, `{"idleSeconds": 3600, "maxAgeSeconds": 7200}`)
	want(t, "timers", m.Timers, own)
	s.Kill()
	s.Restart()
	want(t, "timers after kill -9", get[app.MeetingDetail](a, "meetings/"+id).Timers, own)
	for _, body := range []string{
		`{"idleSeconds": 9}`, `{"idleSeconds": 7201}`, `{"idleSeconds": 0}`, `{"idleSeconds": -10}`, `{"maxAgeSeconds": 59}`, `{"maxAgeSeconds": 7201}`,
		`{"maxAgeSeconds": 9223372036854775807}`, `{"idleSeconds": 1e30}`, `{"idleSeconds": 60.5}`, `{"idleSeconds": "60"}`, `{"idleSeconds": true}`,
		`{"idleseconds": 60}`, `{"idle": 60}`, `[]`, `null`, `60`, ``, `{`, `{} {}`, `{"idleSeconds": 60, "idleSeconds": 90}`,
		`{"idleSeconds": 60, "\u0069dleSeconds": 90}`, "{\"idleSeconds\": 60, \"\xff\": 1}",
	} {
		a.refused(http.MethodPut, app.Prefix+timers, body, 400, "BadRequestException")
	}
	want(t, "timers after what was refused", get[app.MeetingDetail](a, "meetings/"+id).Timers, own)
	want(t, "timers of all again", do[observe.Meeting](a, http.MethodPut, timers, `{"idleSeconds": null}`).Timers, observe.Timers{})
	bob(t, s).refused(http.MethodPut, app.Prefix+timers, `{}`, 404, "NotFoundException")
	as(t, s, "AKIDREAD", "read-secret").refused(http.MethodPut, app.Prefix+timers, `{}`, 403, "ForbiddenException")
	a.end(id)
	a.refused(http.MethodPut, app.Prefix+timers, `{}`, 404, "NotFoundException")
}

func TestMessagesAreChecked(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	id, people := a.meet("x1", nil, "ada")
	path := "meetings/" + id + "/messages"
	most := strings.Repeat("x", 2048)
	for _, body := range []string{
		`{"topic": "news", "text": ""}`, `{"topic": "news", "text": "` + most + `", "lifetimeMs": 300000}`,
		`{"topic": "` + strings.Repeat("t", 36) + `", "data": "` + base64.StdEncoding.EncodeToString([]byte(most)) + `"}`,
		`{"topic": "news", "text": "x", "attendeeId": "` + *people[0].AttendeeId + `"}`, `{"topic": "news", "text": "x", "attendeeId": null}`,
		`{"topic": "news", "text": "` + strings.Repeat(`\u0041`, 2048) + `"}`,
	} {
		want(t, "sent", do[app.Delivery](a, http.MethodPost, path, body).Sent, 0)
	}
	for _, body := range []string{
		`{}`, `{"topic": "news"}`, `{"text": "x"}`, `{"topic": "", "text": "x"}`, `{"topic": "a b", "text": "x"}`, `{"topic": "aws:chime:transcription", "text": "x"}`,
		`{"topic": "` + strings.Repeat("t", 37) + `", "text": "x"}`, `{"topic": "news", "text": "x", "data": "eA=="}`, `{"topic": "news", "data": "not base64"}`,
		`{"topic": "news", "text": "` + most + `x"}`, `{"topic": "news", "data": "` + base64.StdEncoding.EncodeToString([]byte(most+"x")) + `"}`,
		`{"topic": "news", "text": "x", "lifetimeMs": -1}`, `{"topic": "news", "text": "x", "lifetimeMs": 300001}`, `{"topic": "news", "text": "x", "attendeeId": "ada"}`,
		`{"topic": "news", "text": "x", "attendeeId": ""}`, `{"topic": "news", "text": "\ud800"}`, `{"topic": "news", "text": "x", "text": "y"}`,
		`{"topic": "news", "text": "x", "attendee": "ada"}`, `{"topic": 5, "text": "x"}`, `{"topic": "news", "text": ["x"]}`,
	} {
		a.refused(http.MethodPost, app.Prefix+path, body, 400, "BadRequestException")
	}
	nobody := `{"topic": "news", "text": "x", "attendeeId": "00000000-0000-4000-8000-000000000000"}`
	a.refused(http.MethodPost, app.Prefix+path, nobody, 404, "NotFoundException")
	bob(t, s).refused(http.MethodPost, app.Prefix+path, `{"topic": "news", "text": "x"}`, 404, "NotFoundException")
	a.end(id)
	a.refused(http.MethodPost, app.Prefix+path, `{"topic": "news", "text": "x"}`, 404, "NotFoundException")
	if strings.Contains(s.Output(), most) {
		t.Error("the data of a message is in the log")
	}
}

func TestAttendeesAreMutedAndRemoved(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	id, people := a.meet("x1", nil, "ada-the-first", "bob")
	person := "meetings/" + id + "/attendees/" + *people[0].AttendeeId
	want(t, "muted", *do[observe.Attendee](a, http.MethodPost, person+"/mute", "").Capabilities, "{Receive SendReceive SendReceive}")
	want(t, "muted again", do[observe.Attendee](a, http.MethodPost, person+"/mute", "").CapabilitiesBy, "key:AKIDADA")
	want(t, "unmuted", *do[observe.Attendee](a, http.MethodPost, person+"/unmute", "").Capabilities, "{SendReceive SendReceive SendReceive}")
	other := bob(t, s)
	other.refused(http.MethodPost, app.Prefix+person+"/mute", "", 404, "NotFoundException")
	other.refused(http.MethodDelete, app.Prefix+person, "", 404, "NotFoundException")
	other.refused(http.MethodGet, app.Prefix+person, "", 404, "NotFoundException")
	if got := a.send(http.MethodDelete, app.Prefix+person, ""); got.status != http.StatusNoContent || len(got.body) != 0 {
		t.Errorf("removed: %d %s", got.status, got.body)
	}
	a.refused(http.MethodDelete, app.Prefix+person, "", 404, "NotFoundException")
	a.refused(http.MethodPost, app.Prefix+person+"/mute", "", 404, "NotFoundException")
	a.refused(http.MethodPost, app.Prefix+"meetings/"+id+"/attendees/ada/mute", "", 400, "BadRequestException")
	if gone := get[observe.Attendee](a, person); !gone.Deleted || gone.External != "ada-the-first" {
		t.Errorf("a removed attendee: %+v", gone)
	}
	if strings.Contains(s.Output(), "ada-the-first") {
		t.Error("an external user id is in the log")
	}
}

func TestPagesOfAttendeesAndRecords(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	var users []string
	for i := range 7 {
		users = append(users, fmt.Sprint("user-", i))
	}
	id, _ := a.meet("x1", nil, users...)
	var names, kinds []string
	for next := ""; ; {
		page := get[app.AttendeeList](a, "meetings/"+id+"/attendees?maxResults=3"+next)
		for _, one := range page.Attendees {
			names = append(names, one.External)
		}
		if next = "&nextToken=" + page.NextToken; page.NextToken == "" {
			break
		}
	}
	want(t, "attendees", names, users)
	testTokensOfOtherLists(t, s, a, id)
	for next := ""; ; {
		page := get[app.RecordList](a, "meetings/"+id+"/records?maxResults=5"+next)
		for _, r := range page.Records {
			kinds = append(kinds, r.Kind+" "+r.External)
		}
		if next = "&nextToken=" + page.NextToken; page.NextToken == "" {
			break
		}
	}
	if len(kinds) != 8 || kinds[0] != "created " || kinds[7] != "attendees added user-6" {
		t.Errorf("records: %q", kinds)
	}
	for _, path := range []string{"attendees?nextToken=x", "attendees?nextToken=-1", "attendees?nextToken=", "records?nextToken=x", "records?maxResults=0"} {
		a.refused(http.MethodGet, app.Prefix+"meetings/"+id+"/"+path, "", 400, "BadRequestException")
	}
}

// A token is good for the list that it came from: anywhere else it would give a
// page of something, and nobody would notice.
func testTokensOfOtherLists(t *testing.T, s *servertest.Server, a *backend, id string) {
	t.Helper()
	other, _ := a.meet("x1", map[string]string{"team": "red"}, "user-0", "user-1", "user-2", "user-3")
	one := "meetings/" + id
	attendees := get[app.AttendeeList](a, one+"/attendees?maxResults=2").NextToken
	records := get[app.RecordList](a, one+"/records?maxResults=2").NextToken
	meetings := get[app.MeetingList](a, "meetings?maxResults=1").NextToken
	if attendees == "" || records == "" || meetings == "" {
		t.Fatalf("tokens: %q, %q, %q", attendees, records, meetings)
	}
	for _, path := range []string{
		"meetings/" + other + "/attendees?nextToken=" + attendees, one + "/records?nextToken=" + attendees, "meetings?nextToken=" + attendees,
		"meetings/" + other + "/records?nextToken=" + records, one + "/attendees?nextToken=" + records, one + "/attendees?nextToken=" + meetings,
		"meetings?state=ended&nextToken=" + meetings, "meetings?externalMeetingId=x1&nextToken=" + meetings, "meetings?tagKey=team&nextToken=" + meetings,
		one + "/attendees?nextToken=" + attendees[1:], one + "/records?nextToken=" + records + "0", "meetings?nextToken=" + meetings[:len(meetings)-2],
	} {
		a.refused(http.MethodGet, app.Prefix+path, "", 400, "BadRequestException")
	}
	bob(t, s).refused(http.MethodGet, app.Prefix+"meetings?nextToken="+meetings, "", 400, "BadRequestException")
	for _, path := range []string{"meetings?state=active&maxResults=5&nextToken=" + meetings, "meetings/" + strings.ToUpper(id) + "/attendees?nextToken=" + attendees} {
		if got := a.send(http.MethodGet, app.Prefix+path, ""); got.status != http.StatusOK {
			t.Errorf("the same list, asked for otherwise, %s: %d %s", path, got.status, got.body)
		}
	}
}
