package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	accessKey = "AKIDDEMO00000000"
	secretKey = "the demo backend's own secret key"
	who       = "0123456789abcdef0123456789abcdef"
)

// realAPI runs the API door over a real ledger and returns its address.
func realAPI(t *testing.T, limits meeting.Limits) (url string, c *control.Control) {
	t.Helper()
	ctx := context.Background()
	log, err := ledger.Open(ctx, ledger.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	c = control.New(control.Config{Limits: limits}, control.OnLedger(log), key)
	if err := c.AdoptAll(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	keys, err := sigv4.Single(accessKey, secretKey, "123456789012")
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(api.New(api.Config{Control: c, Verifier: sigv4.New(sigv4.Config{Keys: keys, Window: time.Hour}), Limits: limits}))
	t.Cleanup(door.Close)
	return door.URL, c
}

func backend(t *testing.T, endpoint string) *Backend {
	t.Helper()
	b, err := New(Config{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reply is what the backend answered.
type reply struct {
	status  int
	Code    string
	Error   string
	Meeting struct {
		ID         string `json:"MeetingId"`
		ExternalID string `json:"ExternalMeetingId"`
	}
	Attendee struct {
		ID        string `json:"AttendeeId"`
		UserID    string `json:"ExternalUserId"`
		JoinToken string
	}
}

func post(t *testing.T, b *Backend, path, body string) (r reply) {
	t.Helper()
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
	r.status = w.Code
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatalf("%s answered %d %q: %v", path, w.Code, w.Body, err)
	}
	if h := w.Header().Get("Cache-Control"); h != "no-store" {
		t.Errorf("%s may be cached: %q", path, h)
	}
	return r
}

func (b *Backend) testJoin(t *testing.T, code, who, name string) reply {
	t.Helper()
	return post(t, b, "/demo/meetings/"+code+"/attendees", fmt.Sprintf(`{"name":%q,"who":%q}`, name, who))
}

func TestTwoPeopleMeetThroughTheRealAPI(t *testing.T) {
	url, c := realAPI(t, meeting.Limits{})
	b := backend(t, url)
	code := post(t, b, "/demo/meetings", `{}`).Code
	if list, _ := c.Meetings(context.Background()); len(list) != 0 {
		t.Errorf("an unused code made %d meetings", len(list))
	}
	ada := b.testJoin(t, code, who, "Ada")
	grace := b.testJoin(t, strings.ToUpper(strings.ReplaceAll(code, "-", "")), who+"2", "Grace 🌟")
	if ada.status != 200 || grace.status != 200 {
		t.Fatalf("joining answered %d %q and %d %q", ada.status, ada.Error, grace.status, grace.Error)
	}
	if ada.Meeting.ID == "" || ada.Meeting != grace.Meeting || ada.Meeting.ExternalID != code {
		t.Errorf("they are in meetings %+v and %+v", ada.Meeting, grace.Meeting)
	}
	if ada.Attendee.ID == grace.Attendee.ID || len(ada.Attendee.JoinToken) != 98 {
		t.Errorf("attendees %+v and %+v", ada.Attendee, grace.Attendee)
	}
	if again := b.testJoin(t, code, who, "Ada"); again.Attendee != ada.Attendee {
		t.Errorf("coming back gave %+v, want %+v", again.Attendee, ada.Attendee)
	}
	if other := b.testJoin(t, code, who+"3", "Ada"); other.Attendee.ID == ada.Attendee.ID {
		t.Error("another browser with the same name got the same seat")
	}
}

// One address must not use up the account's quota.
func TestAnAddressHasFewOpenMeetings(t *testing.T) {
	url, c := realAPI(t, meeting.Limits{})
	addr := netip.MustParseAddr("192.0.2.1")
	b, err := New(Config{Endpoint: url, AccessKey: accessKey, SecretKey: secretKey, ClientAddr: func(*http.Request) netip.Addr { return addr }})
	if err != nil {
		t.Fatal(err)
	}
	var first reply
	codes := make([]string, maxOpened)
	for i := range codes {
		codes[i] = b.codes.fresh()
		r := b.testJoin(t, codes[i], who, "Ada")
		if r.status != http.StatusOK {
			t.Fatalf("meeting %d: %d %q", i+1, r.status, r.Error)
		}
		if i == 0 {
			first = r
		}
	}
	next := b.codes.fresh()
	if r := b.testJoin(t, next, who, "Ada"); r.status != http.StatusTooManyRequests || !strings.Contains(r.Error, "from your address") {
		t.Errorf("one more meeting: %d %q", r.status, r.Error)
	}
	if r := b.testJoin(t, codes[1], who+"2", "Grace"); r.status != http.StatusOK {
		t.Errorf("joining one that is open: %d %q", r.status, r.Error)
	}
	addr = netip.MustParseAddr("192.0.2.2")
	if r := b.testJoin(t, next, who, "Ada"); r.status != http.StatusOK {
		t.Errorf("from another address: %d %q", r.status, r.Error)
	}
	addr = netip.MustParseAddr("192.0.2.1")
	id, _ := meeting.ParseID(first.Meeting.ID)
	if err := c.EndMeeting(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if r := b.testJoin(t, b.codes.fresh(), who, "Ada"); r.status != http.StatusOK {
		t.Errorf("after one has ended: %d %q", r.status, r.Error)
	}
	if r := b.testJoin(t, codes[0], who, "Ada"); r.status != http.StatusTooManyRequests {
		t.Errorf("the ended one, anew: %d %q", r.status, r.Error)
	}
}

func TestAFullMeetingIsExplained(t *testing.T) {
	limits := meeting.DefaultLimits()
	limits.Attendees = 1
	url, _ := realAPI(t, limits)
	b := backend(t, url)
	code := post(t, b, "/demo/meetings", `{}`).Code
	b.testJoin(t, code, who, "Ada")
	if r := b.testJoin(t, code, who+"2", "Grace"); r.status != http.StatusConflict || !strings.Contains(r.Error, "full") {
		t.Errorf("the second person got %d %q", r.status, r.Error)
	}
}

func TestBadRequestsReachNoAPI(t *testing.T) {
	var calls atomic.Int32
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer api.Close()
	b := backend(t, api.URL)
	code := b.codes.fresh()
	good := fmt.Sprintf(`{"name":"Ada","who":%q}`, who)
	for name, c := range map[string]struct {
		code, body string
		status     int
	}{
		"unknown code":    {"abc-defg-hij", good, 404},
		"huge code":       {strings.Repeat("a", 300), good, 404},
		"not JSON":        {code, "hello", 400},
		"no name":         {code, fmt.Sprintf(`{"name":" \u0000 ","who":%q}`, who), 400},
		"huge name":       {code, fmt.Sprintf(`{"name":%q,"who":%q}`, strings.Repeat("a", 201), who), 400},
		"huge body":       {code, fmt.Sprintf(`{"name":%q}`, strings.Repeat("a", maxBody)), 400},
		"nobody":          {code, `{"name":"Ada"}`, 400},
		"nothing":         {code, "", 400},
		"name twice":      {code, fmt.Sprintf(`{"name":"Bob","name":"Ada","who":%q}`, who), 400},
		"two values":      {code, good + good, 400},
		"half a letter":   {code, fmt.Sprintf(`{"name":"\ud83d","who":%q}`, who), 400},
		"another address": {code + "/more", good, 404},
	} {
		r := post(t, b, "/demo/meetings/"+c.code+"/attendees", c.body)
		if r.status != c.status || r.Error == "" {
			t.Errorf("%s: %d %q, want %d with a sentence", name, r.status, r.Error, c.status)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the API was called %d times", n)
	}
	if r := b.testJoin(t, code, who, "Ada"); r.status != http.StatusBadGateway || !strings.Contains(r.Error, "log") {
		t.Errorf("a refused key is told as %d %q", r.status, r.Error)
	}
}

func TestAPIRefusalsBecomeSentences(t *testing.T) {
	var name string
	var status int
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name == "NotFoundException" && r.URL.Path == "/meetings" { // only the attendee is refused so
			io.WriteString(w, `{"Meeting":{"MeetingId":"00000000-0000-4000-8000-000000000000"}}`)
			return
		}
		w.Header().Set("x-amzn-ErrorType", name)
		w.WriteHeader(status)
		io.WriteString(w, `{"Message":"secret-inner-words"}`)
	}))
	defer fake.Close()
	var log bytes.Buffer
	b, err := New(Config{Endpoint: fake.URL, AccessKey: accessKey, SecretKey: secretKey, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		status, want int
		text         string
	}{
		{"LimitExceededException", 400, 409, "full"},
		{"NotFoundException", 404, 409, "ended"},
		{"ThrottlingException", 429, 429, "busy"},
		{"ServiceUnavailableException", 503, 503, "restarted"},
		{"ServiceFailureException", 500, 502, "log"},
	} {
		name, status = c.name, c.status
		r := b.testJoin(t, b.codes.fresh(), who, "Ada")
		if r.status != c.want || !strings.Contains(r.Error, c.text) || strings.Contains(r.Error, "secret") {
			t.Errorf("%s: %d %q, want %d with %q", c.name, r.status, r.Error, c.want, c.text)
		}
	}
	for _, word := range []string{secretKey, who, "Ada"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log holds %q:\n%s", word, log.String())
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []Config{{}, {Endpoint: "http://x"}, {Endpoint: "http://x", AccessKey: "a"}, {AccessKey: "a", SecretKey: "b"}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New accepted %+v", cfg)
		}
	}
}
