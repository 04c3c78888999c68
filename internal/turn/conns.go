package turn

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// writeTimeout is how long a client may keep its end of a connection full.
const writeTimeout = 10 * time.Second

// isRefused reports the error a connected UDP socket gives after its peer's
// machine said that nobody listens.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// boundedListener accepts a limited number of connections at a time, ends
// those that fall silent, and can close all that are left: the protocol server
// on top of it closes a connection only after reading an error from it.
type boundedListener struct {
	net.Listener
	tls  *tls.Config // nil for plain TCP
	idle time.Duration
	free chan struct{} // one element per connection still allowed

	mu    sync.Mutex
	open  map[*boundedConn]struct{}
	done  chan struct{} // closed by closeConns
	ended bool
}

func newBoundedListener(inner net.Listener, conf *tls.Config, limit int, idle time.Duration) *boundedListener {
	return &boundedListener{
		Listener: inner, tls: conf, idle: idle, free: make(chan struct{}, limit),
		open: make(map[*boundedConn]struct{}), done: make(chan struct{}),
	}
}

// Accept waits for a connection, and before that for one of the limited number
// to end. The TLS handshake is left to the first read, so that it holds up
// nobody else and fails like any other silent connection.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	if l.tls != nil {
		conn = tls.Server(conn, l.tls)
	}
	bounded := &boundedConn{Conn: conn, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		conn.Close()
		<-l.free
		return nil, net.ErrClosed
	}
	l.open[bounded] = struct{}{}
	return bounded, nil
}

// closeConns ends every connection that is still open.
func (l *boundedListener) closeConns() {
	l.mu.Lock()
	l.ended = true
	rest := make([]*boundedConn, 0, len(l.open))
	for c := range l.open {
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
	closed   sync.Once
}

// Read fails when nothing arrives for the idle time.
func (c *boundedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.listener.idle)); err != nil {
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
		delete(c.listener.open, c)
		c.listener.mu.Unlock()
		<-c.listener.free
	})
	return err
}
