package turn

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/carillon-meetings/carillon/internal/strangers"
)

// writeTimeout is how long a client may keep its end of a connection full.
const writeTimeout = 10 * time.Second

// acceptPause is how long a listener waits that could not accept: there are no
// file descriptors until others close theirs.
const acceptPause = 50 * time.Millisecond

// isRefused reports the error a connected UDP socket gives after its peer's
// machine said that nobody listens.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// boundedListener accepts a limited number of connections at a time, ends
// those that fall silent or do not show whose they are, and can close all that
// are left: the protocol server on top of it closes a connection only after
// reading an error from it.
type boundedListener struct {
	net.Listener
	tls         *tls.Config   // nil for plain TCP
	idle, prove time.Duration // Config.IdleTimeout, Config.ProveTimeout
	free        chan struct{} // one element per connection still allowed

	mu       sync.Mutex
	open     map[string]*boundedConn       // by the address of the client
	unproven strangers.Queue[*boundedConn] // those of open without an allocation so far
	done     chan struct{}                 // closed by closeConns
	ended    bool
}

func newBoundedListener(inner net.Listener, conf *tls.Config, cfg *Config) *boundedListener {
	return &boundedListener{
		Listener: inner, tls: conf, idle: cfg.IdleTimeout, prove: cfg.ProveTimeout, free: make(chan struct{}, cfg.MaxConns),
		open: make(map[string]*boundedConn), done: make(chan struct{}),
	}
}

// Accept waits for a connection, and before that for one of the limited number
// to end. The TLS handshake is left to the first read, so that it holds up
// nobody else and fails like any other silent connection. Where there are too
// many strangers, the oldest of them is closed.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.acceptOne()
	if err != nil {
		<-l.free
		return nil, err
	}
	if l.tls != nil {
		conn = tls.Server(conn, l.tls)
	}
	bounded := &boundedConn{Conn: conn, listener: l, proveBy: time.Now().Add(l.prove)}
	oldest, surplus, err := l.adopt(bounded)
	if surplus {
		_ = oldest.Close()
	}
	if err != nil {
		_ = conn.Close()
		<-l.free
		return nil, err
	}
	return bounded, nil
}

// acceptOne goes on after errors: the protocol server takes one for the end of
// the port.
func (l *boundedListener) acceptOne() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		select {
		case <-time.After(acceptPause):
		case <-l.done:
			return nil, net.ErrClosed
		}
	}
}

// adopt takes in a new connection, and returns the one that has to go for it.
func (l *boundedListener) adopt(c *boundedConn) (oldest *boundedConn, surplus bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, false, net.ErrClosed
	}
	l.open[c.RemoteAddr().String()] = c
	var from netip.Addr
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		from = tcp.AddrPort().Addr()
	}
	oldest, surplus = l.unproven.Add(c, from)
	return oldest, surplus, nil
}

// keep says that the client at an address has an allocation: its connection is
// no stranger's.
func (l *boundedListener) keep(client net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.open[client.String()]; c != nil && l.unproven.Remove(c) {
		c.proven.Store(true)
	}
}

// closeConns ends every connection that is still open.
func (l *boundedListener) closeConns() {
	l.mu.Lock()
	l.ended = true
	rest := make([]*boundedConn, 0, len(l.open))
	for _, c := range l.open {
		rest = append(rest, c)
	}
	l.mu.Unlock()
	close(l.done)
	for _, c := range rest {
		c.Close()
	}
}

// boundedConn is one accepted connection.
type boundedConn struct {
	net.Conn
	listener *boundedListener
	proveBy  time.Time
	proven   atomic.Bool
	closed   sync.Once
}

// Read fails when nothing arrives for the idle time, and at the latest when a
// stranger's time to get an allocation is over.
func (c *boundedConn) Read(p []byte) (int, error) {
	by := time.Now().Add(c.listener.idle)
	if !c.proven.Load() && c.proveBy.Before(by) {
		by = c.proveBy
	}
	if err := c.SetReadDeadline(by); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write fails when the other end has not read for a while: media that cannot
// be delivered now is not worth waiting for.
func (c *boundedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close closes the connection and lets another one in.
func (c *boundedConn) Close() error {
	err := net.ErrClosed
	c.closed.Do(func() {
		err = c.Conn.Close()
		c.listener.mu.Lock()
		delete(c.listener.open, c.RemoteAddr().String())
		c.listener.unproven.Remove(c)
		c.listener.mu.Unlock()
		<-c.listener.free
	})
	return err
}
