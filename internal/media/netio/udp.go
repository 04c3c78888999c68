package netio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Pair is the two addresses of a candidate pair (RFC 8445 §2): the client's, and
// the one of this machine that it uses. Local is the zero Addr where the socket
// is bound to one address, so that there is no choice.
type Pair struct {
	Remote netip.AddrPort
	Local  netip.Addr
}

// Sender sends to the remote address of a pair by one socket.
type Sender struct {
	Pair
	socket *Socket
	name   sockaddr

	// One flush's chain of datagrams to here; guarded by socket.sendMu.
	round uint64
	tail  int32
}

// Handler receives what arrives on a socket. Each socket calls its handler
// from one goroutine of its own.
type Handler interface {
	// Datagram delivers one datagram. pkt may be changed in place but is
	// valid only during the call. at is when the batch was read.
	Datagram(s *Socket, from Pair, pkt []byte, at time.Time)
	// BatchEnd follows the last datagram that was waiting.
	BatchEnd()
}

// UDP is one port, read by one or more sockets between which the kernel
// spreads the clients.
type UDP struct {
	sockets []*Socket
	wg      sync.WaitGroup
}

// Socket is one of the sockets of a port. Answers to a client go out by the
// socket its datagrams came in by. Safe for concurrent use.
type Socket struct {
	system
	local netip.AddrPort
	// wildcard sockets must name the local address of what they send.
	wildcard bool
	// inet6 says which kind of socket address the kernel wants.
	inet6 bool

	mu    sync.Mutex
	queue []*Buffer // waiting for Flush; guarded by mu

	again  atomic.Bool // somebody has queued more and left it to the flushing call
	sendMu sync.Mutex
	spare  []*Buffer   // the queue's other half; guarded by sendMu
	tx     transmitter // guarded by sendMu

	received, reads         atomic.Uint64
	sent, sendErrors, calls atomic.Uint64
}

// Counters of a port, from its start.
type Counters struct {
	Received   uint64 // datagrams read
	Reads      uint64 // system calls that read them
	Sent       uint64 // datagrams handed to the kernel
	SendErrors uint64 // datagrams the kernel would not take
	Calls      uint64 // system calls that sent them
}

// queueLimit is how many datagrams a socket gathers before it sends without
// being asked.
const queueLimit = 512

// socketBuffer is asked of the kernel for both directions, in bytes: a key
// frame to fifty viewers is two megabytes at once.
const socketBuffer = 4 << 20

// ListenUDP opens the port at addr ("host:port"; no host for every address, of
// both families where the machine has both) with the given number of sockets,
// at least one.
func ListenUDP(addr string, sockets int) (*UDP, error) {
	u := &UDP{}
	for i := range max(1, sockets) {
		s, err := listenSocket(addr, sockets > 1, i == 0)
		if err != nil {
			u.Close()
			return nil, fmt.Errorf("listen on udp %s: %w", addr, err)
		}
		u.sockets = append(u.sockets, s)
		addr = s.local.String()
	}
	return u, nil
}

// listenSocket binds one socket. Sharing a port must be asked of the kernel,
// and then a second server on the same port would not be noticed; so the first
// of several sockets is tried without sharing before.
func listenSocket(addr string, shared, first bool) (*Socket, error) {
	if shared && first {
		probe, err := net.ListenPacket("udp", addr)
		if err != nil {
			return nil, err
		}
		addr = probe.LocalAddr().String()
		if err := probe.Close(); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{}
	if shared {
		lc.Control = func(_, _ string, c syscall.RawConn) error { return sharePort(c) }
	}
	pc, err := lc.ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		return nil, err
	}
	return newSocket(pc.(*net.UDPConn))
}

func newSocket(conn *net.UDPConn) (*Socket, error) {
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	s := &Socket{
		local:    local,
		wildcard: local.Addr().IsUnspecified(),
		inet6:    local.Addr().Is6(),
		queue:    make([]*Buffer, 0, queueLimit),
		spare:    make([]*Buffer, 0, queueLimit),
	}
	// Smaller buffers than asked for still work: the kernel has its limits.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	if err := s.prepare(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// Serve starts reading; handler gives each socket its own. It returns at once;
// Close ends it.
func (u *UDP) Serve(handler func() Handler) {
	for _, s := range u.sockets {
		u.wg.Go(func() { s.serve(handler()) })
	}
}

// Port is the port's number.
func (u *UDP) Port() int { return int(u.sockets[0].local.Port()) }

// Addr is the address the port is bound to; unspecified for every address.
func (u *UDP) Addr() netip.Addr { return u.sockets[0].local.Addr() }

// Flush sends what is queued on every socket. Where somebody is at it already,
// that call is made to go on with what has come since, and Flush does not wait
// for it.
func (u *UDP) Flush() {
	for _, s := range u.sockets {
		s.flushOrLeave()
	}
}

// Counters adds up the sockets' counters.
func (u *UDP) Counters() Counters {
	var c Counters
	for _, s := range u.sockets {
		c.Received += s.received.Load()
		c.Reads += s.reads.Load()
		c.Sent += s.sent.Load()
		c.SendErrors += s.sendErrors.Load()
		c.Calls += s.calls.Load()
	}
	return c
}

// Close closes the port and waits until the handlers have returned. What is
// sent afterwards is lost.
func (u *UDP) Close() error {
	for _, s := range u.sockets {
		s.stopServing()
	}
	u.wg.Wait()
	var errs []error
	for _, s := range u.sockets {
		s.sendMu.Lock()
		errs = append(errs, s.releaseLocked())
		s.sendMu.Unlock()
	}
	return errors.Join(errs...)
}

// Sender prepares sending to a pair's remote address. Keep it as long as the
// pair is in use: a new one costs an allocation.
func (s *Socket) Sender(to Pair) *Sender {
	d := &Sender{Pair: to, socket: s}
	d.name.set(to.Remote, s.inet6)
	return d
}

// Send queues the datagram in b and takes b over. It goes out with the next
// Flush of the socket, or earlier when much is waiting.
func (d *Sender) Send(b *Buffer) {
	s := d.socket
	b.to = d
	s.mu.Lock()
	s.queue = append(s.queue, b)
	full := len(s.queue) >= queueLimit
	s.mu.Unlock()
	if full {
		s.Flush()
	}
}

// Flush sends what is queued on the socket.
func (d *Sender) Flush() { d.socket.Flush() }

// Flush hands everything queued to the kernel, in order. When it returns, all
// that was queued before has been handed over.
func (s *Socket) Flush() {
	s.sendMu.Lock()
	s.again.Store(false)
	s.flushLocked()
	s.sendMu.Unlock()
	if s.again.Load() {
		s.flushOrLeave()
	}
}

// flushOrLeave flushes, or leaves it to the call that is flushing now.
func (s *Socket) flushOrLeave() {
	for s.waiting() {
		if !s.sendMu.TryLock() {
			s.again.Store(true)
			// The other call may have looked at again just before.
			if !s.sendMu.TryLock() {
				return
			}
		}
		s.again.Store(false)
		s.flushLocked()
		s.sendMu.Unlock()
		if !s.again.Load() {
			return
		}
	}
}

func (s *Socket) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0
}

// flushLocked sends the queue. It needs sendMu.
func (s *Socket) flushLocked() {
	s.mu.Lock()
	queue := s.queue
	s.queue = s.spare[:0]
	s.mu.Unlock()
	if len(queue) > 0 {
		s.transmitLocked(queue)
		for i, b := range queue {
			b.Release()
			queue[i] = nil
		}
	}
	s.spare = queue[:0]
}
