package console

import (
	"context"
	"io"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Directory is what the console reads from the control plane, across all
// accounts and both flavours. *control.Control satisfies it.
type Directory interface {
	// Meetings returns every active meeting and every ended one whose
	// tombstone is still kept. Their Load is asked of Live.
	Meetings(ctx context.Context) ([]observe.Meeting, error)
	// Meeting returns one of them; ok is false when there is none of that id.
	Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool)
	// Attendees returns the created and not deleted attendees of a meeting in
	// creation order; none for an ended one.
	Attendees(ctx context.Context, id meeting.ID) ([]meeting.Attendee, error)
	// Records returns the entries of a meeting's record log with a revision
	// above after, oldest first.
	Records(ctx context.Context, id meeting.ID, after uint64) ([]meeting.LogEntry, error)
	// Facts returns what the media side reported about a meeting, oldest first.
	Facts(ctx context.Context, id meeting.ID) ([]meeting.Fact, error)
}

// Live is what the console reads from the signaling side of this server. Its
// methods are called once a second while somebody looks and must not block.
// *signal.Server satisfies it.
type Live interface {
	// Load sums up a meeting; the zero Load means that nobody is connected.
	Load(id meeting.ID) observe.Load
	// Sessions returns the connections of a meeting, oldest first: those that
	// are up, those being set up, and of each attendee the last ones that
	// ended or failed.
	Sessions(id meeting.ID) []observe.Session
	// Refusals returns the joins to a meeting refused for their token, oldest
	// first. Whose token it was is not known.
	Refusals(id meeting.ID) []observe.Refusal
}

// Ended is what is kept of ended meetings. *history.Archive satisfies it, and in
// a cluster *history.Shared. An error says that it cannot be told now.
type Ended interface {
	// Latest returns the meetings that ended last, the latest first.
	Latest(ctx context.Context) ([]observe.Meeting, error)
	// Detail returns all that is kept of one of them, or of an older one.
	Detail(ctx context.Context, id meeting.ID) (d observe.Detail, ok bool, err error)
}

// Deliveries is what operators see and do of the events that are told to the
// outside. *notify.Notifier satisfies it.
type Deliveries interface {
	// Destinations tells how the receivers are doing.
	Destinations() []observe.Destination
	// Resume has a receiver tried again that has asked for no more events; false
	// when there is none of that name.
	Resume(name string) bool
	// Told returns what has become of a meeting's latest events, oldest first.
	Told(id meeting.ID) []observe.Told
	// Letters returns up to limit events that were given up.
	Letters(ctx context.Context, f observe.LetterFilter, limit int) ([]observe.Letter, error)
	// Replay sends them once more, and Drop forgets them; both return how many.
	Replay(ctx context.Context, f observe.LetterFilter) (int, error)
	Drop(ctx context.Context, f observe.LetterFilter) (int, error)
}

// Seat is what a client joins with: the Meeting and the Attendee as the API
// answers them. It holds the attendee's join token.
type Seat struct {
	Meeting, Attendee map[string]any
}

// Recordings is what operators see and do of recordings. Errors are
// *meeting.Error. *capture.Desk satisfies it.
type Recordings interface {
	// Unready says why nothing can be recorded, as a sentence; empty when
	// something can.
	Unready() string
	// Of returns the recordings of a meeting, oldest first.
	Of(id meeting.ID) []observe.Recording
	// All returns those of all meetings, oldest first; of very many the newest.
	All() []observe.Recording
	// Files lists the objects of one, in the order in which they were made.
	Files(id, recording meeting.ID) ([]observe.RecordingFile, error)
	// Open returns one of them, by its number, and its content.
	Open(ctx context.Context, id, recording meeting.ID, number int) (observe.RecordingFile, io.ReadSeekCloser, error)
	// Begin begins to record a meeting, and has the result joined at the end.
	Begin(ctx context.Context, id meeting.ID, wish observe.RecordingWish) error
	// Stop ends a recording, or gives up a concatenation.
	Stop(ctx context.Context, id, recording meeting.ID) error
	// Join has what was recorded joined to one file of each kind.
	Join(ctx context.Context, id, recording meeting.ID) error
}

// Actions is what an operator may do to a meeting. Each is an ordinary command
// in the meeting's log. Errors are *meeting.Error. *control.Control satisfies
// it.
type Actions interface {
	EndMeeting(ctx context.Context, id meeting.ID) error
	RemoveAttendee(ctx context.Context, id, attendee meeting.ID) error
	SetCapabilities(ctx context.Context, id, attendee meeting.ID, caps meeting.Capabilities) error
}
