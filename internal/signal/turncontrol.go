package signal

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/plainweb"
)

// Clients before 1.18.4 ask for their TURN credentials by HTTP before they
// offer, and so do native ones: a POST to the TurnControlUrl with the join
// token in a header and the meeting in the body. Whatever JSON they get has
// them use nothing but TURN, so there is an answer only when TURN is on;
// without it a meeting of their API has no such address.

const (
	// maxTurnRequest bounds the body of a request for credentials, in bytes. It
	// holds a meeting id.
	maxTurnRequest = 1 << 10
	// turnTokenHeader and turnTokenPrefix are where those clients put the token.
	turnTokenHeader = "X-Chime-Auth-Token"
	turnTokenPrefix = subprotocol + "="
)

// turnSession is the answer.
type turnSession struct {
	Username string   `json:"username"`
	Password string   `json:"password"`
	TTL      int      `json:"ttl"` // seconds
	URIs     []string `json:"uris"`
}

// serveTURN gives a client its TURN credentials. The token protects them, so
// pages of any origin may ask.
func (s *Server) serveTURN(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if !plainweb.IsPost(w, r, "x-chime-auth-token, authorization, content-type") {
		return
	}
	if s.cfg.TURN == nil {
		plainweb.Reply(w, http.StatusGone, `{"message":"there is no TURN server; media is reached directly"}`)
		return
	}
	token := turnToken(r.Header)
	if token == "" {
		refuse(w, badToken)
		return
	}
	var in struct {
		MeetingID string `json:"meetingId"`
	}
	if code := plainweb.ReadJSON(w, r, maxTurnRequest, &in); code != http.StatusOK {
		plainweb.Reply(w, code, `{"message":"expected the id of the meeting"}`)
		return
	}
	s.replyTURN(w, r, in.MeetingID, token)
}

// replyTURN checks the token and answers with credentials. The status of a
// refusal tells those clients why: 403 for a bad token, 404 for a meeting that
// has ended.
func (s *Server) replyTURN(w http.ResponseWriter, r *http.Request, meetingID, token string) {
	id, ok := meeting.ParseID(meetingID)
	if !ok {
		refuse(w, badToken)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	grant, err := s.cfg.Control.Authorize(ctx, id, token)
	if from := allowanceOf(r.Header); err == nil {
		err = s.checkNetwork(&from, &grant)
	}
	if err != nil {
		refuse(w, joinCause(err))
		return
	}
	t := s.cfg.TURN(wireID(participantKey{id, grant.Attendee.ID, grant.Content}))
	body, err := json.Marshal(turnSession{t.Username, t.Password, int(t.TTL.Seconds()), t.URIs})
	if err != nil {
		panic(err) // strings and a number
	}
	plainweb.Reply(w, http.StatusOK, string(body))
}

// turnToken returns the join token of a request, or "".
func turnToken(h http.Header) string {
	if token, ok := strings.CutPrefix(h.Get(turnTokenHeader), turnTokenPrefix); ok {
		return token
	}
	return plainweb.Bearer(h)
}

// serveRetired answers for the addresses of what Carillon has not got: they
// are announced because clients do not do without them, and used by
// applications that ask for it. A WebSocket that does not open is the answer
// these clients understand.
func serveRetired(words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		plainweb.Reply(w, http.StatusGone, `{"message":"`+words+`"}`)
	}
}
