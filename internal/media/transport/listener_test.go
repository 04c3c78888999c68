package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

func TestTCPStrangersAreCutOff(t *testing.T) {
	l := listener(t, nil)
	c := dialTCP(t, l)
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
	c := dialTCP(t, l)
	check := binding(t, ufrag+":"+o.Ufrag, pwd)
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(check))), check...)); err != nil {
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
	if !slices.Equal(body[8:20], check[8:20]) {
		t.Errorf("answer % x", body)
	}
	if _, tcp, ok := p.conn.Remote(); !ok || !tcp {
		t.Errorf("tcp %v ok %v", tcp, ok)
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
	known := p.conn.selected.Load().Pair
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
	from := p.conn.selected.Load().Pair
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
