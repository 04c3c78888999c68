//go:build !linux || (!amd64 && !arm64)

package netio

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// system is what a Socket is to the operating system.
type system struct{ conn *net.UDPConn }

func (s *system) stopServing() { _ = s.conn.Close() }

func (s *system) releaseLocked() error { return nil }

// sockaddr is not needed: the standard library makes its own.
type sockaddr struct{}

func (*sockaddr) set(netip.AddrPort, bool) {}

// transmitter needs no state where datagrams go out one by one.
type transmitter struct{}

func sharePort(syscall.RawConn) error {
	return errors.New("several sockets on one port need Linux")
}

func (s *Socket) prepare(conn *net.UDPConn) error {
	s.conn = conn
	return nil
}

func (s *Socket) serve(h Handler) {
	buf := make([]byte, BufferSize)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of some earlier datagram
		}
		s.received.Add(1)
		s.reads.Add(1)
		h.Datagram(s, Pair{Remote: unmap(from)}, buf[:n], time.Now())
		h.BatchEnd()
	}
}

func (s *Socket) transmitLocked(queue []*Buffer) {
	for _, b := range queue {
		s.calls.Add(1)
		if _, err := s.conn.WriteToUDPAddrPort(b.Bytes(), b.to.Remote); err != nil {
			s.sendErrors.Add(1)
			continue
		}
		s.sent.Add(1)
	}
}
