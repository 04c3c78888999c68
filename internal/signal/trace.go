package signal

import (
	"net/http"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// joinTrace is the span of one join. A client has joined when its first sound
// has come; when that never does, the join is told once the connection ends.
type joinTrace struct {
	span *tracing.Span
	once sync.Once
}

// traceJoin begins the span of a join whose token was found valid at a time, if
// the join is to be traced.
func (s *Server) traceJoin(one *session, r *http.Request, at time.Time) {
	if span := s.cfg.Tracer.Start(joinSpan, tracing.FromRequest(r), at); span != nil {
		span.Add(socket(one.key.meeting, r)...)
		one.conference.update(func() { one.trace = &joinTrace{span: span} })
	}
}

// traceRefusal tells a join that came to nothing for its token.
func (s *Server) traceRefusal(id meeting.ID, r *http.Request, at time.Time, err error) {
	span := s.cfg.Tracer.Start(joinSpan, tracing.FromRequest(r), at)
	if span == nil {
		return
	}
	span.Add(append(socket(id, r), tracing.Text("error.type", observe.StepToken))...)
	span.Fail(joinCause(err).outcome().words)
	span.End(s.cfg.Now())
}

// joinSpan is the name of a join's span.
const joinSpan = "join"

// socket says of a join what its meeting is and what is known of the request
// for its WebSocket; the query, which may hold the token, is not.
func socket(id meeting.ID, r *http.Request) []tracing.Attr {
	const most = 5 // attributes beside those of HTTP
	return append(tracing.Request(r, PathControl+id.String(), most),
		tracing.Text("http.route", PathControl+"{meetingId}"), tracing.Text("carillon.meeting_id", id.String()))
}

// endTrace tells the join, from what is recorded of its steps: each begins when
// the one before was taken. Sockets that were opened early and never used are
// no joins. It may be called with or without the conference locked.
func (s *session) endTrace() {
	t := s.trace
	if t == nil {
		return
	}
	t.once.Do(func() {
		steps := s.rec.Steps()
		if !tried(steps) {
			return
		}
		t.span.Add(
			tracing.Text("carillon.attendee_id", wireID(s.key)), tracing.Text("carillon.node", s.server.cfg.Host),
		)
		last := steps[0].At.Time // of the token, with which the join began
		for _, step := range steps[1:] {
			at := step.At.Time
			part := t.span.Child(spanName(step.Name), earlier(last, at))
			if step.Fault != "" {
				part.Fail(step.Fault)
				t.span.Fail(step.Fault)
				t.span.Add(tracing.Text("error.type", step.Name))
			}
			part.End(at)
			if at.After(last) {
				last = at
			}
		}
		t.span.End(last)
	})
}

// tried tells whether the client has got as far as JOIN, or failed before.
func tried(steps []observe.Step) bool {
	for _, step := range steps {
		if step.Name == observe.StepJoin || step.Fault != "" {
			return true
		}
	}
	return false
}

// earlier returns the earlier of two times: media notes its steps on another
// goroutine than signaling.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// spanName is what a step is called in a trace: as the protocols call it.
func spanName(step string) string {
	switch step {
	case observe.StepJoin:
		return "JOIN"
	case observe.StepSubscribe:
		return "SUBSCRIBE"
	case observe.StepICE:
		return "ICE"
	case observe.StepDTLS:
		return "DTLS"
	case observe.StepAudio:
		return "first media"
	}
	return step
}
