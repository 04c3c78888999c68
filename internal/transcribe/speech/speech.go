package speech

import (
	"fmt"
	"time"
)

// SampleRate is that of the sound that sessions are given, in Hz.
const SampleRate = 16000

// FrameBytes is a frame of such sound: 100 ms of 16-bit samples.
const FrameBytes = SampleRate / 10 * 2

// Session is one voice that an engine listens to. Its methods are called from one
// goroutine.
type Session interface {
	// Write hands over the next sound: 16-bit little-endian samples in mono at
	// SampleRate, whole frames. It never blocks; sound that the engine is too slow
	// for is dropped, the oldest first, and dropped says how many bytes of it.
	// pcm may be reused at once.
	Write(pcm []byte) (dropped int)
	// Done is closed when the session is over: the engine has ended it, or it was
	// closed and the last hypothesis has come.
	Done() <-chan struct{}
	// Err says why it is over; nil if it was closed. It is valid once Done is.
	Err() error
	// Close tells the engine that no more sound comes. It does not wait for what
	// the engine has yet to say.
	Close()
}

// Hypothesis is what an engine believes to have heard of an utterance, all of it.
type Hypothesis struct {
	Utterance int // counts those of the session from 0
	Final     bool
	Words     []Word
	ID        string // the engine's own for the utterance; empty if it has none
	Language  string // as the engine says; empty if it does not
	Languages []Score
	Entities  []Entity
}

// Word is a word or a punctuation mark.
type Word struct {
	Text        string
	Punctuation bool
	// Timed says that Start and End are known: in seconds of the session's sound.
	Timed      bool
	Start, End float64
	Confidence *float64 // 0 to 1; nil if unknown
	Stable     *bool    // it will not change any more; nil if that is not told
	Filtered   bool     // it is in a vocabulary filter
}

// Score is how likely it is that a language is spoken.
type Score struct {
	Language string
	Score    float64
}

// Entity is a part of an utterance of which the engine knows what it is, such as a
// name. Start and End are in seconds of the session's sound.
type Entity struct {
	Category, Type, Content string
	Start, End              float64
	Confidence              *float64
}

// Features are what an engine does by itself.
type Features struct {
	// Languages are those of its models, such as en-US; nil if it decides for each
	// session whether it has the language.
	Languages []string
	// Filters says that it applies vocabulary filters.
	Filters bool
	// Waits says that a session without sound stays open and costs nothing.
	Waits bool
}

// Refused is the error of an engine that will never do what was asked of it. Its
// text is for the caller of the API.
type Refused struct {
	Reason   string
	Language bool // the engine does not have the language, and says nothing of the rest
}

// Error returns the reason.
func (r *Refused) Error() string { return r.Reason }

// Refuse returns a Refused.
func Refuse(format string, args ...any) error { return &Refused{Reason: fmt.Sprintf(format, args...)} }

// RefuseLanguage returns a Refused for a language.
func RefuseLanguage(code string) error {
	return &Refused{Reason: fmt.Sprintf("Language %s is not available", code), Language: true}
}

// Result is what clients see of an utterance, all of it that is known so far.
type Result struct {
	ID        string // the same for all results of the utterance
	Channel   string // which of the voices that are listened to at the same time
	Partial   bool   // more may come
	Text      string // all items as one text
	Items     []Item // at least one
	Entities  []TimedEntity
	Language  string
	Languages []Score
	Attendee  string // who speaks, as clients know the attendee
	External  string // that attendee's external user id: secret, never logged
}

// Item is one word or punctuation mark of a result.
type Item struct {
	Text        string
	Punctuation bool
	Start, End  time.Time
	Confidence  *float64
	Stable      *bool
	Filtered    bool
}

// TimedEntity is an entity of a result.
type TimedEntity struct {
	Category, Type, Content string
	Start, End              time.Time
	Confidence              *float64
}

// State is how a transcription is doing, as clients are told.
type State uint8

// The states.
const (
	Started State = iota + 1
	Interrupted
	Resumed
	Stopped
	Failed
)

// Status is what clients are told of a transcription.
type Status struct {
	State   State
	At      time.Time
	Region  string
	Config  string // TranscriptionConfiguration as JSON
	Message string // why it is interrupted or has failed
}
