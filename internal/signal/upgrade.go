package signal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/refusals"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// subprotocol is what a client offers beside its join token, and what it must
// be answered with. The token is not repeated to it.
const subprotocol = "_aws_wt_session"

// nativeSubprotocol is what Amazon's native signaling client offers; its token
// comes in a cookie that is called as the browsers' sub-protocol.
const nativeSubprotocol = "Signaling-SDK"

// maxBeforeJoin bounds a message before JOIN, in bytes; afterwards it is what
// the largest offer needs.
const maxBeforeJoin = 16 << 10

// refusedShare of the sockets may be held at a time by clients that have to be
// told that they may not join.
const refusedShare = 20

// serveControl is the signaling connection of one client.
//
// A request that is no WebSocket of a client's, or from a web origin that is
// not allowed, is refused as HTTP. Everything about the token is told inside
// the connection: browsers hide the HTTP status from the client, which would
// just try again.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	id, ok := meeting.ParseID(r.PathValue("meeting"))
	switch {
	case !ok:
		refuse(w, noMeeting)
		return
	case !s.originAllowed(r):
		refuse(w, foreignOrigin)
		return
	}
	offer, ok := offered(r)
	if !ok {
		refuse(w, noToken)
		return
	}
	if !s.begin() {
		refuse(w, serverFull)
		return
	}
	defer s.end()
	tokenAt := s.cfg.Now()
	from := allowanceOf(r.Header)
	meet, grant, err := s.admit(r.Context(), id, offer.token, &from)
	if err != nil {
		// Bad tokens must not take the place of good ones.
		defer s.refusing.Add(-1)
		if n := s.refusing.Add(1); s.cfg.MaxSockets > 0 && n > int64(s.cfg.MaxSockets/refusedShare+1) {
			refuse(w, joinCause(err))
			return
		}
	}
	m := newMeter(err == nil)
	ws, acceptErr := accept(metered{w, m}, r, offer.protocol)
	if acceptErr != nil {
		s.log.Debug("not a websocket", "meeting", id, "err", acceptErr)
		return
	}
	c := newConn(ws, m, &s.cfg.Timers, offer.prefix())
	defer c.wait()
	if err != nil {
		s.noteRefusal(id, r, tokenAt, err)
		s.refuseJoin(c, joinCause(err))
		return
	}
	one := newSession(s, c, meet, grant, opener{s.cfg.ClientAddr(r), refusals.ID(r.Context())}, tokenAt)
	one.native, one.from = offer.native(), from
	s.traceJoin(one, r, tokenAt)
	one.confirm(offer.token)
	one.run()
}

// noteRefusal tells operators of a token that was no good.
func (s *Server) noteRefusal(id meeting.ID, r *http.Request, at time.Time, err error) {
	why, remote := joinCause(err).explain(err), s.cfg.ClientAddr(r)
	s.traceRefusal(id, r, at, err)
	s.log.Info("token refused", "operation", joinOperation, "error", joinCause(err).exception(), "reason", why, "meeting", id, "from", remote,
		"request_id", refusals.ID(r.Context()))
	s.history.Refuse(id, s.cfg.Now(), remote, why)
}

// accept upgrades the request.
func accept(w http.ResponseWriter, r *http.Request, protocol string) (*websocket.Conn, error) {
	return websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{protocol},
		InsecureSkipVerify: true, // originAllowed has decided
	})
}

// admit checks the token, and that its meeting may be joined from there, and
// returns the open meeting. Only a good token has anything set up for it.
func (s *Server) admit(ctx context.Context, id meeting.ID, token string, from *allowance) (*openMeeting, control.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	grant, err := s.cfg.Control.Authorize(ctx, id, token)
	if err == nil {
		err = s.checkNetwork(from, &grant)
	}
	if err != nil {
		return nil, grant, err
	}
	meet := s.enter(id, grant.PrimaryID)
	if meet == nil {
		return nil, grant, stopping
	}
	return meet, grant, nil
}

// confirm checks the token once more, now that the session hears of committed
// changes: one that came between the first check and that would else be missed.
func (s *session) confirm(token string) {
	ctx, cancel := context.WithTimeout(s.conn.ctx, callTimeout)
	defer cancel()
	for {
		var before uint64
		s.conference.update(func() { before = s.meeting.applied })
		grant, err := s.server.cfg.Control.Authorize(ctx, s.meeting.id, token)
		stale := false
		s.conference.update(func() { stale = !s.adoptLocked(grant, err, before) })
		if !stale {
			return
		}
	}
}

// adoptLocked takes over the outcome of a check that began when so many changes
// had been acted on. Another one since then may be newer than what was found:
// false, it has to be made again.
func (s *session) adoptLocked(grant control.Grant, err error, before uint64) bool {
	switch {
	case s.meeting.applied != before:
		return false
	case err != nil:
		s.turnAwayLocked(joinCause(err))
	default:
		s.grant = grant
	}
	return true
}

// originAllowed decides by the Origin header, which browsers always send.
func (s *Server) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || len(s.cfg.Origins) == 0 {
		return true
	}
	if slices.ContainsFunc(s.cfg.Origins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// offer is what a client comes with.
type offer struct {
	token    string
	protocol string // the sub-protocol that it waits for
}

// native tells Amazon's native signaling client from a browser's.
func (o offer) native() bool { return o.protocol == nativeSubprotocol }

// prefix is the first byte of what it is sent.
func (o offer) prefix() byte {
	if o.native() {
		return wire.NativePrefix
	}
	return wire.Prefix
}

// offered returns the join token: the sub-protocol offered beside the fixed
// one, or of a native client the cookie.
func offered(r *http.Request) (o offer, ok bool) {
	var protocols []string
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(v, ",") {
			protocols = append(protocols, strings.TrimSpace(p))
		}
	}
	if slices.Contains(protocols, nativeSubprotocol) {
		cookie, err := r.Cookie(subprotocol)
		if err != nil {
			return offer{}, false
		}
		return offer{cookie.Value, nativeSubprotocol}, cookie.Value != ""
	}
	if len(protocols) != 2 || !slices.Contains(protocols, subprotocol) {
		return offer{}, false
	}
	token := protocols[0]
	if token == subprotocol {
		token = protocols[1]
	}
	return offer{token, subprotocol}, token != ""
}

// refuseJoin waits for JOIN and answers it with the refusal: clients understand
// it in no other place.
func (s *Server) refuseJoin(c *conn, why cause) {
	o := why.outcome()
	limit := time.AfterFunc(5*s.cfg.Timers.Farewell, func() { c.close(o.code, o.reason) })
	defer limit.Stop()
	defer c.close(o.code, o.reason)
	for {
		msg, err := c.read()
		if err != nil {
			return
		}
		f, err := wire.Decode(msg)
		if err != nil {
			return
		}
		switch f.GetType() {
		case wire.Frame_PING_PONG:
			s.answerPing(c, f.GetPingPong())
		case wire.Frame_JOIN:
			if o.atJoin.typ == 0 {
				return
			}
			c.send(o.atJoin.frame(s.cfg.Now())) // then it says LEAVE
			limit.Reset(s.cfg.Timers.Farewell)
		case wire.Frame_LEAVE:
			c.send(clientLeft.outcome().joined.frame(s.cfg.Now()))
			return
		}
	}
}

// answerPing answers a ping with a pong.
func (s *Server) answerPing(c *conn, p *wire.PingPong) {
	if p.GetType() == wire.PingPong_PING {
		c.send(pong(s.cfg.Now(), p.GetPingId()))
	}
}
