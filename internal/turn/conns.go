package turn

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
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
	bounded := &boundedConn{Conn: conn, listener: l, in: bufio.NewReaderSize(conn, maxFrame), proveBy: time.Now().Add(l.prove)}
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
	oldest, surplus = l.unproven.Add(c, c.from())
	return oldest, surplus, nil
}

// keep says that the client at an address, connected to the server's, has an
// allocation: its connection is no stranger's.
func (l *boundedListener) keep(client, server net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.find(client, server); c != nil && l.unproven.Remove(c) {
		c.prove(time.Time{})
	}
}

// doubt says that the client's allocation has ended: until it has another one its
// connection is a stranger's again. Connections would else be had for the asking,
// as an attendee's allocations are counted but not what is left of them.
func (l *boundedListener) doubt(client, server net.Addr) {
	l.mu.Lock()
	c := l.find(client, server)
	if c == nil {
		l.mu.Unlock()
		return
	}
	l.unproven.Remove(c)
	oldest, surplus := l.unproven.Add(c, c.from())
	l.mu.Unlock()
	c.prove(time.Now().Add(l.prove))
	if surplus {
		_ = oldest.Close()
	}
}

// find returns the open connection between two addresses, nil if there is none.
// A UDP client may be at an address and port that is a TCP client's as well, and
// one may be connected to two listeners. It needs l.mu.
func (l *boundedListener) find(client, server net.Addr) *boundedConn {
	c := l.open[client.String()]
	if c == nil || client.Network() != c.RemoteAddr().Network() || c.LocalAddr().String() != server.String() {
		return nil
	}
	return c
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
	in       *bufio.Reader
	closed   sync.Once

	mu      sync.Mutex
	proveBy time.Time // zero for whoever has an allocation; guarded by mu
}

// from is the client's address; the zero Addr where connections have none.
func (c *boundedConn) from() netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr()
}

// prove sets until when the client has to get an allocation, also for a read that
// is under way; the zero time for one that has.
func (c *boundedConn) prove(by time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proveBy = by
	_ = c.limitLocked() // a closed connection has no reads to end
}

// limitLocked sets the deadline of a read that begins now. It needs mu.
func (c *boundedConn) limitLocked() error {
	by := time.Now().Add(c.listener.idle)
	if !c.proveBy.IsZero() && c.proveBy.Before(by) {
		by = c.proveBy
	}
	return c.SetReadDeadline(by)
}

// Read reads one message. It fails when none arrives for the idle time, and at the
// latest when a stranger's time to get an allocation is over.
func (c *boundedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	err := c.limitLocked()
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return readFrame(c.in, p)
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
