package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"
)

// An address may try to sign in signInBurst times at once and once more after
// each signInEvery: guessing a generated secret takes longer than the sun has.
const (
	signInBurst = 5
	signInEvery = 12 * time.Second
)

// sessionView tells a page whether it is signed in. CSRF goes back in the
// header of every change.
type sessionView struct {
	SignedIn bool   `json:"signedIn"`
	CSRF     string `json:"csrf,omitempty"`
	Expires  int64  `json:"expires,omitempty"` // Unix ms
	Version  string `json:"version,omitempty"`
	Dev      bool   `json:"dev"`
	Meeting  bool   `json:"meetingPage"` // the meeting page is served
	Cluster  bool   `json:"cluster"`     // there are nodes to be shown
	// Unrecorded says why no meeting can be recorded; empty when one can.
	Unrecorded string `json:"unrecorded,omitempty"`
}

func (c *Console) view(sess *session) sessionView {
	return sessionView{
		SignedIn:   true,
		CSRF:       sess.csrf,
		Expires:    sess.started.Add(c.cfg.SessionMax).UnixMilli(),
		Version:    c.cfg.Version,
		Dev:        c.cfg.Dev,
		Meeting:    c.cfg.Demo != nil,
		Unrecorded: c.unrecorded(),
		Cluster:    c.cfg.Nodes != nil,
	}
}

func (c *Console) showSession(w http.ResponseWriter, r *http.Request) {
	sess, ok := c.sessions.find(r, c.cfg.ClientAddr(r).String())
	if !ok {
		writeJSON(w, http.StatusOK, sessionView{Dev: c.cfg.Dev, Meeting: c.cfg.Demo != nil})
		return
	}
	writeJSON(w, http.StatusOK, c.view(sess))
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	addr := c.cfg.ClientAddr(r)
	if wait, ok := c.tries.take(addr); !ok {
		c.cfg.Logger.Warn("operator sign-in refused: too many tries", "from", addr)
		tooMany(w, wait, "Too many tries")
		return
	}
	var body struct {
		Secret string `json:"secret"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if !sameSecret(body.Secret, c.cfg.OperatorSecret) {
		c.cfg.Logger.Warn("operator sign-in refused: wrong secret", "from", addr)
		writeFault(w, http.StatusUnauthorized, "That is not the operator secret.")
		return
	}
	c.tries.forgive(addr)
	c.sessions.end(r)
	token, sess := c.sessions.start(addr.String())
	c.setCookie(w, token, int(c.cfg.SessionMax.Seconds()))
	c.cfg.Logger.Info("operator signed in", "from", addr)
	writeJSON(w, http.StatusOK, c.view(sess))
}

// sameSecret compares digests, so that the time it takes tells neither the
// secret's bytes nor its length.
func sameSecret(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	c.sessions.end(r)
	c.setCookie(w, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

func (c *Console) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     cookieName,
		Value:    value,
		Path:     pathOperator,
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   c.cfg.TLS,
		SameSite: http.SameSiteStrictMode,
	})
}

type sessionKey struct{}

// signedIn lets only operators through to h.
func (c *Console) signedIn(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sess, ok := c.sessions.find(r, c.cfg.ClientAddr(r).String())
		if !ok {
			writeFault(w, http.StatusUnauthorized, "Sign in first.")
			return
		}
		h(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, sess)))
	})
}

// change lets only requests through to h that an operator's own page sent.
func (c *Console) change(h http.HandlerFunc) http.Handler {
	return crossOriginGuard().Handler(c.signedIn(func(w http.ResponseWriter, r *http.Request) {
		if sessionOf(r).forged(r) {
			writeFault(w, http.StatusForbidden, "The request lacks the token of your session. Reload the page.")
			return
		}
		h(w, r)
	}))
}

// sessionOf returns the session that signedIn found.
func sessionOf(r *http.Request) *session {
	return r.Context().Value(sessionKey{}).(*session)
}
