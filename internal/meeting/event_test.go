package meeting

import (
	"slices"
	"testing"
	"time"
)

// A meeting that ends with people in it tells: they leave, transcription
// stops, the meeting ends; nobody is reported deleted.
func TestOrderOfEvents(t *testing.T) {
	s := active(t, nil, "a", "b")
	at := time.UnixMilli(5).UTC()
	start, err := DecideStartTranscription(s, Stamp{Time: at}, TranscriptionConfig{JSON: "{}"}, "no engine")
	if err != nil {
		t.Fatal(err)
	}
	got := kinds(Events(s, start))
	if !slices.Equal(got, []EventKind{EventTranscriptionStarted, EventTranscriptionFailed}) {
		t.Errorf("start of a transcription without an engine: %v", got)
	}
	apply(t, s, start)
	end, err := DecideEnd(s, Stamp{Time: at}, EndedByRequest, []Fact{{Kind: Left, Attendee: ID{1}, ExternalUserID: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	events := Events(s, end)
	if got := kinds(events); !slices.Equal(got, []EventKind{EventFact, EventTranscriptionStopped, EventMeetingEnded}) {
		t.Errorf("end: %v", got)
	}
	if events[0].Fact != Left || events[0].ExternalUserID != "a" || !events[2].Time.Equal(at) {
		t.Errorf("%+v", events)
	}
}

func TestEventsOfAttendees(t *testing.T) {
	s := active(t, nil, "a")
	rec, _, err := DecideAddAttendees(s, Stamp{}, users("a", "b"), DefaultLimits(), func() ID { return ID{9} })
	if err != nil {
		t.Fatal(err)
	}
	if e := Events(s, rec); len(e) != 1 || e[0].Kind != EventAttendeeAdded || e[0].ExternalUserID != "b" {
		t.Errorf("a repeat and a new one: %+v", e)
	}
	apply(t, s, rec)
	caps, err := DecideCapabilitiesExcept(s, Stamp{}, []ID{{9}, {0x44}}, Capabilities{None, None, None})
	if err != nil {
		t.Fatal(err)
	}
	if e := Events(s, caps); len(e) != 1 || e[0].Kind != EventCapabilitiesUpdated || e[0].ExternalUserID != "a" {
		t.Errorf("capabilities: %+v", e)
	}
	apply(t, s, caps)
	if again, err := DecideCapabilitiesExcept(s, Stamp{}, []ID{{9}}, Capabilities{None, None, None}); again != nil || err != nil {
		t.Error("an update that changes nothing was written")
	}
	gone, err := DecideDeleteAttendee(s, Stamp{}, ID{9})
	if err != nil {
		t.Fatal(err)
	}
	if e := Events(s, gone); len(e) != 1 || e[0].Kind != EventAttendeeDeleted || e[0].ExternalUserID != "b" {
		t.Errorf("delete: %+v", e)
	}
	created := Events(new(State), &Record{Body: &Created{Attendees: []Attendee{{ID: ID{1}}}}})
	if got := kinds(created); !slices.Equal(got, []EventKind{EventMeetingStarted, EventAttendeeAdded}) {
		t.Errorf("create: %v", got)
	}
}

func kinds(events []Event) (k []EventKind) {
	for _, e := range events {
		k = append(k, e.Kind)
	}
	return k
}
