package netio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/strangers"
)

const (
	// streamQueue is how many datagrams wait for a slow TCP client before
	// more are dropped: about a second of video.
	streamQueue = 256
	// proveWithin is how long a connection may stay open without Keep: a client
	// sends its first check as soon as it is connected.
	proveWithin = 3 * time.Second
	// writeWithin is how long one write may take before the client is given up.
	writeWithin = 10 * time.Second
)

// StreamHandler receives what arrives on TCP connections, from one goroutine
// for each connection.
type StreamHandler interface {
	// StreamDatagram delivers one datagram, valid only during the call.
	StreamDatagram(s *Stream, pkt []byte, at time.Time)
	// StreamEnd follows the last datagram of a connection.
	StreamEnd(s *Stream)
}

// TCP accepts connections that carry framed datagrams.
type TCP struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu       sync.Mutex
	streams  map[*Stream]struct{}     // nil once closed; guarded by mu
	unproven strangers.Queue[*Stream] // those nobody has kept yet; guarded by mu
}

// Stream is one connection. Safe for concurrent use.
type Stream struct {
	Pair
	owner *TCP
	conn  net.Conn
	out   chan *Buffer
	done  chan struct{}
	once  sync.Once
}

// ListenTCP opens a port. addr is as for ListenUDP.
func ListenTCP(addr string) (*TCP, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on tcp %s: %w", addr, err)
	}
	return &TCP{listener: l, streams: make(map[*Stream]struct{})}, nil
}

// Port is the port's number.
func (t *TCP) Port() int { return t.listener.Addr().(*net.TCPAddr).Port }

// Serve starts accepting; it returns at once. Close ends it.
func (t *TCP) Serve(h StreamHandler) {
	t.wg.Go(func() {
		for {
			conn, err := t.listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				// Out of file descriptors; let others close theirs.
				time.Sleep(50 * time.Millisecond)
				continue
			}
			t.adopt(conn, h)
		}
	})
}

// adopt starts a connection's two goroutines. Where there are too many
// strangers the one that has said nothing for longest makes room: a client
// proves itself at once, so it is not the client that goes.
func (t *TCP) adopt(conn net.Conn, h StreamHandler) {
	s := &Stream{
		Pair:  Pair{Remote: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr()).Addr()},
		owner: t, conn: conn,
		out:  make(chan *Buffer, streamQueue),
		done: make(chan struct{}),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams == nil {
		_ = conn.Close()
		return
	}
	if oldest, surplus := t.unproven.Add(s, s.Remote.Addr()); surplus {
		oldest.Close()
	}
	t.streams[s] = struct{}{}
	_ = conn.SetReadDeadline(time.Now().Add(proveWithin))
	t.wg.Go(func() { s.read(h) })
	t.wg.Go(s.write)
}

func addrPort(a net.Addr) netip.AddrPort {
	return unmap(a.(*net.TCPAddr).AddrPort())
}

func (t *TCP) forget(s *Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.streams, s)
	t.unproven.Remove(s)
}

// Close closes the port and every connection and waits for their goroutines.
func (t *TCP) Close() error {
	err := t.listener.Close()
	t.mu.Lock()
	streams := t.streams
	t.streams = nil
	t.mu.Unlock()
	for s := range streams {
		s.Close()
	}
	t.wg.Wait()
	return err
}

// Keep says that the connection belongs to a client: it may stay.
func (s *Stream) Keep() {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	if s.owner.unproven.Remove(s) {
		_ = s.conn.SetReadDeadline(time.Time{})
	}
}

// Close ends the connection. It does not wait.
func (s *Stream) Close() {
	s.once.Do(func() {
		close(s.done)
		_ = s.conn.Close()
	})
}

// Send queues the datagram in b and takes b over. A client that does not read
// loses datagrams.
func (s *Stream) Send(b *Buffer) {
	select {
	case <-s.done:
		b.Release()
		return
	default:
	}
	select {
	case s.out <- b:
	default:
		b.Release()
	}
}

// Flush does nothing: a stream's goroutine sends without being asked.
func (s *Stream) Flush() {}

func (s *Stream) read(h StreamHandler) {
	defer s.owner.forget(s)
	defer s.Close()
	defer h.StreamEnd(s)
	in := bufio.NewReaderSize(s.conn, 4*BufferSize)
	pkt := make([]byte, BufferSize)
	var head [2]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(head[:]))
		if n > len(pkt) {
			return // not a media client
		}
		if _, err := io.ReadFull(in, pkt[:n]); err != nil {
			return
		}
		h.StreamDatagram(s, pkt[:n], time.Now())
	}
}

func (s *Stream) write() {
	defer s.Close()
	out := bufio.NewWriterSize(s.conn, 8*BufferSize)
	for {
		select {
		case <-s.done:
			return
		case b := <-s.out:
			if s.writeAll(out, b) != nil {
				return
			}
		}
	}
}

// writeAll writes b and whatever waits behind it.
func (s *Stream) writeAll(out *bufio.Writer, b *Buffer) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		b.Release()
		return err
	}
	for {
		err := frame(out, b)
		b.Release()
		if err != nil {
			return err
		}
		select {
		case b = <-s.out:
		default:
			return out.Flush()
		}
	}
}

func frame(out *bufio.Writer, b *Buffer) error {
	head := [2]byte{byte(b.N >> 8), byte(b.N)}
	if _, err := out.Write(head[:]); err != nil {
		return err
	}
	_, err := out.Write(b.Bytes())
	return err
}
