package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/carillon-meetings/carillon/internal/api"
)

// innerHost is the name the demo backend calls the API by. Nothing resolves
// it: connections to it stay inside the process.
const innerHost = "api.carillon.internal"

// innerDoor lets code of this process call the API as any customer would, over
// HTTP and signed, without a network port and whatever certificate the real
// port has.
type innerDoor struct {
	api    *api.Server
	server *http.Server
	pipes  pipeListener
	served chan error
}

// newInnerDoor opens a door to the API; handler is what is in front of it.
func newInnerDoor(api *api.Server, handler http.Handler) *innerDoor {
	d := &innerDoor{
		api:    api,
		server: &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout},
		pipes:  pipeListener{incoming: make(chan net.Conn), closed: make(chan struct{})},
		served: make(chan error, 1),
	}
	go func() { d.served <- d.server.Serve(&d.pipes) }()
	return d
}

// client returns an HTTP client all of whose connections lead to the door.
func (d *innerDoor) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.pipes.dial(ctx) },
	}}
}

// Close ends the door's connections and waits for it.
func (d *innerDoor) Close() error {
	err := d.server.Close()
	return errors.Join(err, ignoreClosed(<-d.served))
}

// pipeListener is a net.Listener whose connections are in-memory pipes.
type pipeListener struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.incoming <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the far end of the next dialled pipe.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and dial fail from now on.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns a placeholder: a pipe has no address.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

// Network returns "pipe".
func (pipeAddr) Network() string { return "pipe" }

// String returns the name the demo backend uses.
func (pipeAddr) String() string { return innerHost }
