package cases

import (
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// Most constraints are tried alike: take a valid request, change one thing,
// and see whether it is refused with the right words or still accepted. A
// probe is one such change; probes become cases of their own.

// object is a JSON object under construction.
type object = map[string]any

// list is a JSON array under construction.
type list = []any

// probe is one change of a valid request with its expected outcome.
type probe struct {
	name   string           // completes the case's name
	in     conform.Flavours // where the outcome is promised; nil means in both
	change func(object)     // what is done to the valid body
	says   string           // the promise, in words
	words  string           // refused: words the message must have; "" means accepted
}

// anyWords is what a probe has for words when those of the refusal are
// not promised.
const anyWords = "*"

// attempt is a request that is valid until a probe changes it.
type attempt struct {
	operation string // first part of the names of the cases
	method    string
	// prepare makes what the request needs and returns its target and body.
	prepare func(*conform.T) (target string, body object)
	// status is that of success, with an empty body; 0 means that of creations.
	status int
	in     conform.Flavours // the flavours that have the operation; nil means both
}

// cases makes one case of each probe.
func (a attempt) cases(probes ...probe) []conform.Case {
	cases := make([]conform.Case, len(probes))
	for i, p := range probes {
		in := p.in
		if in == nil {
			in = a.in
		}
		if in == nil {
			in = inBoth()
		}
		cases[i] = conform.Case{Name: a.operation + "_" + p.name, Says: p.says, In: in, Body: func(t *conform.T) { a.try(t, p) }}
	}
	return cases
}

// try sends the changed request and checks the outcome.
func (a attempt) try(t *conform.T, p probe) {
	target, body := a.prepare(t)
	p.change(body)
	reply := t.API.Raw(a.method, target, body)
	switch {
	case p.words == "" && a.status == 0:
		reply.Creates()
	case p.words == "":
		reply.Succeeds(a.status)
		t.Equal("bytes of the body", len(reply.Body), 0)
	case p.words == anyWords:
		reply.Fails(badRequest())
	default:
		reply.Fails(badRequest(), strings.Fields(p.words)...)
	}
}

// set returns a change that gives the member at a dotted path a value. Paths
// lead through objects and the first element of lists.
func set(path string, value any) func(object) {
	return func(o object) {
		holder, name := descend(o, path)
		holder[name] = value
	}
}

// drop returns a change that removes the member at a dotted path.
func drop(path string) func(object) {
	return func(o object) {
		holder, name := descend(o, path)
		delete(holder, name)
	}
}

// descend returns the object that holds the last name of a dotted path, which
// must exist up to there.
func descend(o object, path string) (holder object, name string) {
	names := strings.Split(path, ".")
	for _, n := range names[:len(names)-1] {
		switch inner := o[n].(type) {
		case object:
			o = inner
		case list:
			o = inner[0].(object)
		}
	}
	return o, names[len(names)-1]
}

// times returns a list of n copies of what item makes of its place.
func times(n int, item func(i int) any) list {
	l := make(list, n)
	for i := range l {
		l[i] = item(i)
	}
	return l
}

// letters returns a legal value of n characters.
func letters(n int) string { return strings.Repeat("x", n) }

// Routes of the API, as the cases need them.

func meetingPath(meeting string) string            { return "/meetings/" + meeting }
func attendeesPath(meeting string) string          { return meetingPath(meeting) + "/attendees" }
func batchPath(meeting string) string              { return attendeesPath(meeting) + "?operation=batch-create" }
func attendeePath(meeting, attendee string) string { return attendeesPath(meeting) + "/" + attendee }
func capabilitiesPath(meeting, attendee string) string {
	return attendeePath(meeting, attendee) + "/capabilities"
}
func exceptPath(meeting string) string {
	return attendeesPath(meeting) + "/capabilities?operation=batch-update-except"
}
func transcriptionPath(meeting, operation string) string {
	return meetingPath(meeting) + "/transcription?operation=" + operation
}

// unknownID is a well-formed id that no server hands out.
const unknownID = "00000000-0000-4000-8000-00000000dead"

// badIDs are ids that are no GUIDs.
func badIDs() []string {
	return []string{
		"x", "not-a-guid", "00000000-0000-4000-8000-00000000dea", "00000000-0000-4000-8000-00000000deadd",
		"00000000000040008000000000000000dead", "g0000000-0000-4000-8000-00000000dead", "00000000-0000-4000-8000-00000000dead%0A",
		"%7B0000000-0000-4000-8000-00000000dead",
	}
}

// refusesBadIDs checks that a path label must be a GUID as a whole.
func refusesBadIDs(t *conform.T, method string, target func(id string) string, body any, word string) {
	for _, id := range badIDs() {
		t.API.Raw(method, target(id), body).Fails(badRequest(), word)
	}
}

// get, post, put and remove are the methods in use.
const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete
)
