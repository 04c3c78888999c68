package console

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/allowance"
	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// Config says what New is to serve.
type Config struct {
	// Directory, Live and Actions are the server behind the console. They are
	// required when Operators is set.
	Directory Directory
	Live      Live
	Actions   Actions
	// Ended has what is kept of ended meetings that the Directory has forgotten;
	// required too.
	Ended Ended
	// Deliveries are the events that are told to the outside; nil when nobody
	// is told.
	Deliveries Deliveries
	// Nodes returns the nodes of the cluster; nil when this server is alone. It is
	// called once a second while somebody looks.
	Nodes func(ctx context.Context) ([]observe.Node, error)
	// Health is how the nodes fare, and what they log; nil when nobody measures.
	Health Health
	// Recordings are those of the meetings; nil when this server knows of none.
	Recordings Recordings
	// Seat returns what an operator joins with in an attendee's place; nil when
	// that is not possible here. Errors are *meeting.Error.
	Seat func(ctx context.Context, id, attendee meeting.ID) (Seat, error)
	// WithActor puts the name of who acts, "operator:" and an address, into
	// the context of an action, for the meeting's log. Required with Actions.
	WithActor func(ctx context.Context, actor string) context.Context

	// Operators are those who may sign in. Nil switches the console off.
	Operators *operators.Roster
	// Audit gets what operators did, and who was refused. Nil: nobody.
	Audit func(audit.Entry)
	// AuditLog reads what Audit got, newest first. Required with Operators.
	AuditLog func(ctx context.Context, q audit.Query) (audit.Page, error)
	// Sheet tells how the server is set up; nil when nobody is told.
	Sheet func(context.Context) Sheet
	// Demo answers /demo/ for the meeting page. Nil switches the meeting page
	// off as well.
	Demo http.Handler
	// DemoRate is how often one address may ask the demo backend; default 60
	// at once and one more each second, so that an office behind one address
	// can join together.
	DemoRate allowance.Rate
	// RightsRate is how often one address may ask the demo backend what
	// somebody may do; default 500 at once and 100 more each second: the page
	// of everybody in a meeting asks every few seconds.
	RightsRate allowance.Rate

	// TLS tells that browsers reach the pages over https, directly or through
	// a proxy: HSTS is sent. OperatorTLS says so of the console, which may have an
	// address of its own: its cookie becomes Secure.
	TLS, OperatorTLS bool
	// ConnectSources are further origins the pages may open connections to,
	// as "wss://host:port" or "https://host:port". The page's own host is
	// always allowed.
	ConnectSources []string
	// ClientAddr tells where a request comes from; nil takes the address of
	// the TCP peer. Set it when a trusted proxy stands in front.
	ClientAddr func(*http.Request) netip.Addr

	// Dev and Version are shown to operators. Dev says that the API accepts
	// any credentials.
	Dev     bool
	Version string

	// Pages replaces the embedded pages; nil takes those.
	Pages fs.FS

	// SessionIdle and SessionMax end a sign-in: without a request for so long
	// (default 30 minutes), and at that age (default 12 hours).
	SessionIdle, SessionMax time.Duration
	// SessionKey, the same on several servers, makes a sign-in at one of them
	// good at all. Nil: a sign-in is good at this server, until its end.
	SessionKey []byte
	// Refresh is how often sources are read while somebody looks, and so how
	// often an event stream proves that it is of now (see beat); default 1 s.
	Refresh time.Duration

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
}

func (c Config) withDefaults() Config {
	c.SessionIdle = cmp.Or(c.SessionIdle, 30*time.Minute)
	c.SessionMax = cmp.Or(c.SessionMax, 12*time.Hour)
	c.RightsRate = cmp.Or(c.RightsRate, allowance.Rate{Burst: 500, Every: 10 * time.Millisecond})
	c.DemoRate = cmp.Or(c.DemoRate, allowance.Rate{Burst: 60, Every: time.Second})
	c.Refresh = cmp.Or(c.Refresh, time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Audit == nil {
		c.Audit = func(audit.Entry) {}
	}
	if c.ClientAddr == nil {
		c.ClientAddr = clientaddr.Proxies(nil).Of
	}
	return c
}

func (c Config) check() error {
	if c.Operators == nil {
		return nil
	}
	if c.Directory == nil || c.Live == nil || c.Actions == nil || c.Ended == nil || c.WithActor == nil || c.AuditLog == nil {
		return errors.New("console: Directory, Live, Actions, Ended, WithActor and AuditLog are required")
	}
	return nil
}

// Console serves the pages. It is an http.Handler for every address that the
// package comment lists.
type Console struct {
	cfg                    Config
	mux                    *http.ServeMux
	refusals, demoRefusals refusals.Door // the console's JSON and the demo backend
	pages                  pages
	sessions               *sessions
	visits                 *allowance.PerAddress // of the demo backend
	asks                   *allowance.PerAddress // of the demo backend for rights
	feeds                  feeds

	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	wg     sync.WaitGroup // one for each running feed
}

// New returns a Console ready to serve. Close ends it.
func New(cfg Config) (*Console, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	files, err := openPages(cfg.Pages)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Console{
		cfg:      cfg,
		mux:      http.NewServeMux(),
		pages:    files,
		sessions: newSessions(cfg),
		visits:   allowance.NewPerAddress(cfg.DemoRate, cfg.Now),
		asks:     allowance.NewPerAddress(cfg.RightsRate, cfg.Now),
		feeds:    feeds{open: make(map[string]*feed)},
		ctx:      ctx,
		cancel:   cancel,
	}
	c.routes()
	c.refusals = refusals.Door{Next: c.mux, From: cfg.ClientAddr, Level: slog.LevelWarn, Logger: cfg.Logger}
	c.demoRefusals = c.refusals
	c.demoRefusals.Level = slog.LevelInfo // mistaken codes and ended meetings are everyday life
	return c, nil
}

// OperatorsChanged ends the sessions of those who are operators no more, or with
// another secret or role.
func (c *Console) OperatorsChanged() { c.sessions.reconsider() }

// Close ends every event stream and waits for the goroutines behind them. The
// HTTP server that serves the console is shut down by its owner, after Close.
func (c *Console) Close() error {
	c.cancel()
	c.wg.Wait()
	return nil
}

// ServeHTTP answers a request for any of the pages.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.setHeaders(w.Header(), r)
	switch {
	case strings.HasPrefix(r.URL.Path, pathAPI):
		c.refusals.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, pathDemo):
		c.demoRefusals.ServeHTTP(w, r)
	default:
		c.mux.ServeHTTP(w, r)
	}
}
