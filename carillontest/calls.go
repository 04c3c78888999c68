package carillontest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Advance moves the server's clock forward. When it returns, everything that was
// due by then has happened, in the order and at the times of a clock that ran:
// meetings that nobody is connected to have ended after five minutes, old ones
// after a day, lost clients count as dropped, ended meetings are forgotten.
func (s *Server) Advance(d time.Duration) {
	s.tb.Helper()
	s.call("POST", "clock", map[string]string{"advance": d.String()}, nil)
}

// Now returns the time by the server's clock.
func (s *Server) Now() time.Time {
	s.tb.Helper()
	var clock struct{ Now time.Time }
	s.call("GET", "clock", nil, &clock)
	return clock.Now
}

// Fault is what happens to the calls of an operation.
type Fault struct {
	// Operation is its name in the API, such as "CreateMeeting"; empty for every
	// one.
	Operation string
	// Flavour is "meetings", "legacy" or "pipelines"; empty for any.
	Flavour string
	// Account is whose calls are meant, twelve digits: the access key id of a
	// client of its own, as for parallel tests that share a server. Empty for
	// everybody's.
	Account string
	// Error is the exception's name: one of the API, in either flavour's
	// spelling, which the answer then has in the spelling of the flavour that is
	// called; or any other together with a Status.
	Error string
	// Status is that of HTTP; 0 for the one that belongs to Error.
	Status int
	// Message is what the caller reads; empty for the usual one.
	Message string
	// RetryAfter is what the header Retry-After says; 0 for what the API says
	// with that error.
	RetryAfter time.Duration
	// Delay is how long the call waits before it is answered. Without Error and
	// Status it is then answered as ever.
	Delay time.Duration
	// Calls is how many requests it happens to; 0 for all until it is cleared.
	// SDKs try again: each try is a request.
	Calls int
}

// Fail has a fault happen from now on. Of several that fit a request, the one
// asked for first happens. clear takes it away again.
func (s *Server) Fail(f Fault) (clear func()) {
	s.tb.Helper()
	var added struct{ ID int }
	s.call("POST", "faults", map[string]any{
		"operation": f.Operation, "flavour": f.Flavour, "account": f.Account, "error": f.Error, "status": f.Status, "message": f.Message,
		"retryAfter": f.RetryAfter.String(), "delay": f.Delay.String(), "calls": f.Calls,
	}, &added)
	return func() {
		s.tb.Helper()
		// One that has happened as often as it should is gone already.
		if err := s.try("DELETE", "faults/"+strconv.Itoa(added.ID), nil, nil, http.StatusNotFound); err != nil {
			s.tb.Fatal(err)
		}
	}
}

// Throttle refuses the next requests of an operation as too many, with status
// 429, which SDKs answer by trying again a little later. calls is how many; 0 for
// all until clear is called.
func (s *Server) Throttle(operation string, calls int) (clear func()) {
	s.tb.Helper()
	return s.Fail(Fault{Operation: operation, Error: "ThrottledClientException", Calls: calls})
}

// ClearFaults takes all faults away.
func (s *Server) ClearFaults() {
	s.tb.Helper()
	s.call("DELETE", "faults", nil, nil)
}

// EndMeeting ends a meeting, as an operator would from the console.
func (s *Server) EndMeeting(meetingID string) {
	s.tb.Helper()
	s.call("POST", "meetings/"+url.PathEscape(meetingID)+"/end", nil, nil)
}

// Drop breaks the connection of an attendee's client, as a failing line would:
// the client is told nothing and comes back by itself, unless it has gone.
func (s *Server) Drop(meetingID, attendeeID string) {
	s.tb.Helper()
	s.call("POST", attendee(meetingID, attendeeID)+"/drop", nil, nil)
}

// Remove deletes an attendee, as an operator would from the console: its client is
// sent away and cannot come back.
func (s *Server) Remove(meetingID, attendeeID string) {
	s.tb.Helper()
	s.call("POST", attendee(meetingID, attendeeID)+"/remove", nil, nil)
}

func attendee(meetingID, attendeeID string) string {
	return "meetings/" + url.PathEscape(meetingID) + "/attendees/" + url.PathEscape(attendeeID)
}

// Reset ends all meetings, takes all faults away, sets the clock back and forgets
// the events that were.
func (s *Server) Reset() {
	s.tb.Helper()
	s.call("POST", "reset", nil, nil)
}

// call calls the test mode and ends the test when that is refused.
func (s *Server) call(method, path string, body, into any) {
	s.tb.Helper()
	if err := s.try(method, path, body, into); err != nil {
		s.tb.Fatal(err)
	}
}

// try calls the test mode. The answer is put into into, unless that is nil;
// statuses of refusals in fine are no error.
func (s *Server) try(method, path string, body, into any, fine ...int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience) // cleanups call, too
	defer cancel()
	var sent io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("carillontest: %w", err)
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.Endpoint+"/test/v1/"+path, sent)
	if err != nil {
		return fmt.Errorf("carillontest: %w", err)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("carillontest: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("carillontest: %s %s: %w", method, path, err)
	}
	for _, status := range fine {
		if answer.StatusCode == status {
			return nil
		}
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("carillontest: %s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(text))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("carillontest: %s %s: %w", method, path, err)
	}
	return nil
}
