package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/api/throttle"
	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/tracing"
	"github.com/carillon-meetings/carillon/internal/unverified"
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
	Throttle       throttle.Config //  default: off (API decision D-50)

	DeleteUnknownIs404  bool     // DeleteMeeting of an unknown meeting is an error (API decision D-06)
	ValidationException bool     // broken constraints are named ValidationException instead of BadRequestException (API decision D-20)
	ShapeNameInCode     bool     // current flavour: the body's Code holds the exception name, for SDKs that let it override the header (API decision D-53)
	CORSOrigins         []string // web origins that may call; "*" for any; default: none

	// PipelineReady tells whether what carries out media pipelines could do a new
	// one's work. Its error is a *meeting.Error. Nil: nothing carries them out.
	PipelineReady func(context.Context, *meeting.NewPipeline) error

	// Transcribes says that there is an engine for transcriptions.
	Transcribes bool

	// ClientAddr tells where a request comes from, for the log and for the bounds
	// of those whose sender is not known yet; nil takes the
	// address of the TCP peer.
	ClientAddr func(*http.Request) netip.Addr
	// Observe is called after each request; names are "" when unknown.
	Observe func(operation, flavour string, status int, d time.Duration)
	// Audit gets each call that was to change something, of somebody with a key.
	// Nil: nobody, and nothing is spent on it.
	Audit func(audit.Entry)
	// WithoutEffect is called for each member that was accepted and does
	// nothing yet, by its name in the API.
	WithoutEffect func(member string)
	// Unreached returns those of a meeting's targets that events cannot be sent
	// to; nil: all of them.
	Unreached func(meeting.Owner, meeting.Notifications) []string
	// Intercept is called for each operation that somebody may perform, before
	// it is; its error, such as an *Injected, is the answer instead. For tests of
	// applications; nil: nobody looks.
	Intercept func(ctx context.Context, operation string, by meeting.Owner) error

	Tracer *tracing.Tracer  // nil traces nothing
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
}

func (c Config) withDefaults() Config {
	c.DefaultFlavour = cmp.Or(c.DefaultFlavour, meeting.Meetings)
	c.Limits = c.Limits.OrDefaults()
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if len(c.MediaRegions) == 0 {
		c.MediaRegions = DefaultMediaRegions()
	}
	if c.Placement == nil {
		c.Placement = func(meeting.Summary) MediaPlacement { return MediaPlacement{} }
	}
	if c.ClientAddr == nil {
		c.ClientAddr = clientaddr.Proxies(nil).Of
	}
	if c.Observe == nil {
		c.Observe = func(string, string, int, time.Duration) {}
	}
	if c.WithoutEffect == nil {
		c.WithoutEffect = func(string) {}
	}
	if c.Unreached == nil {
		c.Unreached = func(_ meeting.Owner, n meeting.Notifications) []string { return n.Targets() }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Server serves the API. It implements http.Handler. It must get requests as
// they were sent: http.ServeMux would redirect paths with empty segments, which
// some SDKs send for empty ids and which are part of what was signed.
type Server struct {
	cfg        Config
	current    []route
	legacy     []route
	pipelines  []route
	throttle   *throttle.Throttle // nil when off
	draining   atomic.Bool
	pool       bufferPool
	unverified *unverified.Budget
	targets    targets
}

// New returns a server.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	return &Server{
		cfg: cfg, current: currentRoutes(), legacy: legacyRoutes(), pipelines: pipelineRoutes(),
		throttle: throttle.New(cfg.Throttle), unverified: unverified.NewBudget(maxUnverified),
	}
}

// Refill forgets who has made how many requests: the throttle lets everybody
// through as after the start.
func (s *Server) Refill() { s.throttle.Refill() }

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
	s.beginTrace(c)
	body, err := s.answer(c)
	if len(s.cfg.CORSOrigins) > 0 {
		s.allowOrigin(w, r)
	}
	w.Header()["X-Amzn-Requestid"] = []string{c.id}
	if err != nil {
		refusal := s.wire(err, c.flavour)
		s.sendError(w, c, &refusal)
		s.recordRefusal(c, &refusal, err)
	} else {
		s.record(c, send(w, c, body))
	}
}

// ClaimedAccount returns the account that a request says it is from, unproven;
// "" when it names no key that is known.
func (s *Server) ClaimedAccount(r *http.Request) string { return s.cfg.Verifier.ClaimedAccount(r) }

// ClaimsLegacy tells whether a request says by its path, its host or its agent
// that it is in the legacy flavour, which knows no replicas. Which flavour else
// a body with a PrimaryMeetingId is in, that member tells.
func (s *Server) ClaimsLegacy(r *http.Request) bool {
	path, _ := sigv4.Target(r)
	base, _ := basePath(path)
	return cmp.Or(base, hostFlavour(r.Host), agentFlavour(r.UserAgent())) == meeting.Legacy
}

// Unavailable answers a request, whatever it asks, that the caller is to come
// back in a moment.
func (s *Server) Unavailable(w http.ResponseWriter, r *http.Request) {
	c := &call{r: r, ctx: r.Context(), id: uuid.NewString(), began: time.Now(), pool: &s.pool}
	s.locate(c)
	if err := s.resolve(c); err != nil {
		c.flavour = s.cfg.DefaultFlavour
	}
	if len(s.cfg.CORSOrigins) > 0 {
		s.allowOrigin(w, r)
	}
	w.Header()["X-Amzn-Requestid"] = []string{c.id}
	err := meeting.Errorf(meeting.Unavailable, "The meeting is moving to another server")
	refusal := s.wire(err, c.flavour)
	s.sendError(w, c, &refusal)
	s.recordRefusal(c, &refusal, err)
}

// answer runs a request and writes its response to memory. A panic anywhere on
// the way becomes an error of ours, so that the connection and the server live
// on.
func (s *Server) answer(c *call) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			body, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	write, err := s.run(c)
	c.answering = tracing.Step(c.ctx, "answer")
	if write == nil || err != nil {
		return nil, err
	}
	b := c.takeBuffer()
	out := restjson.NewWriter(b.AvailableBuffer())
	write(out)
	b.Write(out.Bytes())
	return b.Bytes(), nil
}

// run takes a request through all steps.
func (s *Server) run(c *call) (respond, error) {
	if s.draining.Load() {
		return nil, meeting.Errorf(meeting.Unavailable, "The server is shutting down.")
	}
	s.locate(c)
	checking := tracing.Step(c.ctx, "signature")
	err := s.authenticate(c)
	checking.Done(err)
	if err != nil {
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
	if s.cfg.Intercept != nil {
		if err := s.cfg.Intercept(c.ctx, c.route.op.name, c.owner); err != nil {
			return nil, err
		}
	}
	return c.route.op.run(s, c)
}

// authenticate reads the body and finds out who sent the request. Whatever can
// be refused by its headers is refused before the body is read: that is also
// when a client that asked with Expect gets its 100 Continue.
func (s *Server) authenticate(c *call) error {
	if limit := c.maxBody(); c.r.ContentLength > int64(limit) {
		return tooLarge(limit)
	}
	pending, err := s.cfg.Verifier.Begin(c.r)
	c.claimed = pending.ClaimedKey()
	if err != nil {
		return err
	}
	var share *unverified.Share
	if !pending.Proven() {
		share = s.unverified.Share(s.cfg.ClientAddr(c.r))
		defer share.Release()
	}
	sent, err := c.readBody(share)
	if err != nil {
		return err
	}
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
	if !c.route.op.unmetered {
		return s.throttle.Take(c.owner.Account, c.owner.Region, c.route.op.name, s.cfg.Now())
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
