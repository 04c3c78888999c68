package route

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/tracing"
	"github.com/carillon-meetings/carillon/internal/unverified"
)

// Owners says who owns which slot.
type Owners interface {
	// Holds tells whether this node serves the slot now.
	Holds(slot int) bool
	// Answers tells whether what this node has read of the slot still is so.
	Answers(slot int) bool
	// Owner returns the address, host:port, of another node that owns the
	// slot; false when none is known.
	Owner(slot int) (address string, ok bool)
}

// Config says what the router leads to. Owners, SlotOfToken,
// Replicates, Local, Unavailable and MaxBody are required.
type Config struct {
	Owners Owners
	// SlotOfToken returns the slot of a ClientRequestToken of the account that
	// a request says it is from; false for one that is not known.
	SlotOfToken func(r *http.Request, token string) (slot int, ok bool)

	// Replicates tells whether a PrimaryMeetingId in a request that creates a
	// meeting counts: not in the legacy flavour.
	Replicates func(r *http.Request) bool

	Local       http.Handler // both doors and the pages
	Unavailable http.Handler // answers 503 with Retry-After in the wire form of the request's door

	MaxBody int64 // the longest body that Local takes, in bytes

	TLS      *tls.Config   // for the way to other nodes; nil for none, on loopback only
	Patience time.Duration // how long a request waits for its slot's owner; default 20 s
	Poll     time.Duration // between two looks at who owns a slot; default 50 ms
	Farewell time.Duration // how long a request may go on at least at an owner that has lost the slot, if it cannot be sent again; default 5 s
	Logger   *slog.Logger  // default: discard

	// ClientAddr tells where a request comes from: what one client may send at a
	// time is bounded. nil takes the other end of the connection.
	ClientAddr func(*http.Request) netip.Addr

	Tracer *tracing.Tracer // tells how long owners take to answer; nil for none
}

func (c Config) withDefaults() Config {
	c.Patience = cmp.Or(c.Patience, 20*time.Second)
	c.Poll = cmp.Or(c.Poll, 50*time.Millisecond)
	c.Farewell = cmp.Or(c.Farewell, 5*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.ClientAddr == nil {
		c.ClientAddr = clientaddr.Proxies(nil).Of
	}
	return c
}

// Router is a handler for the port that callers use, and by its Inner handler
// for the one that nodes use.
type Router struct {
	cfg       Config
	transport *http.Transport
	bodies    *unverified.Budget // for those that are in memory here
}

// New returns a Router.
func New(cfg Config) *Router {
	cfg = cfg.withDefaults()
	return &Router{cfg: cfg, bodies: unverified.NewBudget(maxKept), transport: &http.Transport{
		TLSClientConfig:     cfg.TLS,
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // bodies and their encodings belong to the two ends
	}}
}

func (r *Router) bodyOf(req *http.Request) *body {
	return &body{req: req, router: r, share: r.bodies.Share(r.cfg.ClientAddr(req))}
}

// Close lets go of idle connections to other nodes.
func (r *Router) Close() { r.transport.CloseIdleConnections() }

// Headers between nodes. They are taken away from what callers send.
const (
	clientHeader   = "Carillon-Client"    // the caller's address, as the first node saw it
	notOwnerHeader = "Carillon-Not-Owner" // set on the answer of a node that does not own the slot
	traceHeader    = "Carillon-Trace"     // a traceparent: where the owner's spans belong. The caller's own may be signed
)

// ServeHTTP serves a caller's request here or at its slot's owner.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	req.Header.Del(clientHeader)
	req.Header.Del(traceHeader)
	b := r.bodyOf(req)
	defer b.release()
	slot, ok := r.slotOf(req, b)
	switch {
	case !ok && b.full:
		r.cfg.Unavailable.ServeHTTP(w, req)
	case !ok:
		r.cfg.Local.ServeHTTP(w, req)
	case r.cfg.Owners.Holds(slot): // without waiting, and the body as it arrives
		r.local(w, req, slot)
	default:
		r.elsewhere(w, req, b, slot)
	}
}

// local serves a request on a slot that is held here.
func (r *Router) local(w http.ResponseWriter, req *http.Request, slot int) {
	g := guarded{
		ResponseWriter: w,
		answers:        func() bool { return r.cfg.Owners.Answers(slot) },
		refuse:         func(w http.ResponseWriter) { r.cfg.Unavailable.ServeHTTP(w, req) },
	}
	g.serve(r.cfg.Local, req)
}

// elsewhere passes a request on to its slot's owner, or waits for it to come
// here.
func (r *Router) elsewhere(w http.ResponseWriter, req *http.Request, b *body, slot int) {
	data, err := b.read()
	switch {
	case b.full:
		r.cfg.Unavailable.ServeHTTP(w, req)
		return
	case err != nil:
		r.cfg.Local.ServeHTTP(w, req) // the door refuses it
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), r.cfg.Patience)
	defer cancel()
	for {
		if r.cfg.Owners.Holds(slot) {
			r.local(w, req, slot)
			return
		}
		if address, known := r.cfg.Owners.Owner(slot); known && r.forward(w, req, data, slot, address) {
			return
		}
		select {
		case <-ctx.Done():
			r.cfg.Unavailable.ServeHTTP(w, req)
			return
		case <-time.After(r.cfg.Poll):
		}
	}
}

// Inner returns the handler for requests that other nodes pass on. The port it
// is served on must admit nobody else. local is what it leads to.
func (r *Router) Inner(local http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if client := req.Header.Get(clientHeader); client != "" {
			req.RemoteAddr = client
		}
		req.Header.Del(clientHeader)
		if below := req.Header.Get(traceHeader); below != "" {
			req = req.WithContext(tracing.WithParent(req.Context(), below))
			req.Header.Del(traceHeader)
		}
		b := r.bodyOf(req)
		defer b.release()
		slot, ok := r.slotOf(req, b)
		if !ok {
			local.ServeHTTP(w, req)
			return
		}
		if !r.cfg.Owners.Holds(slot) {
			notOwner(w)
			return
		}
		g := guarded{
			ResponseWriter: w,
			answers:        func() bool { return r.cfg.Owners.Answers(slot) },
			refuse: func(w http.ResponseWriter) {
				if req.Method == http.MethodGet {
					notOwner(w)
					return
				}
				r.cfg.Unavailable.ServeHTTP(w, req) // it may have been done
			},
		}
		g.serve(local, req)
	})
}

func notOwner(w http.ResponseWriter) {
	w.Header().Set(notOwnerHeader, "1")
	w.WriteHeader(http.StatusMisdirectedRequest)
}

// slotOf returns the slot a request is about; see slot.go.
func (r *Router) slotOf(req *http.Request, b *body) (slot int, ok bool) {
	if id, ok := meetingInPath(req.URL.Path); ok {
		return id.Slot(), true
	}
	return r.slotInBody(req, b)
}

// slotOfID returns the slot of a meeting's id in text.
func slotOfID(text string) (int, bool) {
	id, ok := meeting.ParseID(text)
	return id.Slot(), ok
}
