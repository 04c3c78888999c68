package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// actor names the operator in a meeting's record: by the address alone who has
// the server's operator secret, which several people may share.
func actor(r *http.Request) string {
	sess := sessionOf(r)
	if sess.who.Name == operators.Name {
		return "operator:" + sess.from
	}
	return "operator:" + sess.who.Name + "@" + sess.from
}

// asOperator returns the context of an action, which names its actor.
func (c *Console) asOperator(r *http.Request) context.Context {
	return c.cfg.WithActor(r.Context(), actor(r))
}

func (c *Console) endMeeting(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r, "meeting")
	if !ok {
		return
	}
	err := c.cfg.Actions.EndMeeting(c.asOperator(r), id)
	c.finish(w, r, "end meeting", id, err)
}

func (c *Console) removeAttendee(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathBelow(w, r, "attendee")
	if !ok {
		return
	}
	err := c.cfg.Actions.RemoveAttendee(c.asOperator(r), id, attendee)
	c.finish(w, r, "remove attendee", id, err)
}

// takeSeat answers with what it takes to join in an attendee's place. It is the
// only answer of the console with a join token in it, so it is an action: asked
// for with the session's second token, and logged.
func (c *Console) takeSeat(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathBelow(w, r, "attendee")
	if !ok {
		return
	}
	seat, err := c.cfg.Seat(r.Context(), id, attendee)
	if err != nil {
		c.finish(w, r, "join as attendee", id, err)
		return
	}
	c.cfg.Logger.Info("operator action", "action", "join as attendee", "meeting", id, "attendee", attendee, "actor", actor(r))
	writeJSON(w, http.StatusOK, seat)
}

// setCapabilities also serves muting: an attendee who may not send audio is
// silent for everybody, whatever the client does, until it is allowed again.
func (c *Console) setCapabilities(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathBelow(w, r, "attendee")
	if !ok {
		return
	}
	var body observe.Capabilities
	if !readJSON(w, r, &body) {
		return
	}
	caps, ok := parse(body)
	if !ok {
		writeFault(w, http.StatusBadRequest, "Audio, video and content must each be SendReceive, Send, Receive or None.")
		return
	}
	err := c.cfg.Actions.SetCapabilities(c.asOperator(r), id, attendee, caps)
	c.finish(w, r, "change capabilities", id, err)
}

func parse(v observe.Capabilities) (meeting.Capabilities, bool) {
	audio, okA := meeting.ParseAccess(v.Audio)
	video, okV := meeting.ParseAccess(v.Video)
	content, okC := meeting.ParseAccess(v.Content)
	return meeting.Capabilities{Audio: audio, Video: video, Content: content}, okA && okV && okC
}

// pathBelow reads the ids of a meeting and of something of it from an address.
func pathBelow(w http.ResponseWriter, r *http.Request, what string) (id, below meeting.ID, ok bool) {
	if id, ok = pathID(w, r, "meeting"); !ok {
		return id, below, false
	}
	below, ok = pathID(w, r, what)
	return id, below, ok
}

// finish answers an action and lets every viewer see its effect.
func (c *Console) finish(w http.ResponseWriter, r *http.Request, what string, id meeting.ID, err error) {
	c.refresh(listFeed, meetingFeed(id))
	if err == nil {
		c.cfg.Logger.Info("operator action", "action", what, "meeting", id, "actor", actor(r))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refusals.Note(r.Context(), "", slog.Any("meeting", id), slog.String("actor", actor(r)), slog.Any("err", err))
	refuse(w, refusal(err, "The server could not do this."))
}

// refusal returns why something was refused; of an error that is no refusal it
// says otherwise.
func refusal(err error, otherwise string) *meeting.Error {
	var refused *meeting.Error
	if errors.As(err, &refused) {
		return refused
	}
	return &meeting.Error{Kind: meeting.Failure, Message: otherwise, Err: err}
}

func refuse(w http.ResponseWriter, why *meeting.Error) {
	writeFault(w, statusOf(why.Kind), why.Message)
}

// statusOf is the HTTP status of a refusal.
func statusOf(k meeting.Kind) int {
	switch k {
	case meeting.Invalid, meeting.LimitExceeded, meeting.TooManyTags:
		return http.StatusBadRequest
	case meeting.NotFound, meeting.ResourceMissing:
		return http.StatusNotFound
	case meeting.Conflict:
		return http.StatusConflict
	case meeting.Forbidden, meeting.Unauthorized:
		return http.StatusForbidden
	case meeting.Throttled:
		return http.StatusTooManyRequests
	case meeting.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
