package app

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/api/throttle"
	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/observe/timeline"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// Lister has meetings to list. Here and *history.Archive are two; in a cluster,
// *gather.Nodes and *history.Shared.
type Lister interface {
	// List returns a page of what it has. Its errors are *meeting.Error.
	List(ctx context.Context, q observe.Query) (observe.Page, error)
}

// Ended has what is kept of meetings that have ended. *history.Archive is one,
// and in a cluster *history.Shared. Errors are *meeting.Error.
type Ended interface {
	// Meeting returns a meeting's row, ok is false when it is not kept.
	Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool, err error)
	// Detail returns all that is kept of a meeting.
	Detail(ctx context.Context, id meeting.ID) (d observe.Detail, ok bool, err error)
}

// Here returns a Lister of the meetings that are served here, as the directory
// lists them, with what the signaling side knows.
func Here(directory Lister, live timeline.Live) Lister { return here{directory, live} }

type here struct {
	directory Lister
	live      timeline.Live
}

// List implements Lister.
func (h here) List(ctx context.Context, q observe.Query) (observe.Page, error) {
	page, err := h.directory.List(ctx, q)
	for i := range page.Meetings {
		timeline.AddLoad(&page.Meetings[i], h.live)
	}
	return page, err
}

// Control is what applications may do to a meeting. Its errors are
// *meeting.Error. *control.Control satisfies it.
type Control interface {
	SetTimers(ctx context.Context, id meeting.ID, t meeting.Timers) error
	Mute(ctx context.Context, id, attendee meeting.ID, muted bool) (meeting.Attendee, error)
	RemoveAttendee(ctx context.Context, id, attendee meeting.ID) error
}

// Config says what the application API serves. All fields
// before WithActor but Throttle are required.
type Config struct {
	Verifier *sigv4.Verifier
	// Lists are asked from the last to the first, so that a meeting which passes
	// from one to the one before it is in one of them. One that several list is
	// taken from the first.
	Lists     []Lister
	Directory timeline.Directory
	Live      timeline.Live
	Ended     Ended
	Control   Control
	Throttle  throttle.Config

	// Post sends a data message to the people in a meeting and returns to how
	// many connections. primary is the meeting that id is a replica of, zero for
	// none. *signal.Server's method of that name is one.
	Post func(id, primary meeting.ID, m meeting.Message) (sent int, err error)

	// Told returns what has become of a meeting's latest events, oldest first;
	// nil when nobody is told of events.
	Told func(id meeting.ID) []observe.Told

	// WithActor puts the name of who acts into the context of a change, for the
	// meeting's log.
	WithActor func(ctx context.Context, actor string) context.Context
	// ClientAddr tells where a request comes from, for the log; nil takes the
	// address of the TCP peer.
	ClientAddr func(*http.Request) netip.Addr
	// Observe is called after each request; the operation is "" when unknown.
	Observe func(operation string, status int, d time.Duration)
	// Audit gets each change that somebody with a key asked for. Nil: nobody.
	Audit func(audit.Entry)

	Tracer *tracing.Tracer  // nil traces nothing
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ClientAddr == nil {
		c.ClientAddr = clientaddr.Proxies(nil).Of
	}
	if c.Observe == nil {
		c.Observe = func(string, int, time.Duration) {}
	}
	if c.Told == nil {
		c.Told = func(meeting.ID) []observe.Told { return nil }
	}
	if c.Audit == nil {
		c.Audit = func(audit.Entry) {}
	}
	if c.WithActor == nil {
		c.WithActor = func(ctx context.Context, _ string) context.Context { return ctx }
	}
	return c
}

// Server serves the application API. It is an http.Handler for every path that
// begins with Prefix.
type Server struct {
	cfg      Config
	table    []operation
	throttle *throttle.Throttle
	draining atomic.Bool
}

// New returns a server.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	return &Server{cfg: cfg, table: operations(), throttle: throttle.New(cfg.Throttle)}
}

// Drain makes every further request an answer of 503 with Retry-After.
// Requests that run already finish as they would have.
func (s *Server) Drain() { s.draining.Store(true) }
