package netio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/strangers"
)

// streamEcho answers on the stream and tells of its end.
type streamEcho struct {
	keep  bool
	ended chan *Stream
}

func (e *streamEcho) StreamDatagram(s *Stream, pkt []byte, _ time.Time) {
	if e.keep {
		s.Keep()
	}
	b := Get()
	b.N = copy(b.B[:], pkt)
	s.Send(b)
}

func (e *streamEcho) StreamEnd(s *Stream) { e.ended <- s }

func TestStream(t *testing.T) {
	l, err := ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &streamEcho{keep: true, ended: make(chan *Stream, 4)}
	l.Serve(h)
	c, err := net.Dial("tcp", l.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	// Two datagrams in one write, the second in pieces.
	want := []byte{0, 3, 'a', 'b', 'c', 0, 2, 'd', 'e'}
	for _, part := range [][]byte{want[:6], want[6:8], want[8:]} {
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(want))
	if _, err := readFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %q, %v", got, err)
	}
	l.mu.Lock()
	if n := l.unproven.Len(); n != 0 {
		t.Errorf("%d connections count as strangers, want 0", n)
	}
	l.mu.Unlock()
	// An oversized length ends the connection.
	if _, err := c.Write([]byte{0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	s := <-h.ended
	if s.Remote != c.LocalAddr().(*net.TCPAddr).AddrPort() {
		t.Errorf("ended %v, want %v", s.Remote, c.LocalAddr())
	}
	// Close ends the others, kept or not.
	d, err := net.Dial("tcp", l.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Write([]byte{0, 1, 'x'}); err != nil {
		t.Fatal(err)
	}
	if _, err := readFull(d, got[:3]); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-h.ended
	b := Get()
	s.Send(b) // to a closed stream: nothing happens
}

func readFull(c net.Conn, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		m, err := c.Read(buf[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// dialFrom opens a connection from one of the addresses of loopback.
func dialFrom(t *testing.T, l *TCP, from net.IP) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	c, err := d.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", l.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// talks says whether a connection is still served.
func talks(t *testing.T, c net.Conn) bool {
	t.Helper()
	if _, err := c.Write([]byte{0, 1, 'x'}); err != nil {
		return false
	}
	_, err := readFull(c, make([]byte, 3))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("neither served nor closed")
	}
	return err == nil
}

// waitFor waits until a condition on the port holds.
func waitFor(t *testing.T, l *TCP, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		ok := holds()
		l.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("timeout: ", what)
		}
	}
}

// Whoever opens connections and says nothing on them keeps nobody else out: it
// is the oldest of them that go.
func TestSilentConnectionsMakeRoomForClients(t *testing.T) {
	l, err := ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Serve(&streamEcho{keep: true, ended: make(chan *Stream, 2*strangers.Most)})
	client := dialFrom(t, l, net.IPv4(127, 0, 0, 1))
	if !talks(t, client) {
		t.Fatal("not served by an idle server")
	}
	var silent []net.Conn
	for i := range strangers.Most {
		silent = append(silent, dialFrom(t, l, net.IPv4(127, 0, 1, byte(1+i/strangers.MostFrom))))
	}
	waitFor(t, l, "all strangers are in", func() bool { return l.unproven.Len() == strangers.Most })
	if late := dialFrom(t, l, net.IPv4(127, 0, 0, 1)); !talks(t, late) {
		t.Error("a client that comes to a full port is not served")
	}
	if !talks(t, client) {
		t.Error("a client that had proved itself had to go")
	}
	if n, err := silent[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the oldest stranger read %d, %v: want its end", n, err)
	}
	if !talks(t, silent[strangers.Most-1]) {
		t.Error("the newest stranger had to go")
	}
}

// One address cannot have all the room there is, but a client behind it gets in.
func TestStrangersOfOneAddressAreBounded(t *testing.T) {
	l, err := ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Serve(&streamEcho{keep: true, ended: make(chan *Stream, 2*strangers.Most)})
	other := dialFrom(t, l, net.IPv4(127, 0, 0, 9)) // older than all, but another's
	waitFor(t, l, "the other one is in", func() bool { return l.unproven.Len() == 1 })
	var silent []net.Conn
	for range strangers.MostFrom {
		silent = append(silent, dialFrom(t, l, net.IPv4(127, 0, 0, 1)))
	}
	waitFor(t, l, "all strangers are in", func() bool { return l.unproven.Len() == strangers.MostFrom+1 })
	if c := dialFrom(t, l, net.IPv4(127, 0, 0, 1)); !talks(t, c) {
		t.Error("a client behind the address of many strangers is not served")
	}
	if _, err := silent[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the address's oldest stranger: %v, want its end", err)
	}
	if !talks(t, other) {
		t.Error("somebody else's connection had to go")
	}
}

func TestASilentConnectionEnds(t *testing.T) {
	l, err := ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Serve(&streamEcho{keep: true, ended: make(chan *Stream, 1)})
	begun := time.Now()
	c := dialFrom(t, l, net.IPv4(127, 0, 0, 1))
	if _, err := c.Write([]byte{0}); err != nil { // half a length
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %v, want the end", err)
	}
	if lasted := time.Since(begun); lasted < proveWithin-time.Second/2 {
		t.Errorf("ended after %v, before the %v it has", lasted, proveWithin)
	}
}
