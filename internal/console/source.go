package console

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Directory is what the console reads from the control plane, across all
// accounts and both flavours.
type Directory interface {
	// Meetings returns every active meeting and every ended one whose
	// tombstone is still kept.
	Meetings(ctx context.Context) ([]Meeting, error)
	// Meeting returns one of them; ok is false when there is none of that id.
	Meeting(ctx context.Context, id meeting.ID) (m Meeting, ok bool)
	// Attendees returns the created and not deleted attendees of a meeting in
	// creation order; none for an ended one.
	Attendees(ctx context.Context, id meeting.ID) ([]meeting.Attendee, error)
	// Records returns the entries of a meeting's record log with a revision
	// above after, oldest first.
	Records(ctx context.Context, id meeting.ID, after uint64) ([]Record, error)
	// Facts returns what the media side reported about a meeting, oldest first.
	Facts(ctx context.Context, id meeting.ID) ([]meeting.Fact, error)
}

// Live is what the console reads from the signaling side of this server. Its
// methods are called once a second while somebody looks and must not block.
type Live interface {
	// Load sums up a meeting; the zero Load means that nobody is connected.
	Load(id meeting.ID) Load
	// Sessions returns the connections of a meeting, oldest first: those that
	// are up, those being set up, and of each attendee the last ones that
	// ended or failed.
	Sessions(id meeting.ID) []Session
	// Refusals returns the joins to a meeting refused for their token, oldest
	// first. Whose token it was is not known.
	Refusals(id meeting.ID) []Refusal
}

// Actions is what an operator may do to a meeting. Each is an ordinary command
// in the meeting's log, recorded with the actor, "operator:" and an address.
// Errors are *meeting.Error.
type Actions interface {
	EndMeeting(ctx context.Context, actor string, id meeting.ID) error
	RemoveAttendee(ctx context.Context, actor string, id, attendee meeting.ID) error
	SetCapabilities(ctx context.Context, actor string, id, attendee meeting.ID, caps meeting.Capabilities) error
}

// Meeting is one row of the list of meetings.
type Meeting struct {
	meeting.Summary
	Tags      []meeting.Tag
	Attendees int               // created and not deleted
	EndedAt   time.Time         // zero while the meeting is active
	EndReason meeting.EndReason // set together with EndedAt
}

// Record is one entry of a meeting's log.
type Record struct {
	Revision uint64
	At       time.Time
	Kind     string // what happened, in one English phrase
	Actor    string // "key:…", "operator:…", "system"; empty when not known
	Detail   string // what it did, without secrets
	Attendee meeting.ID
}

// Load sums up the connections of one meeting.
type Load struct {
	Host         string        // the node that carries the meeting's media
	Connected    int           // attendees with a connection, content shares not counted
	Audio        int           // of these, whose audio is flowing
	Video        int           // cameras being sent
	Content      int           // content shares
	AttendeeTime time.Duration // summed over all attendees since the meeting began
	Failures     int           // connections that failed while joining
}

// Session is one connection of an attendee.
type Session struct {
	Attendee meeting.ID
	Content  bool // a content share, not the person
	State    SessionState
	Reason   string // why it ended, in words; may be empty
	Opened   time.Time
	Ended    time.Time // zero while it lasts
	Remote   string    // the client's address, without port
	Client   string    // what the client says it is
	Steps    []Step    // in the order in which they happened
	Muted    bool      // by the client or for want of the capability
	Level    uint8     // dB below full scale, 0 is loudest, 127 silence
	Video    bool      // sends video now
	Samples  []Sample  // the last minutes, oldest first
}

// Refusal is a join that was refused for its token.
type Refusal struct {
	At     time.Time
	Remote string // the client's address, without port
	Words  string // why, for the operator
}

// Sample is a moment of a connection. In is from the client to the server.
type Sample struct {
	At              time.Time
	Level           uint8   // dB below full scale
	LossIn, LossOut float64 // percent
	KbpsIn, KbpsOut int     // of video
	RoundTrip       time.Duration
}

// SessionState is where a session is in its life.
type SessionState string

// The states of a session.
const (
	Joining   SessionState = "joining"
	Connected SessionState = "connected"
	Left      SessionState = "left"     // closed by the client
	Dropped   SessionState = "dropped"  // lost
	Failed    SessionState = "failed"   // never got its media up; the last step says why
	Removed   SessionState = "removed"  // ended by the server
	Replaced  SessionState = "replaced" // the same client came back with a new connection
)

// Step is one thing a client gets through while joining. The names, in order:
// token, socket, join, subscribe, ice, dtls, audio.
type Step struct {
	Name  string
	At    time.Time
	Fault string // why it failed, as a sentence for the operator; empty when it succeeded
}
