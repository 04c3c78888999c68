package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/notify/webhook"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// hook is a web hook's endpoint. It checks every signature by itself.
type hook struct {
	*httptest.Server
	file string // with the secret

	mu       sync.Mutex
	status   int
	attempts int
	types    []string // of what was taken
	ids      []string
}

func newHook(t *testing.T) *hook {
	t.Helper()
	secret := webhook.NewSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	h := &hook{file: filepath.Join(t.TempDir(), "secret"), status: http.StatusOK}
	if err := os.WriteFile(h.file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		var told struct {
			Detail struct {
				EventType string `json:"eventType"`
			} `json:"detail"`
		}
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); err != nil || r.Header.Get("webhook-signature") != want || json.Unmarshal(body, &told) != nil {
			t.Errorf("a request is not signed, or no event: %v %s", r.Header, body)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.attempts++
		if w.WriteHeader(h.status); h.status == http.StatusOK {
			h.types = append(h.types, strings.TrimPrefix(told.Detail.EventType, "chime:"))
			h.ids = append(h.ids, r.Header.Get("webhook-id"))
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) flags() []string {
	return []string{"--webhook", h.URL, "--webhook-secret-file", h.file, "--webhook-allow-private"}
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// wait waits until so many different events were taken, and returns the types of
// all that were.
func (h *hook) wait(t *testing.T, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		types, ids := slices.Clone(h.types), slices.Clone(h.ids)
		h.mu.Unlock()
		slices.Sort(ids)
		if len(slices.Compact(ids)) >= n {
			return types
		}
		if time.Now().After(deadline) {
			t.Fatalf("only these events came: %v", types)
		}
	}
}

func outside(s *servertest.Server) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: "us-east-1", BaseEndpoint: &s.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})
}

// The server is killed while the receiver takes nothing, and again once it takes
// events: all come, in order.
func TestAWebhookHearsOfEverythingThoughTheServerIsKilled(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	h.answer(http.StatusServiceUnavailable)
	s := servertest.Start(t, h.flags()...)
	m, err := outside(s).CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("a-token"), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ann")}, {ExternalUserId: aws.String("bob")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	h.answer(http.StatusOK)
	s.Restart()
	h.wait(t, 3)
	s.Kill()
	s.Restart()
	if _, err := outside(s).DeleteMeeting(t.Context(), &chimesdkmeetings.DeleteMeetingInput{MeetingId: m.Meeting.MeetingId}); err != nil {
		t.Fatal(err)
	}
	got := h.wait(t, 4)
	want := []string{"MeetingStarted", "AttendeeAdded", "AttendeeAdded", "MeetingEnded"}
	if first, last := got[:3], got[len(got)-1]; !slices.Equal(first, want[:3]) || last != want[3] {
		t.Errorf("got %v", got)
	}
}

func TestTheMetricsTellOfEvents(t *testing.T) {
	h := newHook(t)
	s := startServer(t, t.TempDir(), h.flags()...)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "a-token")
	h.wait(t, 1)
	for _, want := range []string{
		`carillon_events_total{type="chime:MeetingStarted"} 1`, `carillon_event_deliveries_total{destination="webhook",result="ok"} 1`,
		`carillon_event_lag_seconds_count{destination="webhook"} 1`, `carillon_event_backlog{destination="webhook:default"} 0`,
		`carillon_event_circuit_open{destination="webhook:default"} 0`,
	} {
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { // it is counted after the answer
			if _, body := get(t, s.ports.public.String()+"/metrics"); strings.Contains(body, want) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("/metrics has no line %s", want)
			}
		}
	}
}

func TestWhatIsWrongWithTheEventsSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(webhook.NewSecret()), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, flags := range map[string][]string{
		"insecure":                       {"--webhook", "http://example.org/", "--webhook-secret-file", file},
		"no secret file":                 {"--webhook", "https://example.org/"},
		"need --webhook":                 {"--webhook-secret-file", file},
		"neither an https nor":           {"--webhook", "ftp://example.org/", "--webhook-secret-file", file},
		"no such file":                   {"--webhook", "https://example.org/", "--webhook-secret-file", filepath.Join(dir, "none")},
		"no such form":                   {"--webhooks", fmt.Sprintf(`[{"name":"a","url":"https://example.org/","secret-files":[%q],"form":"xml"}]`, file)},
		"two are named":                  {"--webhooks", fmt.Sprintf(`[{"name":"a","url":"https://example.org/","secret-files":[%[1]q]},{"name":"a","url":"https://example.org/","secret-files":[%[1]q]}]`, file)},
		"letters, digits and dashes":     {"--webhooks", fmt.Sprintf(`[{"name":"a b","url":"https://example.org/","secret-files":[%q]}]`, file)},
		"neither a URL nor aws":          {"--events-sqs-endpoint", "queues", "--events-access-key", "A", "--events-secret-key-file", file},
		"--events-credentials chain":     {"--events-sqs-endpoint", "aws"},
		"refuses \"aws.chime\"":          {"--events-bus-endpoint", "aws", "--events-credentials", "chain"},
		"is not a pattern":               {"--events-allow-arns", "[", "--webhook", "https://example.org/", "--webhook-secret-file", file},
		"--events-backlog-count: 0 is n": {"--events-backlog-count", "0"},
	} {
		_, err := prepare(settings(t, append([]string{"--data", t.TempDir()}, flags...)...))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want it to say %q", flags, err, want)
		}
	}
}

// Events that were given up are listed, replayed and dropped by the command line.
func TestDeadLettersOnTheCommandLine(t *testing.T) {
	h := newHook(t)
	h.answer(http.StatusBadRequest)
	dir := t.TempDir()
	hooks := fmt.Sprintf(`[{"name":"own","url":%q,"secret-files":[%q],"insecure":true,"allow-private":true,"max-age":"1ms"}]`, h.URL, h.file)
	s := startServer(t, dir, "--webhooks", hooks)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "a-token")
	command := func(args ...string) string {
		t.Helper()
		out, err := output(t, func() error {
			return run(t.Context(), append(append([]string{"events"}, args...), "--endpoint", s.ports.public.String(), "--data", dir))
		})
		if err != nil {
			t.Fatalf("events %v: %v", args, err)
		}
		return out
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(command("dead"), "chime:MeetingStarted"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the event was not given up")
		}
	}
	if out := command("dead", "--destination", "webhook:own", "--json"); !strings.Contains(out, `"reason":"HTTP 400"`) {
		t.Errorf("as JSON: %s", out)
	}
	if out := command("dead", "--type", "chime:MeetingEnded"); strings.Contains(out, "chime:") {
		t.Errorf("of another type: %s", out)
	}
	if out := command("status"); !strings.Contains(out, "webhook:own") {
		t.Errorf("status says %s", out)
	}
	h.answer(http.StatusOK)
	if out := command("replay"); out != "1 on their way\n" {
		t.Errorf("replay says %s", out)
	}
	h.wait(t, 1)
	if out := command("drop"); !strings.HasSuffix(out, "dropped\n") {
		t.Errorf("drop says %s", out)
	}
	command("resume", "webhook:own")
	for _, args := range [][]string{{"resume", "webhook:other"}, {"dead", "--meeting", "x"}, {"dead", "--operator-secret", "wrong"}} {
		if err := run(t.Context(), append(append([]string{"events"}, args...), "--endpoint", s.ports.public.String(), "--data", dir)); err == nil {
			t.Errorf("events %v succeeded", args)
		}
	}
}

// A server without receivers says so, instead of having no such address.
func TestAServerThatTellsNobodySaysSo(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	for command, want := range map[string]string{
		"status": "This server tells nobody of events: ", "dead": "KEY", "replay": "This server tells nobody of events.", "drop": "This server tells nobody of events.", "resume webhook:own": "This server tells nobody of events.",
	} {
		out, err := output(t, func() error {
			return run(t.Context(), append(append([]string{"events"}, strings.Fields(command)...), "--endpoint", s.ports.public.String(), "--data", dir))
		})
		if err != nil {
			out = err.Error()
		}
		if looks := command == "status" || command == "dead"; looks != (err == nil) || !strings.HasPrefix(out, want) {
			t.Errorf("events %s says %q, %v", command, out, err)
		}
	}
}

func TestASecretIsMade(t *testing.T) {
	out, err := output(t, func() error { return run(t.Context(), []string{"events", "secret"}) })
	if _, bad := webhook.ParseSecret(strings.TrimSpace(out)); err != nil || bad != nil {
		t.Errorf("made %q: %v, %v", out, err, bad)
	}
}

// output returns what fn prints.
func output(t *testing.T, fn func() error) (string, error) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = write
	err = fn()
	os.Stdout = stdout
	_ = write.Close()
	text, readErr := io.ReadAll(read)
	_ = read.Close()
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(text), err
}

// A node of three dies while its events wait: those who take its meetings over
// tell them.
func TestEventsOfANodeThatDies(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	h.answer(http.StatusServiceUnavailable)
	c := startTrio(t, h.flags()...)
	c.balanced(3)
	c.make(12)
	c.nodes[0].Kill()
	h.answer(http.StatusOK)
	h.wait(t, 24) // of each meeting its start and its attendee
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[string]string{}
	for i, id := range h.ids {
		seen[id] = h.types[i]
	}
	counts := map[string]int{}
	for _, kind := range seen {
		counts[kind]++
	}
	if counts["MeetingStarted"] != 12 || counts["AttendeeAdded"] != 12 || len(seen) != 24 {
		t.Errorf("told were %v", counts)
	}
}
