package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Config says what the API serves and how. Control and Verifier are required;
// a zero field otherwise takes the default named beside it.
type Config struct {
	Control  Control
	Verifier *sigv4.Verifier

	// Placement gives the addresses that clients of a meeting connect to. It
	// must give the same for the life of the meeting. Default: all empty.
	Placement func(meeting.Summary) MediaPlacement

	Limits         meeting.Limits  // as the control plane's; meeting.DefaultLimits
	MediaRegions   []string        // accepted values of MediaRegion; DefaultMediaRegions
	ControlRegion  string          // every meeting belongs to this Region, whatever Region requests are signed for; default: the signing Region (API decision D-64)
	DefaultFlavour meeting.Flavour // of requests that do not tell; meeting.Meetings
	Throttle       Throttle        // default: off (API decision D-50)

	DeleteUnknownIs404  bool          // DeleteMeeting of an unknown meeting is an error (API decision D-06)
	ValidationException bool          // broken constraints are named ValidationException instead of BadRequestException (API decision D-20)
	ShapeNameInCode     bool          // current flavour: the body's Code holds the exception name, for SDKs that let it override the header (API decision D-53)
	CORSOrigins         []string      // web origins that may call; "*" for any; default: none
	BodyTimeout         time.Duration // how long a request body may take to arrive; 20 s

	Clock   func() time.Time                                             // time.Now
	Logger  *slog.Logger                                                 // nil: discard
	Observe func(operation, flavour string, status int, d time.Duration) // called after each request; names are "" when unknown
}

// Server serves the API. It implements http.Handler. It must get requests as
// they were sent: http.ServeMux would redirect paths with empty segments, which
// some SDKs send for empty ids and which are part of what was signed.
type Server struct {
	cfg             Config
	current, legacy []route
	throttle        *throttle // nil when off
	draining        atomic.Bool
	pool            bufferPool
}

// New returns a server.
func New(cfg Config) *Server {
	if cfg.Placement == nil {
		cfg.Placement = func(meeting.Summary) MediaPlacement { return MediaPlacement{} }
	}
	if len(cfg.MediaRegions) == 0 {
		cfg.MediaRegions = DefaultMediaRegions()
	}
	if cfg.DefaultFlavour == 0 {
		cfg.DefaultFlavour = meeting.Meetings
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = 20 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Limits = cfg.Limits.OrDefaults()
	return &Server{cfg: cfg, current: currentRoutes(), legacy: legacyRoutes(), throttle: newThrottle(cfg.Throttle)}
}

// Drain makes every further request an answer of 503 with Retry-After.
// Requests that run already finish as they would have.
func (s *Server) Drain() { s.draining.Store(true) }

// region returns the control Region of a request signed for a Region.
func (s *Server) region(signed string) string {
	if s.cfg.ControlRegion != "" {
		return s.cfg.ControlRegion
	}
	return signed
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.preflight(w, r) {
		return
	}
	c := &call{r: r, ctx: r.Context(), id: uuid.NewString(), began: time.Now(), pool: &s.pool}
	defer c.release()
	body, err := s.answer(c, w)
	if len(s.cfg.CORSOrigins) > 0 {
		s.allowOrigin(w, r)
	}
	w.Header()["X-Amzn-Requestid"] = []string{c.id}
	status := 0
	if err != nil {
		status = s.sendError(w, c, err)
	} else {
		status = send(w, c, body)
	}
	s.record(c, status, err)
}

// answer runs a request and writes its response to memory. A panic anywhere on
// the way becomes an error of ours, so that the connection and the server live
// on.
func (s *Server) answer(c *call, w http.ResponseWriter) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			body, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	write, err := s.run(c, w)
	if write == nil || err != nil {
		return nil, err
	}
	b := c.takeBuffer()
	out := restjson.NewWriter(b.bytes[:0])
	write(out)
	b.bytes = out.Bytes()
	return b.bytes, nil
}

// run takes a request through all steps.
func (s *Server) run(c *call, w http.ResponseWriter) (respond, error) {
	if s.draining.Load() {
		return nil, meeting.Errorf(meeting.Unavailable, "The server is shutting down.")
	}
	s.locate(c)
	if err := s.authenticate(c, w); err != nil {
		return nil, err
	}
	if err := s.resolve(c); err != nil {
		return nil, err
	}
	if err := s.admit(c); err != nil {
		return nil, err
	}
	if c.bodyFault != nil {
		return nil, c.bodyFault
	}
	c.ctx = control.WithActor(c.ctx, c.actor())
	return c.route.op.run(s, c)
}

// authenticate reads the body and finds out who sent the request. Whatever can
// be refused by its headers is refused before the body is read: that is also
// when a client that asked with Expect gets its 100 Continue.
func (s *Server) authenticate(c *call, w http.ResponseWriter) error {
	if c.r.ContentLength > maxBody {
		return errTooLarge
	}
	arrived := limitArrival(w, c.r, s.cfg.BodyTimeout)
	pending, err := s.cfg.Verifier.Begin(c.r)
	if err != nil {
		return err
	}
	sent, err := c.readBody()
	if err != nil {
		return err
	}
	arrived()
	if c.identity, err = pending.Finish(sent); err != nil {
		return err
	}
	c.owner = meeting.Owner{Account: c.identity.Account, Region: s.region(c.identity.Region)}
	return c.decompress()
}

// admit checks that the account is active, that its key may perform the
// operation, and that it does not do so too often.
func (s *Server) admit(c *call) error {
	if c.identity.Disabled {
		return meeting.Errorf(meeting.Unauthorized, "Account %s is not authorized to use this service.", c.identity.Account)
	}
	if !c.identity.Allows(c.route.op.action()) {
		return meeting.Errorf(meeting.Forbidden, "AWS authorization failed")
	}
	if s.throttle != nil && !c.route.op.unmetered {
		return s.throttle.take(c.owner.Account, c.owner.Region, c.route.op.name, s.cfg.Clock())
	}
	return nil
}

// send sends a successful response; no body is not the same as an empty one.
func send(w http.ResponseWriter, c *call, body []byte) int {
	h := w.Header()
	switch {
	case body != nil:
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	case c.route.status != http.StatusNoContent:
		h["Content-Length"] = []string{"0"}
	}
	w.WriteHeader(c.route.status)
	if body != nil {
		_, _ = w.Write(body) // a client that went away is nobody's fault
	}
	return c.route.status
}

// record writes the access log and tells the observer. External ids, tokens
// and query strings stay out of the log.
func (s *Server) record(c *call, status int, err error) {
	took := time.Since(c.began)
	operation, flavour := "", ""
	if c.route != nil {
		operation, flavour = c.route.op.name, c.flavour.String()
	}
	if s.cfg.Observe != nil {
		s.cfg.Observe(operation, flavour, status, took)
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	if !s.cfg.Logger.Enabled(context.Background(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("request_id", c.id), slog.String("method", c.r.Method),
		slog.String("operation", operation), slog.String("flavour", flavour),
		slog.Int("status", status), slog.Duration("took", took),
		slog.String("access_key", c.identity.AccessKeyID), slog.String("region", c.identity.Region),
	)
	if id := c.r.Header.Get("Amz-Sdk-Invocation-Id"); isGUID(id) {
		attrs = append(attrs, slog.String("invocation", id))
	}
	if status >= 500 {
		attrs = append(attrs, slog.Any("error", err))
	}
	s.cfg.Logger.LogAttrs(context.Background(), level, "api request", attrs...)
}
