package meeting

import "fmt"

// Kind is the closed list of ways a call is refused. The API layer turns each
// into one wire error per flavour, in one place.
type Kind uint8

// The kinds.
const (
	Invalid         Kind = iota + 1 // the input breaks a constraint or a rule
	NotFound                        // the meeting or attendee does not exist (for this owner)
	ResourceMissing                 // the ARN of a tag call names nothing
	LimitExceeded                   // a quota or a maximum is reached
	TooManyTags                     // more tags than a resource may have
	Conflict                        // a race that could not be serialised in time
	Forbidden                       // the caller may not do this
	Unauthorized                    // the caller's account is disabled
	Throttled                       // too many requests
	Unavailable                     // the server is draining or its store is down
	Failure                         // a fault of ours
)

// Error is a refused call. Message is shown to the caller and therefore holds
// no secret. Resource is the ARN concerned, for ResourceMissing and TooManyTags:
// the door that was called with the ARN fills it in.
type Error struct {
	Kind     Kind
	Message  string
	Resource string
	Err      error // the cause, for logs; may be nil
}

// Error returns the message and, when there is one, the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error of the kind with a formatted message.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}
