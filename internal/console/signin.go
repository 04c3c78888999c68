package console

import (
	"log/slog"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// sessionView tells a page whether it is signed in. CSRF goes back in the
// header of every change.
type sessionView struct {
	SignedIn bool   `json:"signedIn"`
	Name     string `json:"name,omitempty"`
	ReadOnly bool   `json:"readOnly,omitempty"` // may change nothing
	Several  bool   `json:"several"`            // there are operators with names: the sign-in asks for one
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
		Name:       sess.who.Name,
		ReadOnly:   !sess.who.MayChange(),
		Several:    c.cfg.Operators.Several(),
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
		writeJSON(w, http.StatusOK, sessionView{Dev: c.cfg.Dev, Meeting: c.cfg.Demo != nil, Several: c.cfg.Operators.Several()})
		return
	}
	writeJSON(w, http.StatusOK, c.view(sess))
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	addr := c.cfg.ClientAddr(r)
	var body struct {
		Name   string `json:"name"` // empty: the one with the operator secret
		Secret string `json:"secret"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	who, ok := c.verify(w, r, audit.Console, body.Name, body.Secret)
	if !ok {
		return
	}
	c.sessions.end(r)
	token, sess := c.sessions.start(who, addr.String())
	c.setCookie(w, token, int(c.cfg.SessionMax.Seconds()))
	c.cfg.Logger.Info("operator signed in", "operator", who.Name, "from", addr)
	c.cfg.Audit(audit.Entry{Via: audit.Console, Who: "operator:" + who.Name, From: addr.String(), Action: "sign in", Outcome: audit.Done, Request: refusals.ID(r.Context())})
	writeJSON(w, http.StatusOK, c.view(sess))
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	c.sessions.end(r)
	c.cfg.Logger.Info("operator signed out", "operator", whoOf(r).Name, "from", c.cfg.ClientAddr(r))
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
		Secure:   c.cfg.OperatorTLS,
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
		refusals.Note(r.Context(), "", slog.String("operator", sess.who.Name))
		h(w, as(r, sessionKey{}, sess))
	})
}

// ownChange lets only requests through to h that an operator's own page sent.
func (c *Console) ownChange(h http.HandlerFunc) http.Handler {
	return crossOriginGuard().Handler(c.signedIn(func(w http.ResponseWriter, r *http.Request) {
		if sessionOf(r).forged(r) {
			refusals.Note(r.Context(), "operator action refused: no token of the session")
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
