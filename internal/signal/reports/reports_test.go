package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/logtest"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// anybody is a check that every token passes.
func anybody(context.Context, meeting.ID, string) (string, int) { return "ada", http.StatusOK }

func post(h http.Handler, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/events/"+meeting.ID{7}.String(), strings.NewReader(body))
	r.SetPathValue("meeting", meeting.ID{7}.String())
	r.Header.Set("Authorization", "Bearer token")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func body(names ...string) string {
	var payloads []string
	for _, n := range names {
		payloads = append(payloads, fmt.Sprintf(`{"name":%q,"ts":1700000000123}`, n))
	}
	return `{"metadata":{"browserName":"Chrome"},"events":[{"type":"Meet","v":1,"payloads":[` + strings.Join(payloads, ",") + `]}]}`
}

func TestNamesAreFew(t *testing.T) {
	h := New(Config{Check: anybody})
	for i := range 100 {
		if w := post(h, body(fmt.Sprint("made up ", i), "meetingFailed")); w.Code != http.StatusOK {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
	}
	got := h.Counts()
	if len(got) != len(Names()) || got["other"] != 100 || got["meetingFailed"] != 100 {
		t.Errorf("%v", got)
	}
}

func TestEventsOfAReportAreBounded(t *testing.T) {
	h := New(Config{Check: anybody})
	post(h, body(append([]string{"", ""}, strings.Fields(strings.Repeat("meetingEnded ", maxEvents+20))...)...))
	if got := h.Counts()["meetingEnded"]; got != maxEvents {
		t.Errorf("%d events counted", got)
	}
}

func TestReportsAreLimited(t *testing.T) {
	h := New(Config{Check: anybody})
	limited := false
	for range 2 * reportBurst {
		w := post(h, body("meetingEnded"))
		if limited = w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != ""; limited {
			break
		}
	}
	if !limited {
		t.Error("reports are not limited")
	}
	for i := range maxMeetings + 7 {
		if !h.limits.allow(meeting.ID{byte(i), byte(i >> 8), 1}) {
			t.Error("one meeting's reports keep out another's")
		}
	}
	if len(h.limits.byMeeting) != maxMeetings || len(h.limits.order) != maxMeetings {
		t.Errorf("%d meetings remembered", len(h.limits.byMeeting))
	}
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	var log logtest.Buffer
	h := New(Config{Check: anybody, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	post(h, strings.Replace(body("meetingFailed", "secret name"), `"ts"`, `"externalUserId":"ada-external","ts"`, 2))
	if !log.Contains("meetingFailed") || !log.Contains("attendee=ada") {
		t.Error("not logged")
	}
	for _, secret := range []string{"token", "external", "secret name"} {
		if log.Contains(secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// FuzzReport sends the handler whatever it likes.
func FuzzReport(f *testing.F) {
	f.Add(body("meetingStartSucceeded"))
	f.Add(`{"metadata":{"meetingId":"x"},"events":[null,{"payloads":[1,{"name":"a","ts":1e300}]}]}`)
	f.Add(`{"events":null,"authorization":"x"}`)
	f.Fuzz(func(t *testing.T, in string) {
		h := New(Config{Check: anybody})
		if w := post(h, in); !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d answered with %q", w.Code, w.Body)
		}
		if len(h.Counts()) != len(Names()) {
			t.Errorf("names %v", h.Counts())
		}
	})
}
