package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// words puts what became of events into words.
func words(told []observe.Told) (list []string) {
	for _, t := range told {
		line := fmt.Sprint(t.Sequence, " ", strings.TrimPrefix(t.Type, "chime:"))
		for _, w := range t.Ways {
			line += fmt.Sprint(", ", w.Destination, " ", w.State, " ", w.Attempts)
			if w.Answer != "" {
				line += " " + w.Answer
			}
		}
		list = append(list, line)
	}
	return list
}

// TestWhatBecameOfAMeetingsEvents has a receiver that takes, one that refuses
// for good, and one that is down and comes back.
func TestWhatBecameOfAMeetingsEvents(t *testing.T) {
	var good, bad, away inbox
	bad.set(func(*event.Event) error { return &outbox.Refusal{Class: outbox.Permanent, Code: "HTTP 400"} })
	away.set(down)
	v := newEnv(t, channel("good", &good, nil), channel("bad", &bad, nil), channel("away", &away, func(c *outbox.Config) {
		c.Waits = []time.Duration{time.Hour}
	}))
	id, _ := v.create("one", "ann")
	want := []string{
		"1 MeetingStarted, good taken 1, bad given up 1 HTTP 400, away waiting 1 " + errDown.Error(),
		"2 AttendeeAdded, good taken 1, bad given up 1 HTTP 400, away waiting 0",
	}
	eventually(t, "it is known", func() bool { return slices.Equal(words(v.n.Told(id)), want) })
	for _, told := range v.n.Told(id) {
		if told.ID.IsZero() || time.Since(told.At.Time) > time.Minute || time.Since(told.Ways[0].Last.Time) > time.Minute {
			t.Errorf("%+v lacks something", told)
		}
	}
	v.end(id)
	bad.set(nil)
	if n, err := v.n.Replay(t.Context(), observe.LetterFilter{Destination: "bad"}); n < 2 || err != nil {
		t.Fatalf("%d are sent again, %v", n, err)
	}
	eventually(t, "what was sent again is taken", func() bool {
		told := words(v.n.Told(id))
		return len(told) == 3 && strings.Contains(told[0], "bad taken 1,") && strings.Contains(told[1], "bad taken 1,") && strings.Contains(told[2], "good taken 1")
	})
	if raw, err := json.Marshal(v.n.Told(id)); err != nil || strings.Contains(string(raw), "ann") {
		t.Errorf("a user is named: %s, %v", raw, err)
	}
	if other := v.n.Told(meeting.ID{1}); len(other) != 0 {
		t.Errorf("of no meeting %v is known", other)
	}
	// Whoever has the slot next tells the meeting's events, and knows of them.
	v.held()[id.Slot()].leave()
	if told := v.n.Told(id); len(told) != 0 {
		t.Errorf("of a slot that was left %v is known", words(told))
	}
}

// TestWhatBecameOfEventsIsBounded also holds that the oldest go.
func TestWhatBecameOfEventsIsBounded(t *testing.T) {
	p := newPast()
	tell := func(m, seq int) *event.Event {
		id := meeting.ID{byte(m >> 8), byte(m)}
		e := &event.Event{
			ID: meeting.ID{byte(m >> 8), byte(m), byte(seq >> 8), byte(seq)}, Sequence: uint64(seq), Type: event.AttendeeAdded, Meeting: &meeting.Profile{ID: id},
		}
		p.begin(e, "a")
		p.begin(e, "b")
		p.came(outbox.Outcome{Destination: "b", Event: e, Result: outbox.Lost, Attempts: 2, Code: "HTTP 500"})
		return e
	}
	const meetings = pastMost/pastEach + 10
	first := tell(0, 1)
	for m := range meetings {
		for seq := range pastEach + 5 {
			tell(m, seq+1)
		}
		tell(0, pastEach+6+m) // something is heard of it always
	}
	last := p.of(meeting.ID{byte((meetings - 1) >> 8), byte((meetings - 1) & 0xff)})
	if len(last) != pastEach || last[0].Sequence != 6 || len(last[0].Ways) != 2 || words(last)[0] != "6 AttendeeAdded, a waiting 0, b lost 2 HTTP 500" {
		t.Errorf("of the last meeting %d events are known, from %+v", len(last), last[0])
	}
	if p.events > pastMost || p.events < pastMost-2*pastEach || p.events != pastEach*len(p.meetings) || p.order.Len() != len(p.meetings) {
		t.Errorf("%d events of %d meetings are counted", p.events, len(p.meetings))
	}
	if len(p.of(meeting.ID{})) != pastEach {
		t.Error("the meeting that is busiest was forgotten")
	}
	if len(p.of(meeting.ID{0, 1})) != 0 {
		t.Error("the meeting that is silent was not forgotten")
	}
	p.came(outbox.Outcome{Destination: "a", Event: first, Result: outbox.OK}) // nobody knows of it any more
	p.came(outbox.Outcome{Destination: "a", Event: &event.Event{Meeting: &meeting.Profile{ID: meeting.ID{0, 1}}}, Result: outbox.OK})
}
