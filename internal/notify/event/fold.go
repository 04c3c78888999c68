package event

import "github.com/carillon-meetings/carillon/internal/meeting"

// Fold makes the events of one meeting from its log and those of its media
// pipelines. The records and facts have to come in the order of their sequences,
// from the first one on: that is what Sequence counts.
type Fold struct {
	Profile       *meeting.Profile // of the meeting; set by whoever makes the Fold
	Count         uint64           // events so far
	Ended         bool             // the meeting's last record has been read
	counted       bool             // Count is right although records are missing
	transcription *meeting.TranscriptionConfig
	phase         meeting.TranscriptionPhase // of transcription
	pipelines     map[meeting.ID]*meeting.Pipeline
}

// Users finds the external user id of an attendee as it was before a record;
// only the records that say NeedsUsers need it.
type Users func(meeting.ID) string

// NeedsUsers reports whether the events of a record name attendees whose
// external ids the record does not have.
func NeedsUsers(b meeting.Body) bool {
	switch b.(type) {
	case *meeting.AttendeeDeleted, *meeting.CapabilitiesSet:
		return true
	}
	return false
}

// Record returns the events of the meeting's next record, in order. When a
// meeting with people in it ends, they leave first, then transcription stops,
// then the meeting ends, and no attendee is reported deleted (API decision
// D-33).
func (f *Fold) Record(seq uint64, r *meeting.Record, user Users) []*Event {
	t := teller{fold: f, base: Event{Position: Position{Seq: seq}, Time: r.Time, DetailType: MeetingStateChange}}
	switch b := r.Body.(type) {
	case *meeting.Created:
		t.tell(MeetingStarted, nil)
		t.added(b.Attendees)
	case *meeting.AttendeesAdded:
		t.added(b.Attendees)
	case *meeting.AttendeeDeleted:
		t.tell(AttendeeDeleted, about(b.Attendee.String(), user(b.Attendee)))
	case *meeting.CapabilitiesSet:
		for _, id := range b.Attendees {
			t.tell(CapabilitiesUpdated, func(e *Event) {
				e.Attendee, e.User, e.Capabilities = id.String(), user(id), &b.Capabilities
			})
		}
	case *meeting.TranscriptionStarted:
		f.transcription = &b.Config
		t.transcription(b.Phase(), b.Failure)
	case *meeting.TranscriptionMoved:
		t.transcription(b.Phase, b.Message)
	case *meeting.TranscriptionStopped:
		t.transcriptionStopped()
	case *meeting.Ended:
		t.ended(b)
	}
	return t.events
}

// Fact returns the event of the meeting's next fact; none for a fact that only
// a newer version knows.
func (f *Fold) Fact(seq uint64, fact meeting.Fact) []*Event {
	t := teller{fold: f, base: Event{Position: Position{Seq: seq}, Time: fact.Time, DetailType: MeetingStateChange}}
	t.fact(fact)
	return t.events
}

func about(attendee, user string) func(*Event) {
	return func(e *Event) { e.Attendee, e.User = attendee, user }
}

// teller makes the events of one record or fact.
type teller struct {
	fold   *Fold
	base   Event
	events []*Event
}

func (t *teller) tell(kind string, fill func(*Event)) {
	e := t.base
	e.Type, e.Meeting, e.Index = kind, t.fold.Profile, len(t.events)
	e.ID = idOf(e.Meeting.ID, e.Position)
	t.fold.Count++
	e.Sequence = t.fold.Count
	if fill != nil {
		fill(&e)
	}
	t.events = append(t.events, &e)
}

func (t *teller) added(list []meeting.Attendee) {
	for i := range list {
		t.tell(AttendeeAdded, about(list[i].ID.String(), list[i].ExternalUserID))
	}
}

func (t *teller) ended(b *meeting.Ended) {
	for _, f := range b.Departures {
		t.fact(f)
	}
	if b.Transcription != nil {
		t.fold.transcription = b.Transcription
		t.transcriptionStopped()
	}
	t.tell(MeetingEnded, nil)
	t.fold.Ended = true
}

// ofFact is how facts are told.
var ofFact = map[meeting.FactKind]struct {
	kind    string
	network string // networkType; "Voip" is the only one that was ever seen
}{
	meeting.Authorized:          {"chime:AttendeeAuthorized", ""},
	meeting.Joined:              {"chime:AttendeeJoined", "Voip"},
	meeting.Left:                {"chime:AttendeeLeft", "Voip"},
	meeting.Dropped:             {"chime:AttendeeDropped", "Voip"},
	meeting.VideoStarted:        {"chime:AttendeeVideoStarted", ""},
	meeting.VideoStopped:        {"chime:AttendeeVideoStopped", ""},
	meeting.ContentJoined:       {"chime:AttendeeContentJoined", "Voip"},
	meeting.ContentLeft:         {"chime:AttendeeContentLeft", "Voip"},
	meeting.ContentDropped:      {"chime:AttendeeContentDropped", "Voip"},
	meeting.ContentVideoStarted: {"chime:AttendeeContentVideoStarted", ""},
	meeting.ContentVideoStopped: {"chime:AttendeeContentVideoStopped", ""},
}

// Types returns the types of all events there are, in no order.
func Types() []string {
	types := []string{
		MeetingStarted, MeetingEnded, AttendeeAdded, AttendeeDeleted, CapabilitiesUpdated,
		TranscriptionStarted, TranscriptionInterrupted, TranscriptionResumed, TranscriptionStopped, TranscriptionFailed,
		PipelineInProgress, PipelineTroubled, PipelineResumed, PipelineDeleted, PipelineFailed,
	}
	for _, how := range ofFact {
		types = append(types, how.kind)
	}
	return types
}

func (t *teller) fact(f meeting.Fact) {
	how, known := ofFact[f.Kind]
	if !known {
		return
	}
	t.tell(how.kind, func(e *Event) {
		e.Attendee, e.User, e.Network = f.Attendee.String(), f.ExternalUserID, how.network
		if f.Kind.Content() {
			e.Attendee += meeting.ContentSuffix
		}
	})
}
