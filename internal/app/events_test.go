package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// became puts what became of a meeting's events into words.
func became(b *backend, id, query string) (list []string, next string) {
	b.t.Helper()
	page := get[app.EventList](b, "meetings/"+id+"/events"+query)
	for _, e := range page.Events {
		for _, w := range e.Ways {
			list = append(list, strings.TrimSpace(fmt.Sprint(e.Sequence, " ", strings.TrimPrefix(e.Type, "chime:"), ": ", w.Destination, " ", w.State, " ", w.Answer)))
		}
	}
	return list, page.NextToken
}

func TestWhatBecameOfTheEventsOfAMeeting(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("carillon-event-type") == "chime:MeetingEnded" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer hook.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(webhook.NewSecret()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "--webhook", hook.URL, "--webhook-secret-file", secret, "--webhook-allow-private")
	a := ada(t, s)
	id, _ := a.meet("standup", nil, "ada@example.org", "bob@example.org")
	taken := []string{"1 MeetingStarted: webhook:default taken", "2 AttendeeAdded: webhook:default taken", "3 AttendeeAdded: webhook:default taken"}
	eventually(t, "all are taken", func() bool { list, _ := became(a, id, ""); return fmt.Sprint(list) == fmt.Sprint(taken) })
	first, next := became(a, id, "?maxResults=2")
	want(t, "the first page", first, taken[:2])
	last, end := became(a, id, "?maxResults=2&nextToken="+next)
	want(t, "the second page", last, taken[2:])
	want(t, "its token", end, "")
	for _, e := range get[app.EventList](a, "meetings/"+id+"/events").Events {
		if w := e.Ways[0]; e.ID.IsZero() || e.At.IsZero() || w.Attempts != 1 || w.Last.Before(e.At.Time) {
			t.Errorf("%+v", e)
		}
	}
	if raw := a.send(http.MethodGet, app.Prefix+"meetings/"+id+"/events", ""); strings.Contains(string(raw.body), "example.org") {
		t.Errorf("external user ids are told: %s", raw.body)
	}
	a.end(id)
	eventually(t, "the end is refused", func() bool {
		list, _ := became(a, id, "")
		return len(list) == 4 && list[3] == "4 MeetingEnded: webhook:default waiting HTTP 410"
	})
	a.refused(http.MethodGet, app.Prefix+"meetings/"+id+"/events?nextToken=x", "", 400, "BadRequestException")
	bob(t, s).refused(http.MethodGet, app.Prefix+"meetings/"+id+"/events", "", 404, "NotFoundException")
}

func TestNobodyIsToldOfAMeetingsEvents(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	id, _ := a.meet("standup", nil)
	want(t, "events", get[app.EventList](a, "meetings/"+id+"/events"), app.EventList{Events: []observe.Told{}})
}
