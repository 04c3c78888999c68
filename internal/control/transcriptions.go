package control

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Transcriptions. What is asked for is attached to the meeting; what becomes of it
// is done elsewhere, by who watches them.

// TranscriptionChange is what is attached to a meeting after a committed change.
type TranscriptionChange struct {
	Meeting meeting.ID
	Is      *meeting.Transcription // nil for nothing
	// Gone says that the meeting is over, or is not served here any more.
	Gone bool
}

// WatchTranscriptions has fn told of every committed change of a transcription from
// now on, and of those that are attached now. The calls about one meeting come one
// after the other. fn must not block, and must not change the same meeting.
func (c *Control) WatchTranscriptions(fn func(TranscriptionChange)) {
	c.mu.Lock()
	c.transcriptions = fn
	now := c.transcribedLocked(c.heldLocked())
	c.mu.Unlock()
	now()
}

// transcribedLocked returns what tells the watcher of all that is attached to
// meetings of the slots.
func (c *Control) transcribedLocked(slots []int) func() {
	var served [meeting.Slots]bool
	for _, slot := range slots {
		served[slot] = true
	}
	var list []TranscriptionChange
	for id, e := range c.index.active {
		if e.transcription != nil && served[id.Slot()] {
			list = append(list, TranscriptionChange{Meeting: id, Is: e.transcription})
		}
	}
	return telling(c.transcriptions, list)
}

// transcriptionsOfLocked returns what tells the watcher that the meetings are gone.
func (c *Control) transcriptionsOfLocked(gone ...*entry) func() {
	var list []TranscriptionChange
	for _, e := range gone {
		if e.transcription != nil {
			list = append(list, TranscriptionChange{Meeting: e.profile.ID, Gone: true})
		}
	}
	return telling(c.transcriptions, list)
}

func telling(watch func(TranscriptionChange), list []TranscriptionChange) func() {
	return func() {
		for _, change := range list {
			watch(change)
		}
	}
}

// tellTranscription tells the watcher of a record that s now contains, if it is
// about the transcription.
func (c *Control) tellTranscription(id meeting.ID, s *meeting.State, rec *meeting.Record) {
	switch rec.Body.(type) {
	case *meeting.TranscriptionStarted, *meeting.TranscriptionMoved, *meeting.TranscriptionStopped:
		c.mu.Lock()
		watch := c.transcriptions
		c.mu.Unlock()
		watch(TranscriptionChange{Meeting: id, Is: s.Transcription()})
	}
}

// noEngine is what the events say when nothing can transcribe.
const noEngine = "No transcription engine is configured"

// StartTranscription attaches a transcription configuration to the meeting, or
// replaces the one that is there. That no engine takes it is no error: the
// records and the events say so.
func (c *Control) StartTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID, config meeting.TranscriptionConfig) error {
	failure := noEngine
	if c.cfg.TranscriptionEngine {
		failure = ""
	}
	return c.change(ctx, owned(owner, id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		if failure == "" && c.cfg.Transcribed > 0 && c.otherTranscribed(id) >= c.cfg.Transcribed {
			return nil, meeting.Errorf(meeting.LimitExceeded, "Limit of %d transcribed meetings exceeded", c.cfg.Transcribed)
		}
		return meeting.DecideStartTranscription(s, by, config, failure, true)
	})
}

// otherTranscribed counts the meetings served here, but for one, that are being
// transcribed. Those of the same moment may be missing.
func (c *Control) otherTranscribed(but meeting.ID) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, e := range c.index.active {
		if t := e.transcription; t != nil && t.Phase != meeting.TranscriptionFailed && id != but {
			n++
		}
	}
	return n
}

// StopTranscription detaches the transcription configuration, if there is one.
func (c *Control) StopTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID) error {
	return c.change(ctx, owned(owner, id), newIDs(1), meeting.DecideStopTranscription)
}

// MoveTranscription writes down what has become of the transcription that command
// attached to the meeting; see meeting.DecideTranscription.
func (c *Control) MoveTranscription(ctx context.Context, id, command meeting.ID, to meeting.TranscriptionPhase, message string) error {
	return c.change(ctx, operated(id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideTranscription(s, by, command, to, message)
	})
}
