package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/app"
)

// ids returns the ids of a list of meetings.
func ids(list app.MeetingList) []string {
	all := []string{}
	for _, m := range list.Meetings {
		all = append(all, m.ID.String())
	}
	return all
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: %s, want %s", what, g, w)
	}
}

func TestMeetingsAreListedByAccountNameTagAndPage(t *testing.T) {
	s := start(t)
	a, b := ada(t, s), bob(t, s)
	var all []string
	for i := range 7 {
		id, _ := a.meet(fmt.Sprint("weekly-", i%3), map[string]string{"team": []string{"red", "blue"}[i%2], "n": fmt.Sprint(i)})
		all = append(all, id)
	}
	theirs, _ := b.meet("weekly-0", map[string]string{"team": "red"})
	elsewhere := *a
	elsewhere.region = "eu-west-2"
	other, _ := elsewhere.meet("abroad", nil)
	all = append(all, other)

	want(t, "all", ids(get[app.MeetingList](a, "meetings")), all)
	want(t, "of the other account", ids(get[app.MeetingList](b, "meetings?state=active")), []string{theirs})
	want(t, "by name", ids(get[app.MeetingList](a, "meetings?externalMeetingId=weekly-1")), []string{all[1], all[4]})
	want(t, "by tag", ids(get[app.MeetingList](a, "meetings?tagKey=team&tagValue=blue")), []string{all[1], all[3], all[5]})
	want(t, "by a tag's key", len(get[app.MeetingList](a, "meetings?tagKey=n").Meetings), 7)
	want(t, "by both", ids(get[app.MeetingList](a, "meetings?tagKey=team&tagValue=red&externalMeetingId=weekly-1")), []string{all[4]})
	want(t, "by what nothing has", ids(get[app.MeetingList](a, "meetings?tagKey=team&tagValue=green")), []string{})

	var paged []string
	for next, pages := "", 0; pages < 10; pages++ {
		page := get[app.MeetingList](a, "meetings?maxResults=3"+next)
		paged = append(paged, ids(page)...)
		if page.NextToken == "" {
			break
		}
		next = "&nextToken=" + page.NextToken
	}
	want(t, "page by page", paged, all)
	one := get[app.MeetingList](a, "meetings?maxResults=1").Meetings[0]
	want(t, "a meeting", strings.Join([]string{one.External, one.Account, one.Region, one.Flavour, one.MediaRegion, fmt.Sprint(one.Attendees, len(one.Tags))}, " "), "weekly-0 111111111111 us-east-1 meetings eu-central-1 0 2")
}

func TestOneMeeting(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	id, _ := a.meet("daily", map[string]string{"team": "red"}, "ada", "bob")
	m := get[app.MeetingDetail](a, "meetings/"+id)
	if m.ID.String() != id || m.External != "daily" || m.Attendees != 2 || len(m.Connections) != 0 || !m.Ended.IsZero() || m.Created.IsZero() {
		t.Errorf("%+v", m)
	}
	a.end(id)
	m = get[app.MeetingDetail](a, "meetings/"+id)
	if m.Reason != "deleted by request" || m.EndedBy != "key:AKIDADA" || m.Ended.IsZero() || m.Attendees != 2 {
		t.Errorf("after its end: %+v", m)
	}
	want(t, "ended", ids(get[app.MeetingList](a, "meetings?state=ended")), []string{id})
	want(t, "active", ids(get[app.MeetingList](a, "meetings")), []string{})
}

func TestAnAccountSeesOnlyItsOwn(t *testing.T) {
	s := start(t)
	a, b := ada(t, s), bob(t, s)
	id, _ := a.meet("secret", nil, "ada")
	b.refused(http.MethodGet, app.Prefix+"meetings/"+id, "", 404, "NotFoundException")
	a.end(id)
	b.refused(http.MethodGet, app.Prefix+"meetings/"+id, "", 404, "NotFoundException")
	want(t, "ended ones of the other", ids(get[app.MeetingList](b, "meetings?state=ended")), []string{})
}

func TestWhoMayAsk(t *testing.T) {
	s := start(t)
	list := app.Prefix + "meetings"
	for _, c := range []struct {
		key, secret string
		status      int
		code        string
	}{
		{"", "", 403, "MissingAuthenticationTokenException"},
		{"AKIDADA", "wrong", 403, "InvalidSignatureException"},
		{"AKIDNOBODY", "wrong", 403, "UnrecognizedClientException"},
		{"AKIDMEET", "meet-secret", 403, "ForbiddenException"},
		{"AKIDOFF", "off-secret", 401, "UnauthorizedException"},
	} {
		as(t, s, c.key, c.secret).refused(http.MethodGet, list, "", c.status, c.code)
	}
	wrong := ada(t, s)
	wrong.service = "execute-api"
	wrong.refused(http.MethodGet, list, "", 403, "InvalidSignatureException")
	get[app.MeetingList](as(t, s, "AKIDREAD", "read-secret"), "meetings")
	f := as(t, s, "AKIDMEET", "meet-secret").refused(http.MethodGet, list, "", 403, "ForbiddenException")
	if !strings.Contains(f.Message, "carillon:ListMeetings") {
		t.Errorf("the refusal does not name the action: %s", f.Message)
	}
	if log := s.Output(); strings.Contains(log, "ada-secret") || strings.Contains(log, "meet-secret") {
		t.Error("a secret is in the log")
	}
}

// An endpoint that ends in a slash does no harm, here as at the API.
func TestSlashesBeforeThePath(t *testing.T) {
	a := ada(t, start(t))
	id, _ := a.meet("x1", nil)
	for _, path := range []string{"/" + app.Prefix + "meetings", "//" + app.Prefix + "meetings/" + id, "/" + app.PathDocument} {
		if got := a.send(http.MethodGet, path, ""); got.status != 200 {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
	}
	if got := a.send(http.MethodGet, "/app//v1/meetings", ""); got.status != 404 {
		t.Errorf("slashes within the path: %d %s", got.status, got.body)
	}
}

func TestInputIsChecked(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	id, _ := a.meet("x1", nil)
	for _, query := range []string{
		"state=all", "maxResults=0", "maxResults=101", "maxResults=many", "maxResults=", "externalMeetingId=", "externalMeetingId=" + strings.Repeat("x", 65),
		"tagKey=" + strings.Repeat("k", 129), "tagValue=red", "tagKey=k&tagValue=" + strings.Repeat("v", 257), "nextToken=zz", "nextToken=",
		"nextToken=00", "externalMeetingID=x1", "state=active&state=ended",
	} {
		a.refused(http.MethodGet, app.Prefix+"meetings?"+query, "", 400, "BadRequestException")
	}
	a.refused(http.MethodGet, app.Prefix+"meetings/"+id+"?maxResults=1", "", 400, "BadRequestException")
	a.refused(http.MethodGet, app.Prefix+"meetings/nobody", "", 400, "BadRequestException")
	a.refused(http.MethodGet, app.Prefix+"meetings/00000000-0000-4000-8000-000000000000", "", 404, "NotFoundException")
	for _, path := range []string{"", "nothing", "meetings/", "meetings/" + id + "/", "meetings//x", "Meetings", "openapi.json/"} {
		got := a.send(http.MethodGet, app.Prefix+path, "")
		if got.status != 404 && got.status != 400 {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
	}
	a.refused(http.MethodPost, app.Prefix+"meetings", "{}", 405, "MethodNotAllowedException")
	if got := a.send(http.MethodPost, app.Prefix+"meetings", "{}"); got.head.Get("Allow") != "GET" {
		t.Errorf("Allow: %q", got.head.Get("Allow"))
	}
	a.refused(http.MethodGet, app.Prefix+"meetings", strings.Repeat("x", 64<<10+1), 413, "RequestEntityTooLargeException")
}

func TestRequestsAreThrottled(t *testing.T) {
	s := start(t, "--throttle-rate", "0.01", "--throttle-burst", "2")
	a := ada(t, s)
	for range 2 {
		get[app.MeetingList](a, "meetings")
	}
	a.refused(http.MethodGet, app.Prefix+"meetings", "", 429, "ThrottlingException")
	if got := a.send(http.MethodGet, app.Prefix+"meetings", ""); got.head.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	get[app.MeetingList](bob(t, s), "meetings")
}

func TestTheDescriptionIsForEverybody(t *testing.T) {
	s := start(t)
	got := as(t, s, "", "").send(http.MethodGet, app.Prefix+"openapi.json", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(got.body, &doc); err != nil || got.status != 200 || doc.OpenAPI != "3.1.0" || got.head.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %v", got.status, err, got.head)
	}
	if doc.Paths["/app/v1/meetings/{meetingId}"]["get"] == nil {
		t.Error("the description lacks a meeting")
	}
}
