package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"
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

// pair is a client and its connection here.
type pair struct {
	*client.Client
	conn   *Conn
	events *witness
	answer string
}

// open makes a pair that is not connected yet.
func open(t testing.TB, l *Listener) *pair {
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
	p := &pair{Client: c, events: &witness{changed: make(chan struct{}, 1)}}
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

// connect makes a pair that is connected.
func connect(t testing.TB, l *Listener) *pair {
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

func TestMediaFlowsBothWays(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	got := make(chan string, 10)
	p.OnRTP = func(h *rtpx.Header, pkt []byte, _ time.Time) { got <- string(h.Payload(pkt)) }
	p.OnRTCP = func(pkt []byte, _ time.Time) { got <- "rtcp" }
	if p.conn.SendRTP(rtpPacket(1, 5)) || p.conn.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5}) {
		t.Error("sent before there is a way")
	}
	if err := p.Connect(t.Context(), p.answer); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "connected", func() bool { return p.events.checked == 1 && p.events.connected == 1 })
	p.SendAudio([]byte{1, 2, 3}, 40)
	p.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5})
	p.events.until(t, "packets", func() bool { return len(p.events.rtp) == 1 && p.events.rtcp == 1 })
	if h := p.events.rtp[0]; h.PayloadType != 111 || h.SSRC != p.AudioSSRC() {
		t.Errorf("header %+v", h)
	}
	if !p.conn.SendRTP(rtpPacket(1, 5)) || !p.conn.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5}) {
		t.Error("cannot send")
	}
	p.conn.Flush()
	for _, want := range []string{"payload", "rtcp"} {
		select {
		case s := <-got:
			if s != want {
				t.Errorf("client got %q, want %q", s, want)
			}
		case <-time.After(patience):
			t.Fatal("the client got nothing")
		}
	}
	c := p.conn.Counters()
	if c.PacketsIn != 2 || c.PacketsOut != 2 || c.BytesIn == 0 || c.BytesOut == 0 || c.Discarded != 0 {
		t.Errorf("counters %+v", c)
	}
	if e, tcp, ok := p.conn.Remote(); !ok || tcp || !e.Remote.Addr().IsLoopback() {
		t.Errorf("remote %v %v %v", e, tcp, ok)
	}
	if l.Counters().Sent == 0 {
		t.Error("nothing counted as sent")
	}
}

// The client's port changes: it is followed as soon as it says something.
func TestTheClientMoves(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	before, _, _ := p.conn.Remote()
	if err := p.Rebind(); err != nil {
		t.Fatal(err)
	}
	p.SendAudio([]byte{1}, 40) // from an unproven address: not heard
	p.Check()
	moved := time.NewTicker(20 * time.Millisecond)
	defer moved.Stop()
	deadline := time.After(patience)
	for {
		if e, _, _ := p.conn.Remote(); e != before {
			break
		}
		select {
		case <-moved.C:
			p.SendAudio([]byte{1}, 40)
		case <-deadline:
			t.Fatal("the new way is not used")
		}
	}
}

// binding builds a connectivity check.
func binding(t *testing.T, name, key string, more ...stun.Setter) []byte {
	t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(name)}, more...)
	if key != "" {
		setters = append(setters, stun.NewShortTermIntegrity(key), stun.Fingerprint)
	}
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// exchange sends a datagram and reads the answer as STUN.
func exchange(t *testing.T, c *net.UDPConn, pkt []byte) *stun.Message {
	t.Helper()
	if _, err := c.Write(pkt); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: buf[:n]}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestForgedChecksAreDropped(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	ufrag, pwd := p.conn.Credentials()
	idle, err := l.Open(&witness{changed: make(chan struct{}, 1)}) // has no client yet
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(idle.Close)
	idleUfrag, idlePwd := idle.Credentials()
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	name := ufrag + ":" + o.Ufrag
	good := binding(t, name, pwd)
	broken := slices.Clone(good)
	broken[len(broken)-1] ^= 1
	c := dialUDP(t, l)
	for _, pkt := range [][]byte{
		binding(t, name, "wrong password"),
		binding(t, "nobody:"+o.Ufrag, pwd),
		binding(t, ufrag+":another", pwd),
		binding(t, idleUfrag+":early", idlePwd),
		binding(t, name, ""),
		broken,
		good[:len(good)-8],
		{0},
		append([]byte{1, 1}, good[2:]...),        // a response
		append([]byte{0x80, 111}, good...),       // media of a stranger
		append([]byte{22, 254, 253}, good...),    // a handshake of a stranger
		append([]byte{0x80, 201, 0, 1}, good...), // a report of a stranger
	} {
		if _, err := c.Write(pkt); err != nil {
			t.Fatal(err)
		}
	}
	// The first answer must be to the good one.
	m := exchange(t, c, good)
	var mapped stun.XORMappedAddress
	if !slices.Equal(m.TransactionID[:], good[8:20]) || m.Type != stun.BindingSuccess || mapped.GetFrom(m) != nil {
		t.Fatalf("a forged check was answered: %v", m)
	}
	if mapped.Port != c.LocalAddr().(*net.UDPAddr).Port || stun.NewShortTermIntegrity(pwd).Check(m) != nil {
		t.Errorf("answer %v", m)
	}
}

// A client that believes to be controlled is told otherwise.
func TestRoleConflict(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	ufrag, pwd := p.conn.Credentials()
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	controlled := stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}
	m := exchange(t, dialUDP(t, l), binding(t, ufrag+":"+o.Ufrag, pwd, controlled))
	var code stun.ErrorCodeAttribute
	if code.GetFrom(m) != nil || code.Code != stun.CodeRoleConflict {
		t.Errorf("answered %v", m)
	}
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

func TestSilenceIsNoticed(t *testing.T) {
	l := listener(t, func(c *Config) { c.Timeout = 1500 * time.Millisecond })
	p := connect(t, l)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	if !errors.Is(p.events.failure, ErrTimeout) {
		t.Errorf("failed with %v, want ErrTimeout", p.events.failure)
	}
	if p.conn.IsConnected() || p.conn.SendRTP(rtpPacket(1, 5)) {
		t.Error("a failed connection still sends")
	}
}

func TestChecksAloneKeepTheConnection(t *testing.T) {
	l := listener(t, func(c *Config) { c.Timeout = 1500 * time.Millisecond })
	p := open(t, l)
	p.CheckEvery = 200 * time.Millisecond
	if err := p.Connect(t.Context(), p.answer); err != nil {
		t.Fatal(err)
	}
	other := connect(t, l) // its failure tells that the time has come
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	other.events.until(t, "the silent one's failure", func() bool { return other.events.failure != nil })
	if !p.conn.IsConnected() {
		t.Errorf("failed with %v despite its checks", p.events.failure)
	}
}

func TestWhoNeverComesIsGivenUp(t *testing.T) {
	l := listener(t, func(c *Config) { c.SetupTimeout = time.Second })
	p := open(t, l)
	p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	if !errors.Is(p.events.failure, ErrTimeout) {
		t.Errorf("failed with %v, want ErrTimeout", p.events.failure)
	}
}

func TestFarewell(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	if err := p.Shut(); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	if !errors.Is(p.events.failure, ErrPeerClosed) {
		t.Errorf("failed with %v, want ErrPeerClosed", p.events.failure)
	}
}

// Records that anybody could have written must not end a connection.
func TestForgedRecordsChangeNothing(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	closeNotify := []byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0}
	data := []byte{23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 98, 0, 1, 0}
	for range 3 {
		p.WriteRaw(closeNotify)
		p.WriteRaw(data)
		p.WriteRaw([]byte{20, 1})
	}
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) > 0 })
	if !p.conn.IsConnected() || p.events.failure != nil {
		t.Errorf("ended by forged records: %v", p.events.failure)
	}
}

func TestForgedMediaIsDiscarded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	forged := make([]byte, 60)
	rtpx.PutHeader(forged, rtpx.Header{PayloadType: 111, SSRC: 9})
	p.WriteRaw(forged)
	p.WriteRaw(append([]byte{0x80, 201, 0, 1}, forged[:40]...))
	p.WriteRaw([]byte{0x80, 111, 0})
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) > 0 })
	if c := p.conn.Counters(); c.Discarded != 2 || c.PacketsIn != 1 {
		t.Errorf("counters %+v, want 2 discarded", c)
	}
}

// A replayed packet is discarded, so it cannot move the connection either.
func TestReplaysAreDiscarded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) == 1 })
	pkt := make([]byte, 30)
	n := rtpx.PutHeader(pkt, rtpx.Header{PayloadType: 111, Seq: 77, SSRC: 1234})
	p.SendRTP(pkt[:n+4])
	p.SendRTP(pkt[:n+4])
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) == 3 })
	if c := p.conn.Counters(); c.Discarded != 1 {
		t.Errorf("counters %+v, want 1 discarded", c)
	}
}

func TestManyStreamsAreBounded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	for i := range uint32(200) {
		pkt := make([]byte, 20)
		rtpx.PutHeader(pkt, rtpx.Header{PayloadType: 111, SSRC: 100 + i})
		p.SendRTP(pkt)
	}
	p.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5})
	p.events.until(t, "the report behind them", func() bool { return p.events.rtcp == 1 })
	if c := p.conn.Counters(); len(p.events.rtp) != maxStreams || c.Discarded != 200-maxStreams {
		t.Errorf("%d packets taken and %d not, want one of each of %d streams", len(p.events.rtp), c.Discarded, maxStreams)
	}
}

func TestACertificateMustMatchTheOffer(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	other, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := client.New(other)
	if err != nil {
		t.Fatal(err)
	}
	defer mallory.Close()
	conn, err := l.Open(p.events)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Mallory's checks with somebody else's fingerprint in the offer.
	offer := mallory.Offer(false, 0)
	text := strings.Replace(offer, client.Fingerprint(other), strings.TrimSuffix(strings.Repeat("00:", 32), ":"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mallory.Connect(ctx, answer(t, l, conn, text)); err == nil {
		// The client's side of the handshake may be through; ours is not.
		p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	}
	p.events.until(t, "failure", func() bool { return errors.Is(p.events.failure, ErrHandshake) })
	if conn.IsConnected() {
		t.Error("connected to a foreign certificate")
	}
}

func TestSetRemoteMustNotChange(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.conn.SetRemote(o); err != nil {
		t.Errorf("the same again: %v", err)
	}
	changed := *o
	changed.Ufrag = "other"
	if err := p.conn.SetRemote(&changed); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("other credentials: %v", err)
	}
	changed = *o
	changed.Fingerprints = []sdp.Fingerprint{{Algorithm: "sha-512", Value: "AA"}}
	if err := p.conn.SetRemote(&changed); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("another fingerprint: %v", err)
	}
	changed.Fingerprints = []sdp.Fingerprint{{Algorithm: "md5", Value: "AA"}}
	if err := p.conn.SetRemote(&changed); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("an unknown hash: %v", err)
	}
}
