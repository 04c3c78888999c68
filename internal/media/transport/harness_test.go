package transport

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

// listener opens a listener on loopback for one test.
func listener(t testing.TB, change func(*Config)) *Listener {
	t.Helper()
	cfg := Config{UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0", Timeout: 12 * time.Second}
	if change != nil {
		change(&cfg)
	}
	l, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// witness is a Handler that keeps what it is told.
type witness struct {
	mu        sync.Mutex
	checked   int
	connected int
	rtp       []rtpx.Header
	rtcp      int
	failure   error
	changed   chan struct{}
	counting  atomic.Bool // packets are not kept
}

func (w *witness) note(fn func()) {
	w.mu.Lock()
	fn()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *witness) Checked(time.Time)      { w.note(func() { w.checked++ }) }
func (w *witness) Connected(time.Time)    { w.note(func() { w.connected++ }) }
func (w *witness) RTCP([]byte, time.Time) { w.note(func() { w.rtcp++ }) }
func (w *witness) Failed(err error)       { w.note(func() { w.failure = err }) }
func (w *witness) RTP(h *rtpx.Header, _ []byte, _ time.Time) {
	if w.counting.Load() {
		return
	}
	copied := *h
	w.note(func() { w.rtp = append(w.rtp, copied) })
}

// until waits until a condition on the witness holds.
func (w *witness) until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		w.mu.Lock()
		ok := holds()
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-w.changed:
		case <-timeout:
			w.mu.Lock()
			defer w.mu.Unlock()
			t.Fatalf("timeout: %s; checked %d connected %d rtp %d rtcp %d failure %v",
				what, w.checked, w.connected, len(w.rtp), w.rtcp, w.failure)
		}
	}
}

// party is a client and its connection here.
type party struct {
	*client.Client
	conn   *Conn
	events *witness
	answer string
}

// open makes a party that is not connected yet.
func open(t testing.TB, l *Listener) *party {
	t.Helper()
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p := &party{Client: c, events: &witness{changed: make(chan struct{}, 1)}}
	if p.conn, err = l.Open(p.events); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.conn.Close)
	p.answer = answer(t, l, p.conn, c.Offer(false, 0))
	return p
}

// answer answers an offer with sound only.
func answer(t testing.TB, l *Listener, c *Conn, offer string) string {
	t.Helper()
	o, err := sdp.Parse(offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetRemote(o); err != nil {
		t.Fatal(err)
	}
	ufrag, pwd := c.Credentials()
	a := sdp.Answer{Ufrag: ufrag, Pwd: pwd, Fingerprint: l.Fingerprint(), Candidates: l.Candidates(), Bundle: o.Bundle}
	for i := range o.Sections {
		a.Sections = append(a.Sections, sdp.AnswerSection{Of: &o.Sections[i], Direction: o.Sections[i].Direction})
	}
	return a.String()
}

// connect makes a party that is connected.
func connect(t testing.TB, l *Listener) *party {
	t.Helper()
	p := open(t, l)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Connect(ctx, p.answer); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "connected", func() bool { return p.events.connected == 1 })
	return p
}

// rtp makes a small RTP packet.
func rtpPacket(seq uint16, ssrc uint32) *netio.Buffer {
	b := netio.Get()
	b.N = rtpx.PutHeader(b.B[:], rtpx.Header{PayloadType: 111, Seq: seq, SSRC: ssrc})
	b.N += copy(b.B[b.N:], "payload")
	return b
}

func dialUDP(t testing.TB, l *Listener) *net.UDPConn {
	t.Helper()
	return dial(t, "udp", l.UDPPort()).(*net.UDPConn)
}

func dialTCP(t testing.TB, l *Listener) net.Conn {
	t.Helper()
	return dial(t, "tcp", l.TCPPort())
}

func dial(t testing.TB, network string, port int) net.Conn {
	t.Helper()
	c, err := net.Dial(network, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}
