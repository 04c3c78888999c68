package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
)

// twoAccounts writes a key file with two accounts, of which the second has
// settings of its own.
func twoAccounts(t *testing.T, own string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	text := "keys:\n" +
		"  - {access-key-id: ONE, secret-access-key: s1, account: \"111111111111\"}\n" +
		"  - {access-key-id: TWO, secret-access-key: s2, account: \"222222222222\"}\n" +
		"accounts:\n  \"222222222222\":\n" + own
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The server's web hook hears of both accounts, one account's own of that one.
func TestAnAccountHasAWebhookOfItsOwn(t *testing.T) {
	all, own := newHook(t), newHook(t)
	keys := twoAccounts(t, fmt.Sprintf("    webhooks: [{name: own, url: %q, secret-files: [%q], insecure: true, allow-private: true}]\n", own.URL, own.file))
	s := startServer(t, t.TempDir(), append(all.flags(), "--key-file", keys)...)
	createMeeting(t, s.sdk("ONE", "s1", http.DefaultClient), "a-token")
	all.wait(t, 1)
	createMeeting(t, s.sdk("TWO", "s2", http.DefaultClient), "a-token")
	all.wait(t, 2)
	if got := own.wait(t, 1); len(got) != 1 {
		t.Errorf("the account's own got %v", got)
	}
	var names []string
	for _, d := range s.notifier.Destinations() {
		names = append(names, d.Name)
	}
	if got := strings.Join(names, " "); got != "webhook:222222222222/own webhook:default" {
		t.Errorf("there are %s", got)
	}
}

// One account's queues lead to an endpoint of its own, the other's nowhere. What
// is refused is counted by account, goes to the account's queue of dead letters,
// and what leads nowhere is shown.
func TestAnAccountHasServicesOfItsOwn(t *testing.T) {
	sent := make(chan string, 100)
	queues := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 1<<16)
		n, _ := r.Body.Read(body)
		text := string(body[:n])
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		switch {
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetQueueUrl"):
			name := "meetings"
			if strings.Contains(text, `"dead"`) {
				name = "dead"
			}
			fmt.Fprintf(w, `{"QueueUrl":"http://127.0.0.1/222222222222/%s"}`, name)
		case strings.Contains(text, "222222222222/meetings"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"InvalidMessageContents"}`)
		default:
			sent <- text
			fmt.Fprint(w, `{"MessageId":"m"}`)
		}
	}))
	defer queues.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := twoAccounts(t, fmt.Sprintf("    events-sqs-endpoint: %s\n    events-access-key: AKID\n    events-secret-key-file: %s\n"+
		"    events-dead-letter-queue: arn:aws:sqs:us-east-1:222222222222:dead\n", queues.URL, secret))
	s := startServer(t, t.TempDir(), "--key-file", keys)
	for _, key := range [][2]string{{"ONE", "s1"}, {"TWO", "s2"}} {
		if _, err := s.sdk(key[0], key[1], http.DefaultClient).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String("a-token"), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
			NotificationsConfiguration: &types.NotificationsConfiguration{SqsQueueArn: aws.String("arn:aws:sqs:us-east-1:222222222222:meetings")},
		}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case text := <-sent:
		if !strings.Contains(text, "chime:MeetingStarted") || !strings.Contains(text, "InvalidMessageContents") {
			t.Errorf("the queue of dead letters got %s", text)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing came into the queue of dead letters")
	}
	for _, want := range []string{
		`carillon_meeting_sqs_notification_errors_total{account="222222222222"} 1`,
		`carillon_api_without_effect_total{member="NotificationsConfiguration.SqsQueueArn"} 1`,
	} {
		until(t, "/metrics to have the line "+want, func() bool { // a letter is counted after it was taken
			_, body := get(t, s.ports.public.String()+"/metrics")
			return strings.Contains(body, want)
		})
	}
	meetings, err := s.control.Meetings(t.Context())
	if err != nil || len(meetings) != 2 {
		t.Fatalf("%d meetings, %v", len(meetings), err)
	}
	for _, m := range meetings {
		if lost := len(m.Unreached) == 1; lost != (m.Account == "111111111111") {
			t.Errorf("account %s does not reach %v", m.Account, m.Unreached)
		}
	}
}

func TestAnAccountsSettingsAreChecked(t *testing.T) {
	_, err := prepare(settings(t, "--data", t.TempDir(), "--key-file", twoAccounts(t, "    events-sqs-endpoint: aws\n    events-workers: 0\n")))
	for _, want := range []string{"account 222222222222: --events-access-key", "account 222222222222: --events-workers: 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to say %q", err, want)
		}
	}
	for queue, ok := range map[string]bool{"arn:aws:sqs:us-east-1:222222222222:dead": true, "nowhere": false} {
		_, err := prepare(settings(t, "--data", t.TempDir(), "--events-sqs-endpoint", "aws", "--events-credentials", "chain", "--events-dead-letter-queue", queue))
		if (err == nil) != ok {
			t.Errorf("%s: %v", queue, err)
		}
	}
}

func TestWhetherEverybodyIsThere(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }))
	defer h.Close()
	check := func() (string, error) {
		return output(t, func() error {
			return run(t.Context(), []string{"check", "config", "--online", "--data", t.TempDir(),
				"--webhook", h.URL, "--webhook-secret-file", newHook(t).file, "--webhook-allow-private"})
		})
	}
	out, err := check()
	if err != nil || !strings.Contains(out, "\n# webhook:default: is there\n") || strings.Contains(out, "online") {
		t.Errorf("%v\n%s", err, out)
	}
	h.Close()
	if out, err = check(); err == nil || !strings.Contains(err.Error(), "webhook:default") || !strings.Contains(out, "refused") {
		t.Errorf("with nobody there: %v\n%s", err, out)
	}
}

func TestAPairOfKeysIsMade(t *testing.T) {
	out, err := output(t, func() error { return run(t.Context(), []string{"events", "secret", "--pair"}) })
	if err != nil || !strings.HasPrefix(out, "whsk_") {
		t.Errorf("made %q: %v", out, err)
	}
}
