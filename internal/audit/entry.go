// Package audit keeps the account of who changed what on a server: lines of JSON
// in files of its own, one for each action of an operator or of a key, whether
// it was done or refused.
//
// Lines are only ever added. What was written survives the end of the process in
// any way, and a loss of power except for the last second. The files are bounded
// in size and age: the oldest go. Entries hold no secrets and no external user
// ids; whoever writes them sees to that by naming ids only.
package audit

import (
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/guid"
)

// Outcomes of an action.
const (
	Done    = "done"
	Refused = "refused" // the server said no
	Failed  = "failed"  // the server could not
)

// OutcomeOf is the outcome that an HTTP status stands for.
func OutcomeOf(status int) string {
	switch {
	case status >= 500:
		return Failed
	case status >= 400:
		return Refused
	}
	return Done
}

// By which way an action came.
const (
	Console = "console" // the console's page
	Command = "command" // a command of an operator
	App     = "app"     // the application API
	API     = "api"     // the API of the service
	Server  = "server"  // nobody's: the server did it
)

// Entry is one action.
type Entry struct {
	At      time.Time `json:"at"`             // filled in by Write
	Node    string    `json:"node,omitempty"` // likewise; that of a cluster
	Via     string    `json:"via"`
	Who     string    `json:"who,omitempty"`  // "operator:" and a name, "key:" and an access key id; empty: not known
	From    string    `json:"from,omitempty"` // address
	Action  string    `json:"action"`
	Target  string    `json:"target,omitempty"` // what it was about, as "meeting ID attendee ID"
	Outcome string    `json:"outcome"`
	Error   string    `json:"error,omitempty"`  // name of the refusal, where it has one
	Reason  string    `json:"reason,omitempty"` // in words
	Request string    `json:"request,omitempty"`
}

// maxText bounds each text of an entry, in bytes.
const maxText = 512

func (e *Entry) shorten() {
	for _, text := range []*string{&e.Who, &e.From, &e.Action, &e.Target, &e.Error, &e.Reason, &e.Request} {
		if len(*text) > maxText {
			*text = (*text)[:maxText]
		}
	}
}

// Target names what an action was about by pairs of a kind and an id. What is no
// GUID is left out: callers may write anything into their addresses.
func Target(pairs ...string) string {
	var words []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if _, ok := guid.Parse(pairs[i+1]); ok {
			words = append(words, pairs[i], pairs[i+1])
		}
	}
	return strings.Join(words, " ")
}
