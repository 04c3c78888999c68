//go:build linux && (amd64 || arm64)

package netio

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readBatch is how many datagrams one system call may deliver.
const readBatch = 64

// controlSize holds a packet info and either a segment size or a time.
const controlSize = 80

// message is the kernel's struct mmsghdr.
type message struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// sockaddr is a socket address as the kernel reads and writes it: family in
// native byte order, port in network order, then the address.
type sockaddr struct {
	raw [unix.SizeofSockaddrInet6]byte
	len uint32
}

// The kernel reads and writes these structures by offset, so that a field that
// moves must not compile: struct mmsghdr, and what it points to.
var (
	_ [64]byte = [unsafe.Sizeof(message{})]byte{}
	_ [56]byte = [unsafe.Offsetof(message{}.n)]byte{}
	_ [16]byte = [unsafe.Sizeof(unix.Iovec{})]byte{}
	_ [16]byte = [unsafe.Sizeof(unix.Cmsghdr{})]byte{}
	_ [16]byte = [unsafe.Sizeof(unix.Timespec{})]byte{}
	_ [28]byte = sockaddr{}.raw
)

// set writes an address in the family of the socket that will use it.
func (a *sockaddr) set(to netip.AddrPort, inet6 bool) {
	clear(a.raw[:])
	binary.BigEndian.PutUint16(a.raw[2:], to.Port())
	if !inet6 {
		binary.NativeEndian.PutUint16(a.raw[:], unix.AF_INET)
		ip := to.Addr().Unmap().As4()
		copy(a.raw[4:], ip[:])
		a.len = unix.SizeofSockaddrInet4
		return
	}
	binary.NativeEndian.PutUint16(a.raw[:], unix.AF_INET6)
	ip := to.Addr().As16()
	copy(a.raw[8:], ip[:])
	if zone, err := strconv.ParseUint(to.Addr().Zone(), 10, 32); err == nil {
		binary.NativeEndian.PutUint32(a.raw[24:], uint32(zone))
	}
	a.len = unix.SizeofSockaddrInet6
}

// get reads an address; the zone of a link-local one is its interface number.
func (a *sockaddr) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(a.raw[2:])
	if binary.NativeEndian.Uint16(a.raw[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a.raw[4:8])), port)
	}
	ip := netip.AddrFrom16([16]byte(a.raw[8:24])).Unmap()
	if zone := binary.NativeEndian.Uint32(a.raw[24:]); zone != 0 && ip.Is6() {
		ip = ip.WithZone(strconv.FormatUint(uint64(zone), 10))
	}
	return netip.AddrPortFrom(ip, port)
}

// sharePort lets several sockets bind one port.
func sharePort(c syscall.RawConn) error {
	return control(c, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
}

func control(c syscall.RawConn, fn func(fd int) error) error {
	var inner error
	if err := c.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// system is what a Socket is to the operating system: a descriptor of our own,
// which the runtime's poller does not watch. It would wake a thread for each
// datagram that arrives, also when nobody waits for it (see pacer).
type system struct {
	fd      int // -1 once released; guarded by sendMu
	closing atomic.Bool
}

// prepare takes the socket over from conn, asks for what it needs to know of
// arriving datagrams and finds out whether the kernel can segment.
func (s *Socket) prepare(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	err = control(raw, func(fd int) (err error) {
		s.tx.segment = unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 0) == nil
		// Without it, arrival is when the datagram is read.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		switch {
		case s.wildcard && s.inet6:
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		case s.wildcard:
			err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
		if err == nil {
			s.fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("socket options: %w", err)
	}
	s.tx.init(s)
	return conn.Close()
}

// stopServing ends serve, which may be waiting. Linux wakes those who wait on an
// unconnected socket too, though it says ENOTCONN.
func (s *system) stopServing() {
	s.closing.Store(true)
	_ = unix.Shutdown(s.fd, unix.SHUT_RDWR)
}

// releaseLocked closes the descriptor, once serve has ended. It needs sendMu.
func (s *system) releaseLocked() error {
	fd := s.fd
	s.fd = -1
	return unix.Close(fd)
}

// receiver is the memory of one batch of reads.
type receiver struct {
	messages [readBatch]message
	vectors  [readBatch]unix.Iovec
	names    [readBatch]sockaddr
	controls [readBatch][controlSize]byte
	data     [readBatch][BufferSize]byte
	n        int
}

func (s *Socket) serve(h Handler) {
	r := new(receiver)
	var pace pacer
	for !s.closing.Load() {
		if !pace.busy() && !s.poll(unix.POLLIN, -1) {
			continue
		}
		r.arm()
		r.read(s.fd)
		now := time.Now()
		wall := now.UnixNano()
		for i := range r.n {
			if m := &r.messages[i]; m.hdr.Flags&unix.MSG_TRUNC == 0 {
				local, stamp := r.ancillary(i)
				from := Pair{Remote: r.names[i].get(), Local: local}
				h.Datagram(s, from, r.data[i][:m.n], arrival(now, wall, stamp))
			}
		}
		s.received.Add(uint64(r.n))
		s.reads.Add(1)
		if r.n > 0 {
			h.BatchEnd()
		}
		pace.read(r.n, now)
		if r.n < readBatch && pace.busy() {
			time.Sleep(gather)
		}
	}
}

// poll waits until one of the events may have come, at most for timeout in ms
// unless it is negative. false is no more than a hint to look again.
func (s *system) poll(events int16, timeout int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: events}}, timeout)
	return err == nil && n > 0
}

// arrival is when the kernel got a datagram, given its clock's reading then. A
// clock that was set meanwhile is not believed.
func arrival(now time.Time, wall, stamp int64) time.Time {
	if ago := time.Duration(wall - stamp); stamp != 0 && ago > 0 && ago < time.Second {
		return now.Add(-ago)
	}
	return now
}

// arm resets what the kernel overwrote.
func (r *receiver) arm() {
	for i := range r.messages {
		r.vectors[i].Base = &r.data[i][0]
		r.vectors[i].SetLen(BufferSize)
		hdr := &r.messages[i].hdr
		hdr.Name = &r.names[i].raw[0]
		hdr.Namelen = unix.SizeofSockaddrInet6
		hdr.Iov = &r.vectors[i]
		hdr.Iovlen = 1
		hdr.Control = &r.controls[i][0]
		hdr.Controllen = controlSize
	}
}

// read takes what waits; n is 0 if nothing does, or for the ICMP error of some
// earlier datagram. The call does not block, so the scheduler need not be told:
// its watching of system calls costs more than a reading.
func (r *receiver) read(fd int) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.messages[0])),
		readBatch, unix.MSG_DONTWAIT, 0, 0)
	r.n = int(n)
	if errno != 0 {
		r.n = 0
	}
}

// ancillary reads what the kernel says of message i: the address of this machine
// that it was sent to (zero if the socket has only one), and when it arrived, in
// nanoseconds of the wall clock (0 unknown).
func (r *receiver) ancillary(i int) (local netip.Addr, stamp int64) {
	left := r.controls[i][:min(r.messages[i].hdr.Controllen, controlSize)]
	for len(left) >= unix.SizeofCmsghdr {
		hdr := (*unix.Cmsghdr)(unsafe.Pointer(&left[0]))
		body := left[unix.SizeofCmsghdr:]
		if hdr.Len < unix.SizeofCmsghdr || hdr.Len > uint64(len(left)) {
			break
		}
		switch {
		case hdr.Level == unix.IPPROTO_IP && hdr.Type == unix.IP_PKTINFO:
			local = netip.AddrFrom4([4]byte(body[4:8]))
		case hdr.Level == unix.IPPROTO_IPV6 && hdr.Type == unix.IPV6_PKTINFO:
			local = netip.AddrFrom16([16]byte(body[:16])).Unmap()
		case hdr.Level == unix.SOL_SOCKET && hdr.Type == unix.SO_TIMESTAMPNS:
			stamp = (*unix.Timespec)(unsafe.Pointer(&body[0])).Nano()
		}
		left = left[min(len(left), unix.CmsgSpace(int(hdr.Len)-unix.SizeofCmsghdr)):]
	}
	return local, stamp
}
