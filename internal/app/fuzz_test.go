package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What gets past the checks of a message is what clients may send.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"topic": "news", "text": "x", "lifetimeMs": 5}`))
	f.Add([]byte(`{"topic": "news", "data": "eA==", "attendeeId": "5b1d7c02-90aa-4c3e-8f21-77a1c0de7979"}`))
	f.Add([]byte("{\"topic\": \"news\", \"text\": \"\\ud800\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in MessageInput
		c := &call{body: body, op: &operation{name: "SendMessage"}}
		if err := c.decode(&in); err != nil {
			return
		}
		m, err := in.message()
		if err != nil {
			return
		}
		if !meeting.ValidTopic(m.Topic) || len(m.Data) > meeting.MaxData || m.Lifetime < 0 || m.Lifetime > meeting.MaxLifetime || in.Text != nil && !utf8.Valid(m.Data) {
			t.Errorf("%q became %+v", body, m)
		}
	})
}

// A query is refused, or asks for a page of the caller's own.
func FuzzQuery(f *testing.F) {
	f.Add("state=ended&maxResults=5&nextToken=00000000000000000000000000000000000000000000000000")
	f.Add("tagKey=a&tagValue=%ff&externalMeetingId=+")
	s := New(Config{})
	f.Fuzz(func(t *testing.T, query string) {
		var l labels
		op, _ := s.find(http.MethodGet, Prefix+"meetings", &l)
		c := &call{op: op, identity: sigv4.Identity{Account: "111111111111"}}
		if err := c.readQuery(query); err != nil {
			return
		}
		q, err := c.meetingQuery()
		if err == nil && (q.Account != "111111111111" || q.Limit < 1 || q.Limit > maxPage || q.Tag.Value != "" && q.Tag.Key == "") {
			t.Errorf("%q asks for %+v", query, q)
		}
	})
}

// A path leads to an operation whose ids are parts of it, or nowhere.
func FuzzPath(f *testing.F) {
	f.Add("GET", "meetings/x/attendees/y")
	f.Add("DELETE", "meetings//attendees/")
	s := New(Config{})
	f.Fuzz(func(t *testing.T, method, path string) {
		var l labels
		op, allowed := s.find(method, Prefix+path, &l)
		if op != nil && (op.method != method || len(allowed) > 0) {
			t.Errorf("%s %s leads to %+v, allowed %q", method, path, op, allowed)
		}
	})
}

// The description names every parameter that an operation takes, and is what is
// served.
func TestTheDescriptionNamesEveryParameter(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	for _, op := range operations() {
		described := url.Values{}
		for _, p := range doc.Paths[Prefix+op.path][lower(op.method)].Parameters {
			described.Add(p.In, p.Name)
		}
		if len(described["query"]) != len(op.query) {
			t.Errorf("%s describes %v, takes %v", op.name, described["query"], op.query)
		}
	}
}

func lower(method string) string {
	b := []byte(method)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}
