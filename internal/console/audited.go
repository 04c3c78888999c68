package console

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// readOnly is what operators are outcome who may change nothing.
const readOnly = "You may look at everything and change nothing: your role is read-only."

// mayChange lets only operators through to h who may change something.
func (c *Console) mayChange(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !whoOf(r).MayChange() {
			refusals.Note(r.Context(), "operator action refused: the role is read-only")
			writeFault(w, http.StatusForbidden, readOnly)
			return
		}
		h(w, r)
	}
}

// audited writes down what came of a change.
func (c *Console) audited(does string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refusals.Note(r.Context(), "operator action refused", slog.String("action", does))
		t := &outcome{ResponseWriter: w, status: http.StatusOK}
		h(t, r)
		c.cfg.Audit(c.entry(r, does, t.status, t.sentence()))
	}
}

// entry is what the audit has of a request of an operator who is known.
func (c *Console) entry(r *http.Request, does string, status int, reason string) audit.Entry {
	via := audit.Console
	if _, byPage := r.Context().Value(sessionKey{}).(*session); !byPage {
		via = audit.Command
	}
	return audit.Entry{
		Via: via, Who: "operator:" + whoOf(r).Name, From: c.cfg.ClientAddr(r).String(), Action: does, Target: target(r),
		Outcome: audit.OutcomeOf(status), Reason: reason, Request: refusals.ID(r.Context()),
	}
}

// target names what a request is about, by the ids of its address.
func target(r *http.Request) string {
	var pairs []string
	for _, what := range []string{"meeting", "attendee", "recording"} {
		pairs = append(pairs, what, r.PathValue(what))
	}
	return audit.Target(pairs...)
}

// outcome remembers what was answered.
type outcome struct {
	http.ResponseWriter
	status  int
	refusal []byte
}

// WriteHeader implements http.ResponseWriter.
func (t *outcome) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (t *outcome) Write(b []byte) (int, error) {
	if t.status >= http.StatusBadRequest {
		t.refusal = append(t.refusal, b...)
	}
	return t.ResponseWriter.Write(b)
}

// sentence is why a request was refused; empty when it was not.
func (t *outcome) sentence() string {
	var f fault
	if json.Unmarshal(t.refusal, &f) != nil {
		return ""
	}
	return f.Error
}

// whoKey is where the context of a request by secret names its operator.
type whoKey struct{}

// whoOf returns the operator of a request that a door has let through.
func whoOf(r *http.Request) operators.Standing {
	if sess, ok := r.Context().Value(sessionKey{}).(*session); ok {
		return sess.who
	}
	who, _ := r.Context().Value(whoKey{}).(operators.Standing)
	return who
}
