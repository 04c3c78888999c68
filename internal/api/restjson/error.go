package restjson

// Error is a request body or parameter that is refused. Message is for the
// caller and repeats none of his values.
type Error struct {
	Message string
	// Constraint is set for broken constraints in the validation grammar, as
	// opposed to bodies that are no JSON and rules in free text.
	Constraint bool
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }
