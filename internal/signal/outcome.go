package signal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/refusals"
	"github.com/carillon-meetings/carillon/internal/signal/plainweb"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// cause is why a request, a JOIN, an offer or a connection comes to nothing.
// What a client is told of it is in outcomes, and nowhere else.
type cause uint8

const (
	noMeeting cause = iota + 1
	foreignOrigin
	noToken
	serverFull
	badToken
	foreignNetwork
	keyDropped
	attendeeRemoved
	attendeeGone
	meetingEnded
	joinedElsewhere
	contentNotPermitted
	contentFull
	joinsTooOften
	unavailable
	stopping
	moved
	tooManySockets
	neverUsed
	noOffer
	noCheck
	noKeys
	mediaClosed
	mediaFailed
	mediaSilent
	connectionLost
	badFrames
	overBudget
	clientLeft
	badOffer
	failedOffer
)

// outcome is what happens for a cause, by where the client is.
type outcome struct {
	words string // for operators, and in docs/signaling.md
	// http answers a plain HTTP request, among them one for a WebSocket that is
	// not upgraded, and is the error of a refused promotion. 0: cannot happen.
	http int
	// atJoin answers JOIN. Without it, the connection is closed in its place.
	atJoin notice
	// joined is said before a joined client's connection is closed. Clients
	// older than the newest ignore close codes then, all of them: see
	// TestJoinedClientsAreToldByFrame.
	joined notice
	// code and reason close the connection. Code 0: it stays.
	code   websocket.StatusCode
	reason string
}

// notice is a frame that tells a client of an outcome; the zero one is none.
type notice struct {
	typ    wire.Frame_Type // AUDIO_STATUS, or an answer that carries an error
	status uint32
}

// attendeeUnavailable is the close reason that clients know for a token that
// does not let in: they report SignalingBadRequest in every version.
const attendeeUnavailable = "attendee unavailable"

// outcomes is the table. The rows of docs/signaling.md are made of it.
var outcomes = [...]outcome{
	noMeeting:     {words: "not the address of a meeting", http: http.StatusNotFound},
	foreignOrigin: {words: "pages of this origin may not connect", http: http.StatusForbidden},
	noToken:       {words: "expected the sub-protocol and a join token", http: http.StatusBadRequest},
	serverFull:    {words: "the server takes no more connections", http: http.StatusServiceUnavailable},

	badToken: {words: "the join token is not valid", http: http.StatusForbidden, code: closeForbidden, reason: attendeeUnavailable},
	foreignNetwork: {words: "the network that the client is in does not allow this application or tenant", http: http.StatusForbidden,
		code: closeForbidden, reason: attendeeUnavailable},
	keyDropped: {words: "the key that the join token was made with is out of use",
		joined: audioStatus(statusRemoved), code: closeForbidden, reason: attendeeUnavailable},
	attendeeRemoved: {words: "the attendee was removed", http: http.StatusForbidden,
		joined: audioStatus(statusRemoved), code: closeForbidden, reason: attendeeUnavailable},
	attendeeGone: {words: "the attendee whose share it was left",
		joined: audioStatus(statusRemoved), code: closeForbidden, reason: attendeeUnavailable},
	meetingEnded: {words: "the meeting ended", http: http.StatusNotFound,
		atJoin: audioStatus(statusEnded), joined: audioStatus(statusEnded), code: closeEnded},
	joinedElsewhere: {words: "the attendee joined from elsewhere",
		atJoin: audioStatus(statusElsewhere), joined: audioStatus(statusElsewhere), code: closeDone},
	contentNotPermitted: {words: "the attendee may not share content",
		atJoin: joinError(statusForbidden), joined: audioStatus(statusForbidden), code: closeForbidden},
	contentFull:   {words: "the meeting has as many content shares as it takes", atJoin: joinError(statusFull), code: closeDone},
	joinsTooOften: {words: "the attendee joins too often", atJoin: joinError(statusUnavailable), code: closeRetry},
	unavailable: {words: "the server could not let the client in", http: http.StatusServiceUnavailable,
		atJoin: joinError(statusUnavailable), code: closeRetry},
	stopping: {words: "the server stopped", http: http.StatusServiceUnavailable,
		joined: audioStatus(statusUnavailable), code: closeDrain, reason: "restarting"},
	moved: {words: "the meeting moved to another server", http: http.StatusServiceUnavailable,
		joined: audioStatus(statusUnavailable), code: closeDrain, reason: "restarting"},
	tooManySockets: {words: "the attendee has too many connections", code: closeMisuse, reason: "too many connections"},
	neverUsed:      {words: "the connection was opened and not used", code: closeDone, reason: "idle"},

	noOffer:        mediaLost("the client never sent its offer"),
	noCheck:        mediaLost("no connectivity check from the client arrived: is the media port reachable from there?"),
	noKeys:         mediaLost("the encryption keys could not be agreed"),
	mediaClosed:    mediaLost("the client closed the media connection"),
	mediaFailed:    mediaLost("the media connection failed"),
	mediaSilent:    mediaLost("nothing arrived from the client any more"),
	connectionLost: mediaLost("the connection was lost"),

	badFrames: {words: "the client breaks the protocol",
		atJoin: anyError(statusBadRequest), joined: anyError(statusBadRequest), code: closeMisuse},
	overBudget: {words: "the client sends more than it may",
		atJoin: anyError(statusTooMany), joined: anyError(statusTooMany), code: closeMisuse},
	clientLeft: {words: "the client left", joined: notice{typ: wire.Frame_LEAVE_ACK}, code: closeDone},

	badOffer:    {words: "the client's offer is broken", joined: anyError(statusBadRequest)},
	failedOffer: {words: "the client's offer could not be answered", joined: anyError(statusFault)},
}

func audioStatus(status uint32) notice { return notice{wire.Frame_AUDIO_STATUS, status} }
func joinError(status uint32) notice   { return notice{wire.Frame_JOIN_ACK, status} }

// anyError is an error on the answer that a connected client may be waiting
// for; it is heeded whatever frame it is on.
func anyError(status uint32) notice { return notice{wire.Frame_SUBSCRIBE_ACK, status} }

// mediaLost has a client whose signaling works come back at once; it would
// find out by itself, but only after 25 s.
func mediaLost(words string) outcome {
	return outcome{words: words, joined: audioStatus(statusUnavailable), code: closeRetry, reason: "media lost"}
}

// outcome returns the cause's row.
func (c cause) outcome() *outcome { return &outcomes[c] }

// frame encodes the notice.
func (n notice) frame(now time.Time) []byte {
	f := newFrame(n.typ, now)
	switch n.typ {
	case wire.Frame_AUDIO_STATUS:
		f.AudioStatus = &wire.AudioStatus{AudioStatus: proto.Uint32(n.status)}
	case wire.Frame_LEAVE_ACK:
		f.LeaveAck = &wire.LeaveAck{}
	case wire.Frame_JOIN_ACK:
		// The body has to be there all the same: without it clients report a
		// failed request and not the error.
		f.JoinAck, f.Error = &wire.JoinAck{}, errorOf(n.status)
	case wire.Frame_SUBSCRIBE_ACK:
		f.SubscribeAck, f.Error = &wire.SubscribeAck{}, errorOf(n.status)
	}
	return mustEncode(f)
}

// refuse answers a plain HTTP request.
func refuse(w http.ResponseWriter, c cause) {
	o := c.outcome()
	if o.http == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	plainweb.Reply(w, o.http, `{"message":"`+o.words+`"}`)
}

// joinOperation is what the log calls an attempt to join a meeting.
const joinOperation = "join"

// exception is what the log calls the cause: as the API's exceptions.
func (c cause) exception() string {
	switch c {
	case contentNotPermitted:
		return refusals.Name(http.StatusForbidden)
	case contentFull:
		return "ResourceLimitExceededException"
	case joinsTooOften, tooManySockets, overBudget:
		return refusals.Name(http.StatusTooManyRequests)
	case badFrames, badOffer:
		return refusals.Name(http.StatusBadRequest)
	}
	return refusals.Name(cmp.Or(c.outcome().http, http.StatusServiceUnavailable))
}

// Error makes a cause an error.
func (c cause) Error() string { return "signal: " + c.outcome().words }

// comesBack reports whether the client is to try again, and so is not waited
// for to say LEAVE.
func (o *outcome) comesBack() bool { return o.code >= closeRetry && o.code < 4600 }

// joinCause is why an error of checking a token, or of joining, keeps a client
// out.
func joinCause(err error) cause {
	var own cause
	var refused *meeting.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, control.ErrEnded):
		return meetingEnded
	case errors.Is(err, control.ErrRemoved):
		return attendeeRemoved
	case errors.Is(err, media.ErrContentFull):
		return contentFull
	case errors.Is(err, control.ErrBadToken),
		errors.As(err, &refused) && (refused.Kind == meeting.Forbidden || refused.Kind == meeting.NotFound):
		return badToken
	}
	return unavailable
}

// mediaCause is why media did not come up, or was lost; err is nil when the
// time for it was over. took tells which steps of joining were taken.
func mediaCause(err error, took func(step string) bool) cause {
	switch {
	case errors.Is(err, media.ErrClosedByClient):
		return mediaClosed
	case errors.Is(err, media.ErrHandshake), took(observe.StepICE):
		return noKeys
	case err == nil && !took(observe.StepSubscribe):
		return noOffer
	case err == nil, errors.Is(err, media.ErrTimeout):
		return noCheck
	}
	return mediaFailed
}

// offerCause is why an offer was not answered.
func offerCause(err error) cause {
	if errors.Is(err, media.ErrBadOffer) || errors.Is(err, wire.ErrInflate) || errors.Is(err, wire.ErrSDPTooLarge) {
		return badOffer
	}
	return failedOffer
}

// explain tells operators of an error that had the cause.
func (c cause) explain(err error) string {
	switch c {
	case unavailable, badOffer, failedOffer:
		return fmt.Sprintf("%s: %v", c.outcome().words, err)
	}
	return c.outcome().words
}
