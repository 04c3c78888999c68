package event

import "github.com/carillon-meetings/carillon/internal/meeting"

// transcription tells that the transcription has come to a phase. That an engine
// is being looked for is told when one was found, or none.
func (t *teller) transcription(to meeting.TranscriptionPhase, message string) {
	from := t.fold.phase
	t.fold.phase = to
	say := func(kind string) {
		config := t.fold.transcription
		t.tell(kind, func(e *Event) { e.Transcription, e.Message = config, message })
	}
	switch {
	case to == meeting.TranscriptionRunning && from == meeting.TranscriptionInterrupted:
		say(TranscriptionResumed)
	case to == meeting.TranscriptionRunning:
		say(TranscriptionStarted)
	case to == meeting.TranscriptionInterrupted:
		say(TranscriptionInterrupted)
	case to == meeting.TranscriptionFailed:
		say(TranscriptionFailed)
	}
}

// transcriptionStopped tells that it was stopped, unless it had failed: then its
// end was told.
func (t *teller) transcriptionStopped() {
	config := t.fold.transcription
	if t.fold.phase != meeting.TranscriptionFailed {
		t.tell(TranscriptionStopped, func(e *Event) { e.Transcription = config })
	}
	t.fold.transcription, t.fold.phase = nil, 0
}
