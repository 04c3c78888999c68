package route

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/tracing"
)

var (
	errNotOwner  = errors.New("route: the node does not own the slot")
	errOwnerGone = errors.New("route: the slot has another owner")
)

// forward passes the request on and reports whether it was answered. When it
// was not, nothing was written and nothing was done: it may be sent again.
func (r *Router) forward(w http.ResponseWriter, req *http.Request, body []byte, slot int, address string) (answered bool) {
	answered = true
	span, below := r.cfg.Tracer.Forward("forward", tracing.FromRequest(req), time.Now())
	span.Add(tracing.Text("carillon.owner", address))
	defer span.Done(nil)
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	sent := &sending{slot: slot, owner: address, again: req.Method == http.MethodGet}
	go r.watch(ctx, cancel, sent)
	proxy := &httputil.ReverseProxy{
		Transport:     r.transport,
		FlushInterval: -1, // event streams
		Rewrite: func(p *httputil.ProxyRequest) {
			r.rewrite(p, address)
			if below != "" {
				p.Out.Header.Set(traceHeader, below)
			}
			if body != nil {
				p.Out.Body = io.NopCloser(bytes.NewReader(body))
			}
		},
		ModifyResponse: func(a *http.Response) error {
			if a.Header.Get(notOwnerHeader) != "" {
				return errNotOwner
			}
			sent.answered.Store(true)
			span.Done(nil) // what is sent from now on, by a connection too, is the owner's
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			span.Fail("")
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
	proxy.ServeHTTP(final{w}, req.WithContext(ctx))
	return answered
}

// final keeps an owner's 100 Continue from the caller, who has had one from here.
type final struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (f final) WriteHeader(status int) {
	if status != http.StatusContinue {
		f.ResponseWriter.WriteHeader(status)
	}
}

// Unwrap leads http.ResponseController to the rest.
func (f final) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// sending is a request that was passed on to the owner of its slot.
type sending struct {
	slot     int
	owner    string // its address
	again    bool   // it may be sent again
	answered atomic.Bool
}

// watch ends a request at an owner that has lost the slot some time ago. One
// that died or froze without a word would keep its caller waiting. What may be
// sent again, and has no answer yet, has nothing to wait for there.
func (r *Router) watch(ctx context.Context, end context.CancelCauseFunc, s *sending) {
	var since time.Time // since when the slot has been elsewhere
	for {
		look, patience := r.cfg.Farewell/2, r.cfg.Farewell
		if !s.answered.Load() {
			look = min(lookAgain*r.cfg.Poll, look)
			if s.again {
				patience = look
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
		now, known := r.cfg.Owners.Owner(s.slot)
		switch moved := r.cfg.Owners.Holds(s.slot) || known && now != s.owner; {
		case !moved:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= patience:
			end(errOwnerGone)
			return
		}
	}
}

// lookAgain is how many Polls pass between two looks at the owner of a slot
// while a request is there.
const lookAgain = 4

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
