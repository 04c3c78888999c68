package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// many is a server with more dead letters than the page shows.
type many struct{ told }

func (m *many) Letters(context.Context, observe.LetterFilter, int) ([]observe.Letter, error) {
	return make([]observe.Letter, lettersOnPage+1), m.refusal
}

func TestThePageOfDestinations(t *testing.T) {
	d := new(told)
	s := open(t, func(c *Config) { c.Deliveries = d })
	if a := s.send("GET", pathDestinations, ""); a.StatusCode != 401 {
		t.Errorf("to a stranger: %d", a.StatusCode)
	}
	s.signIn()
	var page destinationsPage
	ask := func() {
		t.Helper()
		a := s.send("GET", pathDestinations, "")
		page = destinationsPage{}
		if err := json.Unmarshal([]byte(a.body), &page); a.StatusCode != 200 || err != nil {
			t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
		}
	}
	if ask(); !page.Told || len(page.Destinations) != 1 || page.Destinations[0].Waiting != 3 || len(page.Letters) != 1 || page.Letters[0].Reason != "HTTP 400" || page.More {
		t.Errorf("the page is %+v", page)
	}
	for action, body := range map[string]string{
		"replay": `{"filter":{"key":"k"}}`, "drop": `{"filter":{"destination":"sqs"}}`, "resume": `{"filter":{},"name":"webhook:default"}`,
	} {
		if a := s.send("POST", pathDestinations+"/"+action, body); a.StatusCode != 200 {
			t.Errorf("%s: %d %s", action, a.StatusCode, a.body)
		}
	}
	if a := s.send("POST", pathDestinations+"/explode", `{"filter":{}}`); a.StatusCode != 404 {
		t.Errorf("an action that is none: %d", a.StatusCode)
	}
	d.refusal = errors.New("away")
	if a := s.send("GET", pathDestinations, ""); a.StatusCode != 503 || strings.Contains(a.body, "away") {
		t.Errorf("while the store is away: %d %s", a.StatusCode, a.body)
	}
}

func TestThePageOfDestinationsOfAServerThatTellsNobody(t *testing.T) {
	s := open(t)
	s.signIn()
	if a := s.send("GET", pathDestinations, ""); a.StatusCode != 200 || a.body != `{"told":false,"destinations":[],"letters":[],"more":false}` {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	full := open(t, func(c *Config) { c.Deliveries = new(many) })
	full.signIn()
	var page destinationsPage
	if err := json.Unmarshal([]byte(full.send("GET", pathDestinations, "").body), &page); err != nil || !page.More || len(page.Letters) != lettersOnPage {
		t.Errorf("%d letters of more, told %t, %v", len(page.Letters), page.More, err)
	}
}

// Another site's page can have an operator's browser send a request, and does not
// know the session's token.
func TestForgedActionsOnEventsAreRefused(t *testing.T) {
	d := new(told)
	s := open(t, func(c *Config) { c.Deliveries = d })
	s.signIn()
	s.csrf = "wrong"
	if a := s.send("POST", pathDestinations+"/drop", `{"filter":{}}`); a.StatusCode != 403 || len(d.done) != 0 {
		t.Errorf("%d, done: %v", a.StatusCode, d.done)
	}
}

// What the page's types are compared with (web/test/delivery.test.ts).
func goldenDeliveries(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	at := observe.At(start.Add(time.Second))
	rows := map[string]json.RawMessage{}
	for name, v := range map[string]any{
		"Destination": observe.Destination{
			Name: "sqs arn:aws:sqs:us-east-1:123456789012:meetings", Kind: "sqs", Waiting: 3, Bytes: 900, Oldest: at, Open: true, Off: true, Since: at, Trouble: "AccessDenied",
		},
		"Letter": observe.Letter{
			Key: "k", Destination: "webhook:billing", Event: meeting.ID{9}, Type: "chime:MeetingEnded", Meeting: weekly, Account: "123456789012",
			Sequence: 4, At: at, First: at, Last: at, Given: at, Attempts: 7, Reason: "HTTP 400",
		},
		"Told": observe.Told{
			ID: meeting.ID{9}, Sequence: 4, Type: "chime:MeetingEnded", At: at,
			Ways: []observe.Way{{Destination: "webhook:billing", State: observe.WayDead, Attempts: 7, Last: at, Answer: "HTTP 400"}},
		},
	} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", name, err))
		}
		wantEveryField(t, name, reflect.TypeOf(v), raw)
		rows[name] = raw
	}
	return rows
}
