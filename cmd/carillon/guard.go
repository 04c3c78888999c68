package main

import (
	"net/http"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/operators"
)

// guard lets in operators: by the operator secret as a bearer token, or by basic
// authentication with a name and its secret. Tools that know no other way may
// give the operator secret with any name that is nobody's.
type guard struct {
	server *server
	wrong  chan struct{} // one for each caller that waits for its wrong secret to be refused
}

// Guessing is slow: a wrong secret is refused after wrongDelay, and only
// wrongAtOnce callers may wait for that.
const (
	wrongDelay  = time.Second
	wrongAtOnce = 10
)

func newGuard(s *server) *guard { return &guard{server: s, wrong: make(chan struct{}, wrongAtOnce)} }

// admits tells who the caller is; who is no operator is answered.
func (g *guard) admits(w http.ResponseWriter, r *http.Request) (who operators.Standing, ok bool) {
	select {
	case g.wrong <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "1")
		operatorFault(w, http.StatusTooManyRequests, "Too many wrong secrets at the same time.")
		return who, false
	}
	defer func() { <-g.wrong }()
	name, secret, given := g.claim(r)
	if given {
		who, ok = g.server.roster.Verify(r.Context(), name, secret)
	}
	if !ok {
		time.Sleep(wrongDelay)
		if given {
			g.note(r, name)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="operator"`)
		operatorFault(w, http.StatusUnauthorized, "That is not the operator secret.")
	}
	return who, ok
}

// claim reads who the caller wants to be. given is false when there is no secret.
func (g *guard) claim(r *http.Request) (name, secret string, given bool) {
	name, secret, given = operators.Given(r)
	if _, known := g.server.roster.Current(name); !known {
		name = operators.Name
	}
	return name, secret, given
}

// note writes down that somebody was refused.
func (g *guard) note(r *http.Request, name string) {
	from := g.server.proxies().Of(r)
	g.server.log.Warn("operator sign-in refused: wrong secret", "from", from, "via", audit.Command, "operator", name)
	g.server.audit.Write(audit.Entry{
		Via: audit.Command, Who: "operator:" + name, From: from.String(), Action: "sign in", Outcome: audit.Refused, Reason: "wrong secret",
	})
}
