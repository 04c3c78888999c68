package control

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Change is one committed change of a meeting, as told to a watcher. It is one
// of AttendeeDeleted, CapabilitiesChanged, TranscriptionRefused, Moved and Ended;
// what else becomes of transcriptions is told by WatchTranscriptions.
type Change interface{ change() }

// AttendeeDeleted says that an attendee was removed and its join token is
// dead.
type AttendeeDeleted struct{ Attendee meeting.ID }

// CapabilitiesChanged says what the attendees named in it may send and receive
// from now on. The attendees are complete.
type CapabilitiesChanged struct{ Attendees []meeting.Attendee }

// TranscriptionRefused says that a transcription was asked for, and why there is
// no engine for it. Nothing is transcribed then, whatever was before.
type TranscriptionRefused struct {
	Config  meeting.TranscriptionConfig
	Failure string
}

// Ended says that the meeting is over. It is the last change of a meeting.
type Ended struct{ Reason meeting.EndReason }

// Moved says that the meeting goes on at another server: it is not served here
// any more, and nothing more is told of it. Its clients are to come back.
type Moved struct{}

func (AttendeeDeleted) change()      {}
func (CapabilitiesChanged) change()  {}
func (TranscriptionRefused) change() {}
func (Moved) change()                {}
func (Ended) change()                {}

// changeOf returns what watchers are told of a record that s now contains, or
// nil.
func changeOf(s *meeting.State, rec *meeting.Record) Change {
	switch b := rec.Body.(type) {
	case *meeting.AttendeeDeleted:
		return AttendeeDeleted{Attendee: b.Attendee}
	case *meeting.CapabilitiesSet:
		changed := make([]meeting.Attendee, 0, len(b.Attendees))
		for _, id := range b.Attendees {
			if a, found := s.Attendee(id); found {
				changed = append(changed, a)
			}
		}
		return CapabilitiesChanged{Attendees: changed}
	case *meeting.TranscriptionStarted:
		if b.Failure != "" {
			return TranscriptionRefused{Config: b.Config, Failure: b.Failure}
		}
	}
	return nil
}

// tell hands a committed change to those who watch the meeting. The caller has
// the meeting's turn, which keeps changes in order.
func (c *Control) tell(e *entry, change Change) {
	if change == nil {
		return
	}
	c.mu.Lock()
	watchers := e.watchers
	c.mu.Unlock()
	for _, w := range watchers {
		w.fn(change)
	}
}

// Watch calls fn for each committed change of the meeting, in order, until
// cancel is called; a call that is under way then is not waited for. fn must
// not block, and must not change the same meeting. If the meeting is not
// active, fn gets Ended before Watch returns, or Moved if its slot is not held
// here; so watch first, then Authorize.
func (c *Control) Watch(meetingID meeting.ID, fn func(Change)) (cancel func()) {
	c.mu.Lock()
	e := c.index.active[meetingID]
	if e == nil {
		last := Change(Moved{})
		if c.holds[meetingID.Slot()] != nil {
			var reason meeting.EndReason
			if g := c.index.tombstones[meetingID]; g != nil {
				reason = g.reason
			}
			last = Ended{Reason: reason}
		}
		c.mu.Unlock()
		fn(last)
		return func() {}
	}
	defer c.mu.Unlock()
	w := &watcher{fn}
	e.watchers = append(slices.Clone(e.watchers), w)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.watchers = slices.DeleteFunc(slices.Clone(e.watchers), func(other *watcher) bool { return other == w })
	}
}
