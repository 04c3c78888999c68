package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// guard lets in who has the operator secret: as a bearer token, or as the
// password of basic authentication, for tools that know no other.
type guard struct {
	secret func() string
	wrong  chan struct{} // one for each caller that waits for its wrong secret to be refused
}

// Guessing is slow: a wrong secret is refused after wrongDelay, and only
// wrongAtOnce callers may wait for that.
const (
	wrongDelay  = time.Second
	wrongAtOnce = 10
)

func newGuard(s *server) *guard {
	return &guard{secret: s.operatorSecret, wrong: make(chan struct{}, wrongAtOnce)}
}

// admits tells whether the caller has the secret; who has not is answered.
func (g *guard) admits(w http.ResponseWriter, r *http.Request) bool {
	select {
	case g.wrong <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "1")
		operatorFault(w, http.StatusTooManyRequests, "Too many wrong secrets at the same time.")
		return false
	}
	defer func() { <-g.wrong }()
	if !g.knows(r) {
		time.Sleep(wrongDelay)
		w.Header().Set("WWW-Authenticate", `Basic realm="operator"`)
		operatorFault(w, http.StatusUnauthorized, "That is not the operator secret.")
		return false
	}
	return true
}

// knows tells whether the caller has the operator secret.
func (g *guard) knows(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, password, basic := r.BasicAuth(); basic {
		given, ok = password, true
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(g.secret()))
	return ok && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
