package route

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Owners says who owns which slot.
type Owners interface {
	// Holds tells whether this node serves the slot now.
	Holds(slot int) bool
	// Owner returns the address, host:port, of another node that owns the
	// slot; false when none is known.
	Owner(slot int) (address string, ok bool)
}

// Config says what the router leads to. Owners, Local, Unavailable and the two
// functions are required.
type Config struct {
	Owners        Owners
	SlotOfMeeting func(meeting.ID) int
	// SlotOfToken returns the slot of a ClientRequestToken of the account
	// that the access key belongs to; false for a key that is not known.
	SlotOfToken func(accessKey, token string) (slot int, ok bool)

	Local       http.Handler // both doors and the pages
	Unavailable http.Handler // answers 503 with Retry-After in the wire form of the request's door

	TLS      *tls.Config   // for the way to other nodes; nil for none, on loopback only
	Patience time.Duration // how long a request waits for its slot's owner; default 20 s
	Poll     time.Duration // between two looks at who owns a slot; default 50 ms
	Logger   *slog.Logger  // default: discard
}

// Router is a handler for the port that callers use, and by its Inner handler
// for the one that nodes use.
type Router struct {
	cfg       Config
	transport *http.Transport
}

// New returns a Router.
func New(cfg Config) *Router {
	cfg.Patience = cmp.Or(cfg.Patience, 20*time.Second)
	cfg.Poll = cmp.Or(cfg.Poll, 50*time.Millisecond)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	return &Router{cfg: cfg, transport: &http.Transport{
		TLSClientConfig:     cfg.TLS,
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // bodies and their encodings belong to the two ends
	}}
}

// Close lets go of idle connections to other nodes.
func (r *Router) Close() { r.transport.CloseIdleConnections() }

// Headers between nodes. They are taken away from what callers send.
const (
	clientHeader   = "Carillon-Client"    // the caller's address, as the first node saw it
	notOwnerHeader = "Carillon-Not-Owner" // set on the answer of a node that does not own the slot
)

// ServeHTTP serves a caller's request here or at its slot's owner.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	req.Header.Del(clientHeader)
	slot, ok := r.slotOf(req)
	if !ok {
		r.cfg.Local.ServeHTTP(w, req)
		return
	}
	if r.cfg.Owners.Holds(slot) { // without waiting, and the body as it arrives
		r.cfg.Local.ServeHTTP(w, req)
		return
	}
	body, err := keepBody(req)
	if err != nil {
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	if len(body) == maxPeek {
		r.cfg.Local.ServeHTTP(w, req) // the door refuses it
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), r.cfg.Patience)
	defer cancel()
	for {
		if r.cfg.Owners.Holds(slot) {
			r.cfg.Local.ServeHTTP(w, req)
			return
		}
		if address, known := r.cfg.Owners.Owner(slot); known && r.forward(w, req, body, address) {
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
// is served on must admit nobody else.
func (r *Router) Inner() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if client := req.Header.Get(clientHeader); client != "" {
			req.RemoteAddr = client
		}
		req.Header.Del(clientHeader)
		if slot, ok := r.slotOf(req); ok && !r.cfg.Owners.Holds(slot) {
			w.Header().Set(notOwnerHeader, "1")
			w.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		r.cfg.Local.ServeHTTP(w, req)
	})
}

var errNotOwner = errors.New("route: the node does not own the slot")

// forward passes the request on and reports whether it was answered. When it
// was not, nothing was written and nothing was done: it may be sent again.
func (r *Router) forward(w http.ResponseWriter, req *http.Request, body []byte, address string) (answered bool) {
	answered = true
	proxy := &httputil.ReverseProxy{
		Transport:     r.transport,
		FlushInterval: -1, // event streams
		Rewrite: func(p *httputil.ProxyRequest) {
			r.rewrite(p, address)
			if body != nil {
				p.Out.Body = io.NopCloser(bytes.NewReader(body))
			}
		},
		ModifyResponse: func(a *http.Response) error {
			if a.Header.Get(notOwnerHeader) != "" {
				return errNotOwner
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			switch {
			case req.Context().Err() != nil: // the caller has gone
			case errors.Is(err, errNotOwner), req.Method == http.MethodGet, isDial(err):
				answered = false
			default:
				// It may have been done: only the caller knows whether doing it
				// twice is harmless.
				r.cfg.Logger.Info("a slot's owner did not answer", "owner", address, "err", err)
				r.cfg.Unavailable.ServeHTTP(w, req)
			}
		},
		ErrorLog: slog.NewLogLogger(r.cfg.Logger.Handler(), slog.LevelDebug),
	}
	proxy.ServeHTTP(w, req)
	return answered
}

// isDial tells whether an attempt failed before there was a connection.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// rewrite makes the outgoing request what the caller sent, byte for byte where
// a signature may cover it.
func (r *Router) rewrite(p *httputil.ProxyRequest, address string) {
	scheme := "http"
	if r.cfg.TLS != nil {
		scheme = "https"
	}
	path, query, _ := strings.Cut(p.In.RequestURI, "?")
	p.Out.URL = &url.URL{Scheme: scheme, Host: address, Opaque: path, RawQuery: query}
	if strings.HasPrefix(path, "//") { // an opaque part would be taken for a host
		p.Out.URL.Opaque, p.Out.URL.Path, p.Out.URL.RawPath = "", p.In.URL.Path, p.In.URL.RawPath
	}
	p.Out.Host = p.In.Host
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values := p.In.Header[name]; values != nil {
			p.Out.Header[name] = values
		}
	}
	p.Out.Header.Set(clientHeader, p.In.RemoteAddr)
}
