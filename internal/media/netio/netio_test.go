package netio

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo sends every datagram back, twice if asked, and keeps what it saw.
type echo struct {
	t     *testing.T
	times int

	mu      sync.Mutex
	senders map[Pair]*Sender
	seen    []Pair
}

func (e *echo) Datagram(s *Socket, from Pair, pkt []byte, at time.Time) {
	if time.Since(at) > time.Second {
		e.t.Error("the arrival time is not the time of arrival")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.senders[from]
	if d == nil {
		d = s.Sender(from)
		e.senders[from] = d
		e.seen = append(e.seen, from)
	}
	for range e.times {
		b := Get()
		b.N = copy(b.B[:], pkt)
		d.Send(b)
	}
}

func (e *echo) BatchEnd() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.senders {
		d.Flush()
	}
}

func serveEcho(t *testing.T, addr string, sockets, times int) (*UDP, *echo) {
	t.Helper()
	u, err := ListenUDP(addr, sockets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	e := &echo{t: t, times: times, senders: make(map[Pair]*Sender)}
	u.Serve(func() Handler { return e })
	return u, e
}

func dial(t *testing.T, network, addr string, port int) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP(network, nil, &net.UDPAddr{IP: net.ParseIP(addr), Port: port})
	if err != nil {
		t.Skipf("no %s here: %v", network, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// A connected socket only takes answers from the address it sent to, so each
// case also proves the source address of the answer.
func TestAnswersComeFromTheAddressedAddress(t *testing.T) {
	for _, tc := range []struct{ name, listen, network, to string }{
		{"one address", "127.0.0.1:0", "udp4", "127.0.0.1"},
		{"every address", ":0", "udp4", "127.0.0.1"},
		{"every address, a second one", ":0", "udp4", "127.0.0.7"},
		{"every IPv4 address", "0.0.0.0:0", "udp4", "127.0.0.9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, e := serveEcho(t, tc.listen, 1, 1)
			c := dial(t, tc.network, tc.to, u.Port())
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			n, err := c.Read(buf)
			if err != nil || string(buf[:n]) != "hello" {
				t.Fatalf("got %q, %v", buf[:n], err)
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			want := c.LocalAddr().(*net.UDPAddr).AddrPort()
			if e.seen[0].Remote != want {
				t.Errorf("saw %v, want %v", e.seen[0].Remote, want)
			}
		})
	}
}

func TestIPv6(t *testing.T) {
	probe, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Logf("this machine has no IPv6 (%v): the rest has nothing to run on", err)
		return
	}
	_ = probe.Close()
	u, _ := serveEcho(t, ":0", 1, 1)
	c := dial(t, "udp6", "::1", u.Port())
	if _, err := c.Write([]byte("six")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "six" {
		t.Fatalf("got %q, %v", buf[:n], err)
	}
}

// What is queued in one go arrives complete, in order and cut as it was, with
// runs of equal size, a shorter end and odd ones between.
func TestQueuedDatagramsKeepTheirOrderAndBounds(t *testing.T) {
	u, err := ListenUDP("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	sizes := []int{1200, 1200, 1200, 700, 1200, 100, 100, 100, 1400}
	a, b := listenLocal(t), listenLocal(t)
	da := u.sockets[0].Sender(Pair{Remote: a.LocalAddr().(*net.UDPAddr).AddrPort()})
	db := u.sockets[0].Sender(Pair{Remote: b.LocalAddr().(*net.UDPAddr).AddrPort()})
	for i, size := range sizes {
		queue(da, i, size)
		queue(db, i, size+1)
	}
	u.Flush()
	for i, size := range sizes {
		expect(t, a, i, size)
		expect(t, b, i, size+1)
	}
	c := u.Counters()
	if want := uint64(2 * len(sizes)); c.Sent != want || c.SendErrors != 0 {
		t.Errorf("counters %+v, want %d sent", c, want)
	}
}

// More than fit a batch of any kind: receivers, datagrams, segments.
func TestLargeQueues(t *testing.T) {
	u, err := ListenUDP("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	const receivers, each = 70, 10
	var conns []*net.UDPConn
	for range receivers {
		c := listenLocal(t)
		conns = append(conns, c)
		d := u.sockets[0].Sender(Pair{Remote: c.LocalAddr().(*net.UDPAddr).AddrPort()})
		for i := range each {
			queue(d, i, 300)
		}
	}
	u.Flush()
	for _, c := range conns {
		for i := range each {
			expect(t, c, i, 300)
		}
	}
}

// Whoever queues and flushes may rely on it that the datagram is gone at the
// latest when all concurrent flushes have ended.
func TestConcurrentFlushesLeaveNothing(t *testing.T) {
	u, err := ListenUDP("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	const senders, each = 8, 500
	var wg sync.WaitGroup
	for i := range senders {
		c := listenLocal(t)
		d := u.sockets[0].Sender(Pair{Remote: c.LocalAddr().(*net.UDPAddr).AddrPort()})
		wg.Go(func() {
			for n := range each {
				queue(d, n, 20)
				if i%4 == 0 {
					d.Flush()
				} else {
					u.Flush()
				}
			}
		})
	}
	wg.Wait()
	if c := u.Counters(); c.Sent+c.SendErrors != senders*each {
		t.Errorf("%d of %d datagrams went", c.Sent+c.SendErrors, senders*each)
	}
}

// A receiver that does not exist costs only its own datagrams.
func TestOneDeadReceiver(t *testing.T) {
	u, err := ListenUDP("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	live := listenLocal(t)
	dl := u.sockets[0].Sender(Pair{Remote: live.LocalAddr().(*net.UDPAddr).AddrPort()})
	dead := u.sockets[0].Sender(Pair{Remote: netip.MustParseAddrPort("127.0.0.1:0")})
	queue(dl, 0, 50)
	queue(dead, 0, 50)
	queue(dead, 1, 50)
	queue(dl, 1, 60)
	u.Flush()
	expect(t, live, 0, 50)
	expect(t, live, 1, 60)
	if c := u.Counters(); c.SendErrors != 2 || c.Sent != 2 {
		t.Errorf("counters %+v, want 2 sent and 2 errors", c)
	}
}

func TestSeveralSocketsOnOnePort(t *testing.T) {
	u, e := serveEcho(t, "127.0.0.1:0", 3, 2)
	const clients = 30
	for range clients {
		c := dial(t, "udp4", "127.0.0.1", u.Port())
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		for range 2 {
			if _, err := c.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	used := make(map[*Socket]bool)
	for _, d := range e.senders {
		used[d.socket] = true
	}
	if len(used) < 2 {
		t.Errorf("%d clients all came by %d socket", clients, len(used))
	}
	if _, err := ListenUDP(u.sockets[0].local.String(), 2); err == nil {
		t.Error("a second server could open the same port")
	}
}

func listenLocal(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	return c
}

func queue(d *Sender, i, size int) {
	b := Get()
	b.N = size
	clear(b.B[:size])
	binary.BigEndian.PutUint32(b.B[:], uint32(i))
	d.Send(b)
}

func expect(t *testing.T, c *net.UDPConn, i, size int) {
	t.Helper()
	buf := make([]byte, BufferSize)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatalf("datagram %d: %v", i, err)
	}
	if n != size || binary.BigEndian.Uint32(buf) != uint32(i) {
		t.Fatalf("got datagram %d of %d bytes, want %d of %d", binary.BigEndian.Uint32(buf), n, i, size)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, bm := range []struct {
		name       string
		size, each int
	}{{"audio, one each", 120, 1}, {"video, ten each", 1150, 10}} {
		b.Run(bm.name, func(b *testing.B) {
			u, err := ListenUDP("127.0.0.1:0", 1)
			if err != nil {
				b.Fatal(err)
			}
			defer u.Close()
			var senders []*Sender
			for range 50 {
				c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				senders = append(senders, u.sockets[0].Sender(Pair{Remote: c.LocalAddr().(*net.UDPAddr).AddrPort()}))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				buf := Get()
				buf.N = bm.size
				senders[(i/bm.each)%len(senders)].Send(buf)
				if i%500 == 499 {
					u.Flush()
				}
			}
		})
	}
}
