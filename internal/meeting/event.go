package meeting

import "time"

// EventKind names what is told to the outside about a meeting.
type EventKind uint8

// The events. Those about an attendee's sessions come from facts, all others
// from records.
const (
	EventMeetingStarted EventKind = iota + 1
	EventMeetingEnded
	EventAttendeeAdded
	EventAttendeeDeleted
	EventCapabilitiesUpdated
	EventTranscriptionStarted
	EventTranscriptionStopped
	EventTranscriptionFailed
	EventFact // Fact says which
)

// Event is one thing told to the outside.
type Event struct {
	Kind           EventKind
	Fact           FactKind // of EventFact
	Time           time.Time
	Attendee       ID // zero for events about the meeting
	ExternalUserID string
	Capabilities   Capabilities        // of EventCapabilitiesUpdated
	Transcription  TranscriptionConfig // of the transcription events
	Message        string              // of EventTranscriptionFailed
}

// Events returns what the record tells to the outside, in order. before is the
// State the record is about to be applied to. Together with the departures in
// an Ended record this gives the orders of API decision D-33: when a meeting
// with people in it ends, they leave first, then transcription stops, then the
// meeting ends, and no attendee is reported deleted.
func Events(before *State, r *Record) []Event {
	events := bodyEvents(before, r.Body)
	for i := range events {
		events[i].Time = r.Time
	}
	return events
}

func bodyEvents(before *State, body Body) (events []Event) {
	tell := func(e Event) { events = append(events, e) }
	added := func(list []Attendee) {
		for i := range list {
			tell(Event{Kind: EventAttendeeAdded, Attendee: list[i].ID, ExternalUserID: list[i].ExternalUserID})
		}
	}
	switch b := body.(type) {
	case *Created:
		tell(Event{Kind: EventMeetingStarted})
		added(b.Attendees)
	case *AttendeesAdded:
		added(b.Attendees)
	case *AttendeeDeleted:
		a, _ := before.Attendee(b.Attendee)
		tell(Event{Kind: EventAttendeeDeleted, Attendee: b.Attendee, ExternalUserID: a.ExternalUserID})
	case *CapabilitiesSet:
		for _, id := range b.Attendees {
			a, _ := before.Attendee(id)
			tell(Event{Kind: EventCapabilitiesUpdated, Attendee: id, ExternalUserID: a.ExternalUserID, Capabilities: b.Capabilities})
		}
	case *TranscriptionStarted:
		tell(Event{Kind: EventTranscriptionStarted, Transcription: b.Config})
		if b.Failure != "" {
			tell(Event{Kind: EventTranscriptionFailed, Transcription: b.Config, Message: b.Failure})
		}
	case *TranscriptionStopped:
		if before.transcription != nil {
			tell(Event{Kind: EventTranscriptionStopped, Transcription: *before.transcription})
		}
	case *Ended:
		for _, f := range b.Departures {
			tell(Event{Kind: EventFact, Fact: f.Kind, Attendee: f.Attendee, ExternalUserID: f.ExternalUserID})
		}
		if b.Transcription != nil {
			tell(Event{Kind: EventTranscriptionStopped, Transcription: *b.Transcription})
		}
		tell(Event{Kind: EventMeetingEnded})
	}
	return events
}
