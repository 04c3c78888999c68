//go:build linux && (amd64 || arm64)

package netio

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// sendBatch is how many messages one system call may take.
	sendBatch = 64
	// maxSegments and maxMessage are the kernel's limits for one message that
	// it is to segment.
	maxSegments = 64
	maxMessage  = 65000
	// shortBatch is how many datagrams the kernel takes so fast that the scheduler
	// need not be told.
	shortBatch = 64
	// patience is how long to wait for room in the socket, in ms: what is late
	// is as good as lost.
	patience = 20
)

// transmitter is the memory of one batch of writes. Guarded by the socket's
// sendMu.
type transmitter struct {
	segment bool // the kernel takes several datagrams as one message

	round uint64
	heads []int32 // first datagram of each receiver's chain
	next  []int32 // by datagram: the next one of its chain, or -1

	messages [sendBatch]message
	counts   [sendBatch]int // datagrams in a message
	controls [sendBatch][controlSize]byte
	vectors  [queueLimit]unix.Iovec

	filled, vectorsUsed int
	done                int // messages of this batch already taken or given up

	errno unix.Errno
}

func (t *transmitter) init(s *Socket) {
	t.next = make([]int32, 0, queueLimit)
	t.heads = make([]int32, 0, queueLimit)
}

// transmitLocked sends the queue, under sendMu: it chains the datagrams by receiver, so that runs
// of equal size can leave as one message, and hands the messages over.
func (s *Socket) transmitLocked(queue []*Buffer) {
	t := &s.tx
	t.chain(queue)
	for _, head := range t.heads {
		for i := head; i >= 0; {
			n := t.run(queue, i)
			if t.filled == sendBatch || t.vectorsUsed+n > queueLimit {
				s.sendLocked()
			}
			i = t.fill(s, queue, i, n)
		}
	}
	s.sendLocked()
}

// chain links the datagrams of each receiver in their order.
func (t *transmitter) chain(queue []*Buffer) {
	t.round++
	t.heads, t.next = t.heads[:0], t.next[:0]
	for i, b := range queue {
		t.next = append(t.next, -1)
		if d := b.to; d.round == t.round {
			t.next[d.tail] = int32(i)
		} else {
			d.round = t.round
			t.heads = append(t.heads, int32(i))
		}
		b.to.tail = int32(i)
	}
}

// run counts the datagrams from i on that can leave as one message: all of one
// size, of which only the last may be shorter.
func (t *transmitter) run(queue []*Buffer, i int32) int {
	if !t.segment {
		return 1
	}
	size := queue[i].N
	n, total := 1, size
	for i = t.next[i]; i >= 0 && n < maxSegments; i = t.next[i] {
		if queue[i].N > size || total+queue[i].N > maxMessage {
			break
		}
		n, total = n+1, total+queue[i].N
		if queue[i].N < size {
			break
		}
	}
	return n
}

// fill makes one message of the n datagrams from i on and returns the next.
func (t *transmitter) fill(s *Socket, queue []*Buffer, i int32, n int) int32 {
	m := t.filled
	t.filled++
	t.counts[m] = n
	to := queue[i].to
	hdr := &t.messages[m].hdr
	hdr.Name, hdr.Namelen = &to.name.raw[0], to.name.len
	hdr.Iov = &t.vectors[t.vectorsUsed]
	hdr.SetIovlen(n)
	control := t.controls[m][:0]
	if s.wildcard && to.Local.IsValid() {
		control = appendPacketInfo(control, to.Local, s.inet6)
	}
	if n > 1 {
		control = appendSegmentSize(control, uint16(queue[i].N))
	}
	hdr.Control = nil
	if len(control) > 0 {
		hdr.Control = &control[0]
	}
	hdr.SetControllen(len(control))
	for range n {
		v := &t.vectors[t.vectorsUsed]
		v.Base = &queue[i].B[0]
		v.SetLen(queue[i].N)
		t.vectorsUsed++
		i = t.next[i]
	}
	return i
}

// sendLocked hands the filled messages to the kernel and starts anew.
func (s *Socket) sendLocked() {
	t := &s.tx
	for t.done = 0; t.done < t.filled; {
		s.writeLocked()
		switch t.errno {
		case 0:
		case unix.EINTR, unix.EAGAIN:
			if s.poll(unix.POLLOUT, patience) {
				continue
			}
			fallthrough
		default:
			s.refusedLocked()
			t.done++
		}
	}
	t.filled, t.vectorsUsed = 0, 0
}

// refusedLocked deals with the message the kernel did not take. A device that cannot
// do checksums refuses segmentation (EIO), and then nothing more is joined; a
// way too narrow for a segment refuses it too (EINVAL). In both cases the
// datagrams go out one by one. All else (a way that is gone, a firewall) loses
// them.
func (s *Socket) refusedLocked() {
	t := &s.tx
	m := &t.messages[t.done]
	n := t.counts[t.done]
	if n == 1 || (t.errno != unix.EIO && t.errno != unix.EINVAL) {
		s.sendErrors.Add(uint64(n))
		return
	}
	if t.errno == unix.EIO {
		t.segment = false
	}
	vectors := unsafe.Slice(m.hdr.Iov, n)
	for i := range vectors {
		if s.sendOneLocked(m, &vectors[i]) {
			s.sent.Add(1)
		} else {
			s.sendErrors.Add(1)
		}
	}
}

// sendOneLocked sends one of a message's datagrams by itself.
func (s *Socket) sendOneLocked(m *message, v *unix.Iovec) bool {
	hdr := unix.Msghdr{Name: m.hdr.Name, Namelen: m.hdr.Namelen, Iov: v, Iovlen: 1}
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&hdr)), unix.MSG_DONTWAIT)
	s.calls.Add(1)
	return errno == 0
}

// writeLocked hands over as many of the messages that are left as the kernel takes
// without waiting.
func (s *Socket) writeLocked() {
	t := &s.tx
	n, errno := sendmmsg(s.fd, t.messages[t.done:t.filled], t.vectorsUsed)
	s.calls.Add(1)
	t.errno = errno
	if errno == 0 {
		for _, c := range t.counts[t.done : t.done+n] {
			s.sent.Add(uint64(c))
		}
		t.done += n
	}
}

// sendmmsg sends messages with so many datagrams in all. The call does not block,
// so that for a short batch the scheduler need not be told, as in receiver.read. But
// it takes as long as the kernel's way to the network, and on loopback to the
// receivers: while the scheduler does not know, neither the garbage collector nor
// another goroutine gets this processor (BenchmarkPause). 500 datagrams take
// 0.4 ms; stopping the world beside them took 0.5 to 0.9 ms in the slowest hundredth
// when it was not told, 0.1 ms since. Telling of short ones too costs 7 % more
// processor time where sound goes to 100 listeners.
func sendmmsg(fd int, m []message, datagrams int) (int, unix.Errno) {
	var n uintptr
	var errno unix.Errno
	if first := unsafe.Pointer(&m[0]); datagrams <= shortBatch {
		n, _, errno = unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(first), uintptr(len(m)), unix.MSG_DONTWAIT, 0, 0)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(first), uintptr(len(m)), unix.MSG_DONTWAIT, 0, 0)
	}
	return int(n), errno
}

// appendPacketInfo names the local address to send from.
func appendPacketInfo(c []byte, local netip.Addr, inet6 bool) []byte {
	if !inet6 {
		var info unix.Inet4Pktinfo
		info.Spec_dst = local.As4()
		return appendControl(c, unix.IPPROTO_IP, unix.IP_PKTINFO, (*[unix.SizeofInet4Pktinfo]byte)(unsafe.Pointer(&info))[:])
	}
	var info unix.Inet6Pktinfo
	info.Addr = local.As16()
	return appendControl(c, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, (*[unix.SizeofInet6Pktinfo]byte)(unsafe.Pointer(&info))[:])
}

// appendSegmentSize tells the kernel where to cut the message.
func appendSegmentSize(c []byte, size uint16) []byte {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], size)
	return appendControl(c, unix.IPPROTO_UDP, unix.UDP_SEGMENT, b[:])
}

func appendControl(c []byte, level, kind int32, body []byte) []byte {
	start := len(c)
	c = c[:start+unix.CmsgSpace(len(body))]
	hdr := (*unix.Cmsghdr)(unsafe.Pointer(&c[start]))
	hdr.Level, hdr.Type = level, kind
	hdr.SetLen(unix.CmsgLen(len(body)))
	copy(c[start+unix.SizeofCmsghdr:], body)
	return c
}
