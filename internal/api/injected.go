package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Injected is an error that somebody who tests their application asked for; see
// Config.Intercept. The answer has the form of the flavour that is called.
type Injected struct {
	// Name is an exception's name in either flavour: the answer has the name
	// that the called flavour has for it. A name that neither knows is sent as
	// it is. Empty: the one that belongs to Status.
	Name string
	// Status is that of HTTP; 0 for the one that belongs to Name.
	Status int
	// Message is what the caller reads; empty for the usual one.
	Message string
	// RetryAfter is told to the caller; 0 for what the API says with that error.
	RetryAfter time.Duration
}

// Error returns the name and the message.
func (e *Injected) Error() string { return "injected by a test: " + e.Name + " " + e.Message }

// Known reports whether Name, or without one Status, stands for an error of the
// API, so that the other may be left out.
func (e *Injected) Known() bool { return e.kind() != 0 || e.unprocessable() }

// unprocessable reports whether the one error is meant that the API has and
// this server has no reason to give (API decision D-24).
func (e *Injected) unprocessable() bool {
	return e.Name == nameUnprocessable || e.Name == "" && e.Status == http.StatusUnprocessableEntity
}

const nameUnprocessable = "UnprocessableEntityException"

// kind is the kind of error that is meant; 0 for one that the API does not have.
func (e *Injected) kind() meeting.Kind {
	for kind := meeting.Invalid; kind <= meeting.Failure; kind++ {
		row := exceptionOf(kind)
		if e.Name == "" && e.Status == row.status || e.Name != "" && (e.Name == row.name || e.Name == row.legacyName) {
			return kind
		}
	}
	return 0
}

// wireInjected returns such an error as the flavour writes it.
func (s *Server) wireInjected(e *Injected, flavour meeting.Flavour) wireError {
	var out wireError
	if kind := e.kind(); kind != 0 {
		out = s.wireKind(kind, e.Message, flavour)
	} else if e.unprocessable() {
		out = wireError{name: nameUnprocessable, code: "Unprocessable", status: http.StatusUnprocessableEntity}
	} else {
		out = wireError{name: e.Name, code: strings.TrimSuffix(e.Name, "Exception")}
	}
	if e.Message != "" {
		out.message = e.Message
	}
	if e.Status != 0 {
		out.status = e.Status
	}
	if out.status == http.StatusServiceUnavailable {
		out.retry = retryUnavailable
	}
	out.retry = cmp.Or(e.RetryAfter, out.retry)
	return out
}
