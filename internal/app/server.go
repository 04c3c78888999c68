package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/refusals"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// call is one request on its way through the server. Fields are filled in that
// order.
type call struct {
	r     *http.Request
	ctx   context.Context
	id    string // request id, new for every request
	began time.Time
	span  *tracing.Span // nil unless the call is traced

	claimed  string // access key id that the request names, before it is checked
	body     []byte
	identity sigv4.Identity
	op       *operation // nil before it is known
	labels   labels
	query    map[string]string // the parameters that were given
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{r: r, ctx: r.Context(), id: rand.Text(), began: time.Now()}
	w.Header().Set("X-Amzn-Requestid", c.id)
	if sigv4.OneSlash(r.URL.Path) == PathDocument && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		sendDocument(w)
		return
	}
	c.span = s.cfg.Tracer.Start("unknown operation", tracing.FromRequest(r), c.began)
	c.ctx = tracing.With(c.ctx, c.span)
	body, err := s.answer(c)
	if err != nil {
		e := refuse(err)
		s.sendRefusal(w, c, e)
		s.record(c, e, err)
		return
	}
	send(w, c.op.status, body)
	s.record(c, nil, nil)
}

// answer runs a request and returns its body; nil for none. A panic anywhere on
// the way becomes an error of ours, so that the connection and the server live
// on.
func (s *Server) answer(c *call) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			body, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	v, err := s.run(c)
	if v == nil || err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// run takes a request through all steps.
func (s *Server) run(c *call) (any, error) {
	if s.draining.Load() {
		return nil, meeting.Errorf(meeting.Unavailable, "The server is shutting down.")
	}
	path, query := sigv4.Target(c.r)
	op, allowed := s.find(c.r.Method, path, &c.labels)
	checking := tracing.Step(c.ctx, "signature")
	err := s.authenticate(c)
	checking.Done(err)
	if err != nil {
		return nil, err
	}
	switch {
	case op != nil:
		c.op = op
	case len(allowed) > 0:
		return nil, badMethod(allowed)
	default:
		return nil, noOperation()
	}
	if err := s.admit(c); err != nil {
		return nil, err
	}
	if err := c.readQuery(query); err != nil {
		return nil, err
	}
	c.ctx = s.cfg.WithActor(c.ctx, "key:"+c.identity.AccessKeyID)
	return c.op.run(s, c)
}

// authenticate reads the body and finds out who sent the request.
func (s *Server) authenticate(c *call) error {
	if c.r.ContentLength > maxBody {
		return tooLarge()
	}
	pending, err := s.cfg.Verifier.Begin(c.r)
	c.claimed = pending.ClaimedKey()
	if err != nil {
		return err
	}
	if err := c.readBody(); err != nil {
		return err
	}
	c.identity, err = pending.Finish(c.body)
	return err
}

// admit checks that the account is active, that its key may perform the
// operation, and that it does not do so too often.
func (s *Server) admit(c *call) error {
	if c.identity.Disabled {
		return meeting.Errorf(meeting.Unauthorized, "Account %s is not authorized to use this service.", c.identity.Account)
	}
	if !c.identity.Allows(c.op.action()) {
		return meeting.Errorf(meeting.Forbidden, "The access key may not do %s.", c.op.action())
	}
	return s.throttle.Take(c.identity.Account, c.identity.Region, c.op.action(), s.cfg.Now())
}

// send sends a response; its answers are about now and are kept nowhere.
func send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if body != nil {
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away is nobody's fault
}

// record writes the access log and tells the observer. External ids, the data
// of messages and query strings stay out of the log.
func (s *Server) record(c *call, e *refusal, cause error) {
	operation, status, level := "", http.StatusOK, slog.LevelInfo
	if c.op != nil {
		operation, status = c.op.name, c.op.status
	}
	key := c.identity.AccessKeyID
	if key == "" {
		key = c.claimed
	}
	attrs := []slog.Attr{slog.String("request_id", c.id), slog.String("method", c.r.Method), slog.String("operation", operation)}
	if e != nil {
		status, level = e.status, slog.LevelWarn
		attrs = append(attrs, slog.String("error", e.code), slog.String("reason", e.message))
		if c.op == nil {
			attrs = append(attrs, slog.String("path", refusals.Shape(c.r.URL.Path)))
		}
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
			attrs = append(attrs, slog.Any("cause", cause))
		}
	}
	s.cfg.Observe(operation, status, time.Since(c.began))
	if c.span != nil {
		attrs = append(attrs, slog.String("trace_id", c.span.TraceID()))
		c.endTrace(status, e)
	}
	s.audit(c, status, e)
	attrs = append(attrs, slog.Int("status", status), slog.Duration("took", time.Since(c.began)),
		slog.String("access_key", key), slog.String("from", s.cfg.ClientAddr(c.r).String()))
	s.cfg.Logger.LogAttrs(context.Background(), level, "app request", attrs...)
}

// endTrace ends the call's span. Ids that callers chose, data of messages and
// keys stay out of it.
func (c *call) endTrace(status int, e *refusal) {
	const most = 6 // attributes beside those of HTTP
	about := tracing.Request(c.r, c.tracedPath(), most)
	if c.op != nil {
		c.span.Name(c.op.name)
		about = append(about, tracing.Text("rpc.method", c.op.name), tracing.Text("http.route", Prefix+c.op.path))
	}
	about = append(about, tracing.Text("carillon.flavour", "app"), tracing.Text("aws.request_id", c.id), tracing.Number("http.response.status_code", status))
	if e != nil {
		about = append(about, tracing.Text("error.type", e.code))
	}
	c.span.Add(about...)
	if status >= http.StatusInternalServerError {
		c.span.Fail("")
	}
	c.span.Done(nil)
}

// tracedPath is the path of the call, without what is no id of ours.
func (c *call) tracedPath() string {
	if c.op == nil {
		return Prefix + "…"
	}
	for _, id := range [...]string{c.labels.meeting, c.labels.attendee} {
		if _, ok := meeting.ParseID(id); id != "" && !ok {
			return Prefix + c.op.path
		}
	}
	return sigv4.OneSlash(c.r.URL.Path)
}

// audit writes down a change, done or refused. Calls of nobody who is known are
// in the log only: strangers could fill more than that.
func (s *Server) audit(c *call, status int, e *refusal) {
	if c.op == nil || c.op.method == http.MethodGet || c.identity.AccessKeyID == "" {
		return
	}
	entry := audit.Entry{
		Via: audit.App, Who: "key:" + c.identity.AccessKeyID, From: s.cfg.ClientAddr(c.r).String(), Action: c.op.name, Request: c.id,
		Target: audit.Target("meeting", c.labels.meeting, "attendee", c.labels.attendee), Outcome: audit.OutcomeOf(status),
	}
	if e != nil {
		entry.Error, entry.Reason = e.code, e.message
	}
	s.cfg.Audit(entry)
}
