package meeting

import "time"

// Stamp says which command made a record, when, and on whose behalf.
type Stamp struct {
	Command ID        // the command's own random id
	Time    time.Time // millisecond precision, UTC
	Actor   string    // as in "key:AKID…" or "operator:…"; may be empty
}

// Record is one accepted call, written down. It is applied to a State whole or
// not at all.
type Record struct {
	Stamp
	Body  Body
	Extra Extra // what a newer version added to the body
}

// LogEntry is a record in its place in the meeting's log.
type LogEntry struct {
	Revision uint64
	Time     time.Time
	Record   *Record // nil when this version cannot read it
}

// Body is what a record says. It is one of *Created, *AttendeesAdded,
// *AttendeeDeleted, *CapabilitiesSet, *TagsSet, *TranscriptionStarted,
// *TranscriptionMoved, *TranscriptionStopped, *TimersSet, *Ended and *Newer; of
// a pipeline *PipelineCreated, *PipelineMoved, *PipelineTroubled, *TagsSet,
// *PipelineEnded and *Newer.
type Body interface {
	// Kind returns a short name fit for an operator's page.
	Kind() string
	code() recordCode
	write(*writer)
	read(*reader)
}

// Created is the first record of a meeting.
type Created struct {
	Profile   Profile
	Tags      []Tag
	Attendees []Attendee // those made together with the meeting
}

// AttendeesAdded holds the attendees that a call created; those that were
// there before are not in it.
type AttendeesAdded struct{ Attendees []Attendee }

// AttendeeDeleted removes one attendee.
type AttendeeDeleted struct{ Attendee ID }

// CapabilitiesSet gives each of the attendees, all of them changed by it, the
// same capabilities.
type CapabilitiesSet struct {
	Attendees    []ID
	Capabilities Capabilities
}

// TagsSet replaces the tags of an attendee, or of the meeting when Attendee is
// zero.
type TagsSet struct {
	Attendee ID
	Tags     []Tag
}

// TranscriptionStarted attaches a transcription configuration. Failure is
// empty, or says why no engine took it; the configuration is kept either way.
type TranscriptionStarted struct {
	Config  TranscriptionConfig
	Failure string
	Pending bool // an engine has still to take it: a TranscriptionMoved follows
}

// TranscriptionMoved says how the transcription goes on that was started last.
type TranscriptionMoved struct {
	Phase   TranscriptionPhase // not TranscriptionStarting
	Message string             // of an interruption or a failure: why
}

// TranscriptionStopped detaches the configuration.
type TranscriptionStopped struct{}

// TimersSet gives the meeting timers of its own.
type TimersSet struct{ Timers Timers }

// Ended is the last record of a meeting. In the ledger it replaces all the
// others, so it repeats what a reader who comes late needs.
type Ended struct {
	Profile       Profile
	Reason        EndReason
	Attendees     int                  // created and not deleted at the end
	Departures    []Fact               // one for each session open at the end; without times
	Transcription *TranscriptionConfig // the one running at the end, or nil
}

// Newer is a record that only a newer version understands, and that others may
// pass over. It changes nothing in a State.
type Newer struct {
	recordCode recordCode
	rest       string // of the encoded record, after its head
}

// Kind implements Body; so do the methods below.
func (*Created) Kind() string { return "created" }

// Kind returns "attendees added".
func (*AttendeesAdded) Kind() string { return "attendees added" }

// Kind returns "attendee deleted".
func (*AttendeeDeleted) Kind() string { return "attendee deleted" }

// Kind returns "capabilities set".
func (*CapabilitiesSet) Kind() string { return "capabilities set" }

// Kind returns "tags set".
func (*TagsSet) Kind() string { return "tags set" }

// Kind returns "transcription started".
func (*TranscriptionStarted) Kind() string { return "transcription started" }

// Kind returns "transcription moved".
func (*TranscriptionMoved) Kind() string { return "transcription moved" }

// Kind returns "transcription stopped".
func (*TranscriptionStopped) Kind() string { return "transcription stopped" }

// Kind returns "timers set".
func (*TimersSet) Kind() string { return "timers set" }

// Kind returns "ended".
func (*Ended) Kind() string { return "ended" }

// Kind returns "written by a newer version".
func (*Newer) Kind() string { return "written by a newer version" }
