package route

import (
	"bufio"
	"net"
	"net/http"
	"strings"
)

// guarded is the answer to a request on a slot that was held when the request
// came. It leaves only if the slot is still this node's when it begins, which is
// after everything it tells was read: so none comes from a former owner. Event
// streams, which go on, end when the slot has gone.
type guarded struct {
	http.ResponseWriter
	answers func() bool
	refuse  func(http.ResponseWriter) // answers instead

	begun, refused, hijacked bool
}

// serve has the handler answer.
func (g *guarded) serve(h http.Handler, req *http.Request) {
	h.ServeHTTP(g, req)
	if !g.begun && !g.hijacked {
		g.WriteHeader(http.StatusOK)
	}
}

// WriteHeader implements http.ResponseWriter.
func (g *guarded) WriteHeader(status int) {
	if g.begun || status < http.StatusOK {
		if !g.refused {
			g.ResponseWriter.WriteHeader(status)
		}
		return
	}
	g.begun = true
	if g.answers() {
		g.ResponseWriter.WriteHeader(status)
		return
	}
	g.refused = true
	clear(g.Header())
	g.refuse(g.ResponseWriter)
}

// Write implements http.ResponseWriter.
func (g *guarded) Write(p []byte) (int, error) {
	if !g.begun {
		g.WriteHeader(http.StatusOK)
	}
	switch {
	case g.refused:
		return len(p), nil
	case g.stream() && !g.answers():
		return 0, errNotOwner
	}
	return g.ResponseWriter.Write(p)
}

func (g *guarded) stream() bool {
	return strings.HasPrefix(g.Header().Get("Content-Type"), "text/event-stream")
}

// FlushError is what http.ResponseController looks for.
func (g *guarded) FlushError() error {
	if !g.begun {
		g.WriteHeader(http.StatusOK)
	}
	if g.refused {
		return nil
	}
	return http.NewResponseController(g.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker. A connection that is taken over has its
// answer written by its handler at once.
func (g *guarded) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !g.answers() {
		return nil, nil, errNotOwner
	}
	g.hijacked = true
	return http.NewResponseController(g.ResponseWriter).Hijack()
}

// Unwrap leads http.ResponseController to deadlines.
func (g *guarded) Unwrap() http.ResponseWriter { return g.ResponseWriter }
