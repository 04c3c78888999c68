package control

import "github.com/carillon-meetings/carillon/internal/meeting"

// Change is one committed change of a meeting, as told to a watcher. It is one
// of AttendeeDeleted, CapabilitiesChanged, TranscriptionStarted,
// TranscriptionStopped and Ended.
type Change interface{ change() }

// AttendeeDeleted says that an attendee was removed and its join token is
// dead.
type AttendeeDeleted struct{ Attendee meeting.ID }

// CapabilitiesChanged says what the attendees named in it may send and receive
// from now on. The attendees are complete.
type CapabilitiesChanged struct{ Attendees []meeting.Attendee }

// TranscriptionStarted says that a transcription was started or its
// configuration replaced. Failure is empty, or says why no engine took it.
type TranscriptionStarted struct {
	Config  meeting.TranscriptionConfig
	Failure string
}

// TranscriptionStopped says that the transcription was stopped. It is not told
// before Ended, which implies it.
type TranscriptionStopped struct{}

// Ended says that the meeting is over. It is the last change of a meeting.
type Ended struct{ Reason meeting.EndReason }

func (AttendeeDeleted) change()      {}
func (CapabilitiesChanged) change()  {}
func (TranscriptionStarted) change() {}
func (TranscriptionStopped) change() {}
func (Ended) change()                {}
