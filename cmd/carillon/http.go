package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/gate"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/signal"
)

// Times after which the HTTP server gives up on a peer. Bodies and answers have
// deadlines of their own: package gate.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	finishPoll    = 5 * time.Millisecond // between two looks at the running calls
)

// maxHeaderBytes bounds a request's header; AWS clients send under 4 KiB.
const maxHeaderBytes = 64 << 10

// Paths that are no door's.
const (
	pathHealth  = "/healthz"
	pathReady   = "/readyz"
	pathMetrics = "/metrics"
)

// doors are the handlers behind the one port. pages and metrics may be nil.
type doors struct {
	api, app, signal, pages, metrics http.Handler
	operator, signpost               http.Handler
	moving                           http.Handler     // answers for a meeting without an owner, but for the API
	unavailable                      http.HandlerFunc // in the form of the API

	ready *atomic.Bool
	waits func() error // why the node does not serve all its slots; nil when it does
	store func() (ledger.Space, error)
	calls atomic.Int64 // calls of both APIs being answered that began while ready
}

// ServeHTTP gives a request to the door that its path belongs to; what belongs
// to none is an API request.
func (d *doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.pick(r).ServeHTTP(w, r)
}

func (d *doors) pick(r *http.Request) http.Handler {
	path := r.URL.Path
	tidy := sigv4.OneSlash(path) // the other doors' addresses are told by us, or typed, and are not put together
	switch {
	case path == pathHealth:
		return http.HandlerFunc(healthy)
	case path == pathReady:
		return http.HandlerFunc(d.readiness)
	case path == pathMetrics && d.metrics != nil:
		return d.metrics
	case forPeople(r) && tidy != app.PathDocument && (underAny(path, signal.PathControl, signal.PathEvents, signal.PathTURN, signal.PathCalls) || underAny(tidy, app.Prefix)):
		return d.signpost
	case underAny(path, signal.PathControl, signal.PathEvents, signal.PathTURN, signal.PathScreen, signal.PathScreenViewing, signal.PathCalls):
		return d.signal
	case underAny(tidy, app.Prefix):
		return d.app
	case path == pathCluster || strings.HasPrefix(path, pathCluster+"/"):
		return d.operator
	case d.pages != nil && console.Serves(path):
		return d.pages
	case forPeople(r):
		return d.signpost
	}
	return d.api
}

// away answers a request whose meeting has no owner at the moment, in the form
// of its door.
func (d *doors) away(w http.ResponseWriter, r *http.Request) {
	if d.pick(r) == d.api {
		d.unavailable(w, r)
		return
	}
	d.moving.ServeHTTP(w, r)
}

// moving answers for the other doors.
func moving(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	operatorFault(w, http.StatusServiceUnavailable, "The meeting is moving to another server. Try again in a moment.")
}

// countedDoor is an API's handler, which counts the calls that began before the
// shutdown, so that it can wait for them.
type countedDoor struct {
	doors *doors
	api   http.Handler
}

// ServeHTTP implements http.Handler.
func (c *countedDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.doors.ready.Load() {
		c.doors.calls.Add(1)
		defer c.doors.calls.Add(-1)
	}
	c.api.ServeHTTP(w, r)
}

// finish waits until the counted calls are answered or ctx ends. Meanwhile
// connections stay open, so that their clients are told to come back instead
// of being cut off.
func (d *doors) finish(ctx context.Context) {
	poll := time.NewTicker(finishPoll)
	defer poll.Stop()
	for d.calls.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

func underAny(path string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// healthy answers as long as the process serves at all, and says which build it is.
func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Status string `json:"status"`
		build
	}{"ok", thisBuild()}) // a caller who has gone away is told nothing
}

// readiness answers 200 while calls are taken, 503 otherwise, and says how much
// room the store has. On a full disk calls are taken: much of what people want
// then still works.
func (d *doors) readiness(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	room, err := d.store()
	switch {
	case !d.ready.Load():
		err = errors.New("starting or stopping")
	case err == nil:
		err = cmp.Or(room.Down, d.waits())
	}
	if err != nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "ready\nstore: %d MiB free on the disk\n", room.Free>>20)
	if room.Refuses != nil {
		fmt.Fprintf(w, "store: nothing new is stored below %d MiB\n", room.MinFree>>20)
	}
}

// listen opens the HTTP port. Its connections are bounded; with a certificate
// they are encrypted.
func listen(ctx context.Context, addr string, secure *tls.Config, conns *gate.Connections) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l = conns.Listen(l)
	if secure == nil {
		return l, nil
	}
	secure.NextProtos = []string{"http/1.1"} // WebSockets need HTTP/1.1
	return tls.NewListener(l, secure), nil
}

// entrance is what stands behind the HTTP port: at first nothing but the news
// that the server is starting, which in a cluster may take until others have.
type entrance struct{ doors atomic.Pointer[http.Handler] }

// open lets callers through.
func (e *entrance) open(doors http.Handler) { e.doors.Store(&doors) }

// How long a request waits at most for a server that is starting, and how often
// it is looked. SDKs would be through with all their attempts in less than a
// second, while a cluster that was down as a whole is back in ten.
const (
	entrancePatience = 20 * time.Second
	entrancePoll     = 50 * time.Millisecond
)

// ServeHTTP implements http.Handler.
func (e *entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doors := e.doors.Load()
	switch {
	case doors == nil && r.URL.Path == pathHealth:
		healthy(w, r)
		return
	case doors == nil && r.URL.Path != pathReady:
		doors = e.await(r.Context())
	}
	if doors != nil {
		(*doors).ServeHTTP(w, r)
		return
	}
	const why = "not ready: starting, which waits for enough nodes of the cluster"
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	if r.URL.Path == pathReady {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "ServiceUnavailableException")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintf(w, `{"Code":"ServiceUnavailable","Message":%q}`, why)
}

// await returns the doors once they are open, or nil when that takes too long.
func (e *entrance) await(ctx context.Context) *http.Handler {
	ctx, cancel := context.WithTimeout(ctx, entrancePatience)
	defer cancel()
	look := time.NewTicker(entrancePoll)
	defer look.Stop()
	for e.doors.Load() == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
	return e.doors.Load()
}

func (s *server) httpErrors() *log.Logger {
	return slog.NewLogLogger(s.log.With("part", "http").Handler(), slog.LevelDebug)
}

// newHTTPServer serves the handler, behind the gate, on connections of conns.
func (s *server) newHTTPServer(h http.Handler, conns *gate.Connections) *http.Server {
	rules := gate.Rules{Hosts: s.hosts(), Body: s.cfg.API.BodyTimeout, Logger: s.log.With("part", "http")}
	return &http.Server{
		Handler:           gate.Handler(h, rules),
		ConnState:         conns.Watch,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          s.httpErrors(),
	}
}

// hosts are the names the server answers to: what clients are told, what media
// is announced under, what was configured, and the real service's own names
// for those who lead them here by DNS.
func (s *server) hosts() gate.Hosts {
	names := append([]string{s.ports.public.Hostname()}, s.cfg.AllowedHosts...)
	names = append(names, s.cfg.Media.PublicIPs...)
	for _, addr := range []string{s.cfg.Listen, s.cfg.Pages.ConsoleListen} {
		if host, _, err := net.SplitHostPort(addr); err == nil && host != "" {
			names = append(names, host)
		}
	}
	return gate.Hosts{Names: names, Also: api.ServiceHost}
}

func (s *server) proxies() clientaddr.Proxies { return clientaddr.Proxies(s.cfg.TrustedProxies) }

// connections bounds the connections of the HTTP port.
func (s *server) newConnections() *gate.Connections {
	return gate.NewConnections(gate.Limits{
		Total: s.files.connections, PerAddress: s.files.perAddress, Proxies: s.proxies(), Logger: s.log.With("part", "http"),
	})
}

// openMetrics opens the second address, if the metrics have one of their own.
func (s *server) openMetrics(ctx context.Context) (err error) {
	if s.cfg.Pages.MetricsListen == "" {
		return nil
	}
	conns := s.newConnections()
	if s.ports.metrics, err = listen(ctx, s.cfg.Pages.MetricsListen, nil, conns); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+pathMetrics, s.metrics.handler())
	s.metricsHTTP = s.newHTTPServer(mux, conns)
	s.background(func() error { return ignoreClosed(s.metricsHTTP.Serve(s.ports.metrics)) })
	return nil
}
