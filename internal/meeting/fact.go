package meeting

import "time"

// FactKind says what the media side saw an attendee do. Facts are kept beside
// a meeting's records: they decide nothing about the meeting, except that they
// tell who was connected when it ended.
type FactKind uint8

// The facts of an attendee's sessions. A departure is told once: either Left
// (on purpose) or Dropped (the connection was lost), never both.
const (
	Authorized          FactKind = iota + 1 // a client showed a valid join token
	Joined                                  // connected
	Left                                    // left on purpose, or was sent away
	Dropped                                 // the connection was lost
	VideoStarted                            // camera published
	VideoStopped                            // camera gone
	ContentJoined                           // a content session connected
	ContentLeft                             // a content session left
	ContentDropped                          // a content session was lost
	ContentVideoStarted                     // a content share started
	ContentVideoStopped                     // a content share stopped
	factKinds           = iota
)

// String returns the fact's name in lower case, fit for an operator's page.
func (k FactKind) String() string {
	if k == 0 || int(k) > factKinds {
		return "unknown"
	}
	return [...]string{"authorized", "joined", "left", "dropped", "video started", "video stopped",
		"content joined", "content left", "content dropped", "content video started", "content video stopped"}[k-1]
}

// Content reports whether the fact is about a content session of the attendee
// and not about the attendee's own session.
func (k FactKind) Content() bool { return k >= ContentJoined }

// Fact is one thing the media side saw.
type Fact struct {
	Kind           FactKind
	Attendee       ID        // the base attendee, for content sessions too
	ExternalUserID string    // secret: never logged
	Time           time.Time // millisecond precision is kept
}
