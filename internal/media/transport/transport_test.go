package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
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

	"github.com/carillon-meetings/carillon/internal/media/mediatest"
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
	cfg := Config{UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0"}
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
	*mediatest.Client
	conn   *Conn
	events *witness
	answer string
}

// open makes a pair that is not connected yet.
func open(t testing.TB, l *Listener) *pair {
	t.Helper()
	cert, err := mediatest.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := mediatest.NewClient(cert)
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

func TestForgedChecksAreDropped(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	ufrag, pwd := p.conn.Credentials()
	silentConn, err := l.Open(&witness{changed: make(chan struct{}, 1)}) // has no client yet
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(silentConn.Close)
	otherUfrag, otherPwd := silentConn.Credentials()
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	name := ufrag + ":" + o.Ufrag
	build := func(name, key string, more ...stun.Setter) []byte {
		setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(name)}, more...)
		m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(key), stun.Fingerprint)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	good := build(name, pwd)
	broken := slices.Clone(good)
	broken[len(broken)-1] ^= 1
	unsigned, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(name))
	if err != nil {
		t.Fatal(err)
	}
	c := dialUDP(t, l)
	for what, pkt := range map[string][]byte{
		"wrong password":      build(name, "wrong"),
		"unknown user":        build("nobody:"+o.Ufrag, pwd),
		"another client's":    build(ufrag+":x", pwd),
		"no client yet":       build(otherUfrag+":x", otherPwd),
		"no signature":        unsigned.Raw,
		"broken fingerprint":  broken,
		"cut off":             good[:len(good)-8],
		"no message":          {0},
		"a response":          append([]byte{1, 1}, good[2:]...),
		"media of a stranger": append([]byte{0x80, 111}, good...),
		"dtls of a stranger":  append([]byte{22, 254, 253}, good...),
	} {
		if _, err := c.Write(pkt); err != nil {
			t.Fatal(err)
		}
		_ = what
	}
	if _, err := c.Write(good); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	// The first answer must be to the good one.
	if !slices.Equal(buf[8:20], good[8:20]) {
		t.Errorf("a forged check was answered: % x", buf[:n])
	}
	m := &stun.Message{Raw: buf[:n]}
	var mapped stun.XORMappedAddress
	if err := m.Decode(); err != nil || m.Type != stun.BindingSuccess || mapped.GetFrom(m) != nil {
		t.Fatalf("answer %v %v", m, err)
	}
	if mapped.Port != c.LocalAddr().(*net.UDPAddr).Port || stun.NewShortTermIntegrity(pwd).Check(m) != nil {
		t.Errorf("answer %v", m)
	}

	if _, err := c.Write(build(name, pwd, stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)})); err != nil {
		t.Fatal(err)
	}
	if n, err = c.Read(buf); err != nil {
		t.Fatal(err)
	}
	conflict := &stun.Message{Raw: buf[:n]}
	var code stun.ErrorCodeAttribute
	if err := conflict.Decode(); err != nil || code.GetFrom(conflict) != nil || code.Code != stun.CodeRoleConflict {
		t.Errorf("a controlled client is answered %v", conflict)
	}
}

func dialUDP(t testing.TB, l *Listener) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(l.UDPPort()))))
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
	other, err := mediatest.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := mediatest.NewClient(other)
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
	text := strings.Replace(offer, mediatest.Fingerprint(other), strings.TrimSuffix(strings.Repeat("00:", 32), ":"), 1)
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

func TestTCPStrangersAreCutOff(t *testing.T) {
	l := listener(t, nil)
	c, err := net.Dial("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(l.TCPPort())).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte{0, 3, 0x80, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("read %v, want the end", err)
	}
}

func TestTCPCarriesChecks(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	ufrag, pwd := p.conn.Credentials()
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(l.TCPPort())).String())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag+":"+o.Ufrag), stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m.Raw))), m.Raw...)); err != nil {
		t.Fatal(err)
	}
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(c, body); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(body[8:20], m.TransactionID[:]) {
		t.Errorf("answer % x", body)
	}
	if _, tcp, ok := p.conn.Remote(); !ok || !tcp {
		t.Errorf("tcp %v ok %v", tcp, ok)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCandidates(t *testing.T) {
	addr := netip.MustParseAddr
	for _, tc := range []struct {
		name  string
		cfg   Config
		bound string
		want  []string // substrings, one a line
	}{
		{"the bound address", Config{}, "192.0.2.9", []string{"udp 2130706431 192.0.2.9 5000 typ host"}},
		{"a public one instead", Config{PublicIPs: []netip.Addr{addr("198.51.100.1")}}, "192.0.2.9", []string{"198.51.100.1 5000"}},
		{"both families", Config{PublicIPs: []netip.Addr{addr("198.51.100.1"), addr("2001:db8::1")}}, "::", []string{"198.51.100.1 5000", "2001:db8::1 5000"}},
		{"and loopback", Config{PublicIPs: []netip.Addr{addr("198.51.100.1")}, Loopback: true}, "127.0.0.1", []string{"198.51.100.1", "127.0.0.1"}},
		{"twice the same", Config{PublicIPs: []netip.Addr{addr("198.51.100.1"), addr("::ffff:198.51.100.1")}}, "::", []string{"198.51.100.1"}},
	} {
		addrs, err := announced(tc.cfg, addr(tc.bound))
		if err != nil {
			t.Fatal(err)
		}
		lines := candidateLines(addrs, 5000, 0)
		if len(lines) != len(tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, lines, tc.want)
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(lines[i], want) || !strings.Contains(lines[i], " typ host") {
				t.Errorf("%s: %q, want %q", tc.name, lines[i], want)
			}
		}
	}
	lines := candidateLines([]netip.Addr{addr("192.0.2.1"), addr("192.0.2.2")}, 5000, 5001)
	if len(lines) != 4 || !strings.HasSuffix(lines[2], "192.0.2.1 5001 typ host tcptype passive") {
		t.Errorf("with TCP: %q", lines)
	}
}

func TestEveryInterface(t *testing.T) {
	l := listener(t, func(c *Config) { c.UDPAddr, c.TCPAddr, c.Loopback = ":0", "", true })
	if l.TCPPort() != 0 || !l.Addr().Addr().IsUnspecified() {
		t.Errorf("tcp port %d, bound to %v", l.TCPPort(), l.Addr())
	}
	i := slices.IndexFunc(l.Announced(), func(a netip.AddrPort) bool { return a.Addr().IsLoopback() && a.Port() == uint16(l.UDPPort()) })
	if i < 0 {
		t.Errorf("announced %v, want loopback among them", l.Announced())
	}
	p := connect(t, l) // by whatever candidate is first
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) == 1 })
}

func TestClosedListener(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if p.conn.IsConnected() || p.events.failure != nil {
		t.Errorf("connected %v, failure %v: want a silent end", p.conn.IsConnected(), p.events.failure)
	}
	if _, err := l.Open(p.events); !errors.Is(err, ErrClosed) {
		t.Errorf("open on a closed listener: %v", err)
	}
	if _, err := Listen(Config{UDPAddr: "not an address"}); err == nil {
		t.Error("listened on nonsense")
	}
	if _, err := Listen(Config{UDPAddr: "127.0.0.1:0", TCPAddr: "not an address"}); err == nil {
		t.Error("listened on nonsense")
	}
}

// FuzzDatagram feeds a listener with a connected client whatever may arrive from
// that client's address and from others.
func FuzzDatagram(f *testing.F) {
	l := listener(f, func(c *Config) { c.TCPAddr = "" })
	p := open(f, l)
	if err := p.Connect(f.Context(), p.answer); err != nil {
		f.Fatal(err)
	}
	p.events.until(f, "connected", func() bool { return p.events.connected == 1 })
	known, _, _ := p.conn.Remote()
	ufrag, pwd := p.conn.Credentials()
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag+":x"), stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Raw, true)
	f.Add(rtpPacket(1, 5).Bytes(), true)
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0}, true)
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3}, false)
	h := &udpHandler{l}
	f.Fuzz(func(t *testing.T, pkt []byte, stranger bool) {
		from := known
		if stranger {
			from.Remote = netip.MustParseAddrPort("192.0.2.1:9")
		}
		h.Datagram(nil, from, slices.Clone(pkt), time.Now())
	})
}

// BenchmarkReceive measures one packet from the socket's hand-over to the
// handler, decryption included.
func BenchmarkReceive(b *testing.B) {
	l := listener(b, func(c *Config) { c.TCPAddr = "" })
	p := connect(b, l)
	from, _, _ := p.conn.Remote()
	p.events.counting.Store(true)
	const batch = 5000
	packets := make([][]byte, batch)
	h := &udpHandler{l}
	plain := make([]byte, 112)
	b.ReportAllocs()
	seq := uint16(0)
	n := 0
	for b.Loop() {
		if n == 0 {
			b.StopTimer()
			for i := range packets {
				rtpx.PutHeader(plain, rtpx.Header{PayloadType: 111, Seq: seq, SSRC: p.AudioSSRC()})
				seq++
				packets[i] = p.Seal(plain)
			}
			n = batch
			b.StartTimer()
		}
		n--
		h.Datagram(nil, from, packets[batch-1-n], time.Now())
	}
}

// BenchmarkSend measures one packet of sound to the queue of the socket,
// encryption included.
func BenchmarkSend(b *testing.B) {
	l := listener(b, func(c *Config) { c.TCPAddr = "" })
	p := connect(b, l)
	b.ReportAllocs()
	seq := uint16(0)
	for b.Loop() {
		p.conn.SendRTP(rtpPacket(seq, 5))
		seq++
	}
}
