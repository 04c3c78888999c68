package observe

import (
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Destination is one receiver of events and how it is doing.
type Destination struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`              // "webhook", "sqs", "sns", "lambda" or "bus"
	Waiting int    `json:"waiting"`           // events for it
	Bytes   int    `json:"bytes"`             // memory that they take
	Oldest  Time   `json:"oldest"`            // when the oldest of them happened
	Open    bool   `json:"circuitOpen"`       // it refuses everything
	Off     bool   `json:"off"`               // it has asked for no more events
	Since   Time   `json:"since"`             // when one of the two began
	Trouble string `json:"trouble,omitempty"` // why the last attempt failed
}

// Letter is an event that was given up.
type Letter struct {
	Key         string     `json:"key"` // names it among all letters
	Destination string     `json:"destination"`
	Event       meeting.ID `json:"event"`
	Type        string     `json:"type"`
	Meeting     meeting.ID `json:"meeting"`
	Account     string     `json:"account"`
	Sequence    uint64     `json:"sequence"`
	At          Time       `json:"at"`    // when it happened
	First       Time       `json:"first"` // when it was tried first; zero for never
	Last        Time       `json:"last"`
	Given       Time       `json:"given"` // when it was given up
	Attempts    int        `json:"attempts"`
	Reason      string     `json:"reason"`
}

// Told is one event of a meeting and what has become of it at each receiver. It
// has nothing of what the event says of people.
type Told struct {
	ID       meeting.ID `json:"id"` // the event's, which receivers get
	Sequence uint64     `json:"sequence"`
	Type     string     `json:"type"`
	At       Time       `json:"at"` // when it happened
	Ways     []Way      `json:"ways"`
}

// Way is an event's way to one receiver.
type Way struct {
	Destination string   `json:"destination"`
	State       WayState `json:"state"`
	Attempts    int      `json:"attempts"`
	Last        Time     `json:"last"`             // when it was tried latest
	Answer      string   `json:"answer,omitempty"` // why the latest attempt failed, or the event was given up
}

// WayState is how far an event is on its way to a receiver.
type WayState string

// The states.
const (
	WayWaits WayState = "waiting"
	WayTaken WayState = "taken"
	WayDead  WayState = "given up" // and kept as a dead letter
	WayLost  WayState = "lost"     // given up, and there was no room for dead letters
)

// LetterFilter chooses among letters; fields that are empty choose all.
type LetterFilter struct {
	Key         string     `json:"key,omitempty"`
	Destination string     `json:"destination,omitempty"` // its name, or how that begins
	Meeting     meeting.ID `json:"meeting,omitzero"`
	Type        string     `json:"type,omitempty"`
	Before      Time       `json:"before,omitzero"` // only what happened before
}

// Takes reports whether the filter chooses a letter.
func (f LetterFilter) Takes(l Letter) bool {
	return (f.Key == "" || f.Key == l.Key) && strings.HasPrefix(l.Destination, f.Destination) &&
		(f.Meeting.IsZero() || f.Meeting == l.Meeting) && (f.Type == "" || f.Type == l.Type) &&
		(f.Before.IsZero() || l.At.Before(f.Before.Time))
}
