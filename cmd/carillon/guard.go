package main

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// guard lets in operators: by the operator secret as a bearer token, or by basic
// authentication with a name and its secret. Tools that know no other way may
// give the operator secret with any name that is nobody's. Who guesses is slowed
// down together with those who guess at the console.
type guard struct{ server *server }

// admits tells who the caller is; who is no operator is answered.
func (g guard) admits(w http.ResponseWriter, r *http.Request) (who operators.Standing, ok bool) {
	name, secret, given := g.claim(r)
	if !given {
		wantsSecret(w)
		return who, false
	}
	from := g.server.proxies().Of(r)
	who, err := g.server.roster.Admit(r.Context(), from, name, secret)
	var many *operators.TooMany
	switch {
	case err == nil:
		return who, true
	case errors.As(err, &many):
		refusals.Note(r.Context(), "operator sign-in refused: "+many.Words(), slog.String("via", audit.Command), slog.String("operator", name))
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(many.Wait.Seconds()))))
		operatorFault(w, http.StatusTooManyRequests, "Too many tries with wrong secrets.")
		return who, false
	}
	refusals.Note(r.Context(), "operator sign-in refused: wrong secret", slog.String("via", audit.Command), slog.String("operator", name))
	g.server.audit.Write(audit.Entry{
		Via: audit.Command, Who: "operator:" + name, From: from.String(), Action: "sign in", Outcome: audit.Refused, Reason: "wrong secret",
		Request: refusals.ID(r.Context()),
	})
	wantsSecret(w)
	return who, false
}

func wantsSecret(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="operator"`)
	operatorFault(w, http.StatusUnauthorized, "That is not the operator secret.")
}

// claim reads who the caller wants to be. given is false when there is no secret.
func (g guard) claim(r *http.Request) (name, secret string, given bool) {
	name, secret, given = operators.Given(r)
	if _, known := g.server.roster.Current(name); !known {
		name = operators.Name
	}
	return name, secret, given
}
