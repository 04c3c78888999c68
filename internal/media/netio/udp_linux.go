//go:build linux && (amd64 || arm64)

package netio

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readBatch is how many datagrams one system call may deliver.
const readBatch = 64

// controlSize holds a packet info and a segment size control message.
const controlSize = 64

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

// prepare asks for what the socket needs to know of arriving datagrams and
// finds out whether the kernel can segment.
func (s *Socket) prepare() error {
	err := control(s.raw, func(fd int) error {
		s.tx.segment = unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 0) == nil
		if !s.wildcard {
			return nil
		}
		if !s.inet6 {
			return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	})
	if err != nil {
		return fmt.Errorf("socket options: %w", err)
	}
	s.tx.init(s)
	return nil
}

// receiver is the memory of one batch of reads.
type receiver struct {
	messages [readBatch]message
	vectors  [readBatch]unix.Iovec
	names    [readBatch]sockaddr
	controls [readBatch][controlSize]byte
	data     [readBatch][BufferSize]byte
	n        int
	err      error
}

func (s *Socket) serve(h Handler) {
	r := new(receiver)
	read := r.read // once: a method value is an allocation
	for {
		r.arm(s.wildcard)
		if err := s.raw.Read(read); err != nil {
			return // closed
		}
		if r.err != nil {
			continue // an ICMP error of some earlier datagram
		}
		now := time.Now()
		for i := range r.n {
			if m := &r.messages[i]; m.hdr.Flags&unix.MSG_TRUNC == 0 {
				from := Endpoint{Remote: r.names[i].get(), Local: r.local(i)}
				h.Datagram(s, from, r.data[i][:m.n], now)
			}
		}
		h.BatchEnd()
	}
}

// arm resets what the kernel overwrote.
func (r *receiver) arm(withControl bool) {
	for i := range r.messages {
		r.vectors[i].Base = &r.data[i][0]
		r.vectors[i].SetLen(BufferSize)
		hdr := &r.messages[i].hdr
		hdr.Name = &r.names[i].raw[0]
		hdr.Namelen = unix.SizeofSockaddrInet6
		hdr.Iov = &r.vectors[i]
		hdr.Iovlen = 1
		if withControl {
			hdr.Control = &r.controls[i][0]
			hdr.Controllen = controlSize
		}
	}
}

// read is called when the socket may be readable; false waits again.
func (r *receiver) read(fd uintptr) bool {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])),
		readBatch, unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return false
	}
	r.n, r.err = int(n), nil
	if errno != 0 {
		r.n, r.err = 0, errno
	}
	return true
}

// local is the address of this machine that message i was sent to.
func (r *receiver) local(i int) netip.Addr {
	left := r.controls[i][:r.messages[i].hdr.Controllen]
	for len(left) >= unix.SizeofCmsghdr {
		hdr := (*unix.Cmsghdr)(unsafe.Pointer(&left[0]))
		body := left[unix.SizeofCmsghdr:]
		if hdr.Len < unix.SizeofCmsghdr || hdr.Len > uint64(len(left)) {
			break
		}
		switch {
		case hdr.Level == unix.IPPROTO_IP && hdr.Type == unix.IP_PKTINFO:
			return netip.AddrFrom4([4]byte(body[4:8]))
		case hdr.Level == unix.IPPROTO_IPV6 && hdr.Type == unix.IPV6_PKTINFO:
			return netip.AddrFrom16([16]byte(body[:16])).Unmap()
		}
		left = left[min(len(left), unix.CmsgSpace(int(hdr.Len)-unix.SizeofCmsghdr)):]
	}
	return netip.Addr{}
}
