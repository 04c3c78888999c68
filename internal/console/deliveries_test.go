package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/operators"
)

// told is what is done to the events of a server that exists only in memory.
type told struct {
	done    []string
	events  map[meeting.ID][]observe.Told
	refusal error
}

func (d *told) Destinations() []observe.Destination {
	return []observe.Destination{{Name: "webhook:default", Kind: "webhook", Waiting: 3}}
}

func (d *told) Resume(name string) bool {
	d.done = append(d.done, "resume "+name)
	return name == "webhook:default"
}

func (d *told) Told(id meeting.ID) []observe.Told { return d.events[id] }

func (d *told) Letters(_ context.Context, f observe.LetterFilter, limit int) ([]observe.Letter, error) {
	d.done = append(d.done, fmt.Sprint("letters ", f.Type, " ", limit))
	return []observe.Letter{{Key: "k", Type: "chime:MeetingEnded", Reason: "HTTP 400"}}, d.refusal
}

func (d *told) Replay(_ context.Context, f observe.LetterFilter) (int, error) {
	d.done = append(d.done, "replay "+f.Destination)
	return 2, d.refusal
}

func (d *told) Drop(_ context.Context, f observe.LetterFilter) (int, error) {
	d.done = append(d.done, "drop "+f.Key)
	return 1, d.refusal
}

// ask sends a question as the command line does.
func (s *site) ask(action, body, secret string) (status int, answer string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+PathDeliveries+action, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		s.Fatal(err)
	}
	return response.StatusCode, text.String()
}

func TestTheCommandLineAsksAboutEvents(t *testing.T) {
	d := new(told)
	s := open(t, func(c *Config) { c.Deliveries = d })
	for _, c := range []struct {
		action, body, want string
		status             int
	}{
		{"status", `{"filter":{}}`, `"webhook:default"`, 200},
		{"dead", `{"filter":{"type":"chime:MeetingEnded"}}`, `"reason":"HTTP 400"`, 200},
		{"replay", `{"filter":{"destination":"sqs"}}`, `"count":2`, 200},
		{"drop", `{"filter":{"key":"k"}}`, `"count":1`, 200},
		{"resume", `{"filter":{},"name":"webhook:default"}`, `{}`, 200},
		{"resume", `{"filter":{},"name":"other"}`, "destination", 404},
		{"explode", `{"filter":{}}`, "no such action", 404},
		{"drop", `{"filter":{"meeting":"x"}}`, "JSON", 400},
	} {
		if status, answer := s.ask(c.action, c.body, secret); status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s %s: %d %s, want %d and %s", c.action, c.body, status, answer, c.status, c.want)
		}
	}
	want := "letters chime:MeetingEnded 1000, replay sqs, drop k, resume webhook:default, resume other"
	if got := strings.Join(d.done, ", "); got != want {
		t.Errorf("done: %s", got)
	}
	d.refusal = errors.New("away")
	if status, answer := s.ask("replay", `{"filter":{}}`, secret); status != 503 || strings.Contains(answer, "away") {
		t.Errorf("while the store is away: %d %s", status, answer)
	}
}

func TestEventsAreForOperatorsOnly(t *testing.T) {
	d := new(told)
	s := open(t, func(c *Config) { c.Deliveries = d })
	for range 20 { // no try, for another site's page can send this
		if status, _ := s.ask("dead", `{"filter":{}}`, ""); status != 401 {
			t.Fatalf("without a secret: %d", status)
		}
	}
	statuses := map[int]int{}
	for range operators.TriesBurst + 1 {
		status, _ := s.ask("dead", `{"filter":{}}`, "wrong")
		statuses[status]++
	}
	if statuses[401] != operators.TriesBurst || statuses[429] != 1 || len(d.done) != 0 {
		t.Errorf("wrong secrets are answered %v; done: %v", statuses, d.done)
	}
	s.clock.advance(time.Hour)
	if status, _ := s.ask("dead", `{"filter":{}}`, secret); status != 200 {
		t.Errorf("the right secret is answered %d", status)
	}
	silent := open(t)
	if status, answer := silent.ask("dead", `{"filter":{}}`, secret); status != 200 || !strings.HasSuffix(strings.TrimSpace(answer), `{"nobody":true}`) {
		t.Errorf("a server that tells nobody answers %d %s", status, answer)
	}
	if status, _ := silent.ask("dead", `{"filter":{}}`, "wrong"); status != 401 {
		t.Errorf("a server that tells nobody answers a stranger %d", status)
	}
	if status, _ := silent.ask("replay", `{"filter":{}}`, secret); status != 404 {
		t.Errorf("a server that tells nobody replays: %d", status)
	}
}
