package console

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// verify finds out who has the name and the secret, or answers with the refusal.
func (c *Console) verify(w http.ResponseWriter, r *http.Request, via, name, secret string) (who operators.Standing, ok bool) {
	name = cmp.Or(name, operators.Name)
	addr := c.cfg.ClientAddr(r)
	who, err := c.cfg.Operators.Admit(r.Context(), addr, name, secret)
	var many *operators.TooMany
	switch {
	case err == nil:
		return who, true
	case errors.As(err, &many):
		refusals.Note(r.Context(), "operator sign-in refused: "+many.Words(), slog.String("operator", c.known(name)))
		tooMany(w, many.Wait, "Too many tries")
		return who, false
	}
	sentence := "That is not the operator secret."
	if name != operators.Name {
		sentence = "There is no operator with this name and this secret."
	}
	refusals.Note(r.Context(), "operator sign-in refused: wrong secret", slog.String("via", via), slog.String("operator", c.known(name)))
	c.cfg.Audit(audit.Entry{Via: via, Who: "operator:" + c.known(name), From: addr.String(), Action: "sign in", Outcome: audit.Refused, Reason: sentence,
		Request: refusals.ID(r.Context())})
	writeFault(w, http.StatusUnauthorized, sentence)
	return who, false
}

// known is a name that can be written down: what nobody is called may be a secret
// that was typed into the wrong field.
func (c *Console) known(name string) string {
	if _, there := c.cfg.Operators.Current(name); !there {
		return "(unknown)"
	}
	return name
}

// bySecret lets requests through to h that carry a secret in their header, as
// programs do: the operator secret as a bearer token, or a name and its secret by
// basic authentication. Tries are limited as those of signing in are; a request
// without either, which another site's page could have sent, is none.
func (c *Console) bySecret(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, secret, given := operators.Given(r)
		if !given {
			writeFault(w, http.StatusUnauthorized, "The operator secret is missing.")
			return
		}
		if who, ok := c.verify(w, r, audit.Command, name, secret); ok {
			refusals.Note(r.Context(), "", slog.String("operator", who.Name))
			h(w, as(r, whoKey{}, who))
		}
	})
}

// as returns the request with a value in its context.
func as(r *http.Request, key, value any) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key, value))
}
