package turn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/pion/turn/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// announcedIP is an address that nothing on this machine answers to: what
// reaches the media socket under it was translated.
var announcedIP = netip.MustParseAddr("203.0.113.7")

// echo is a stand-in for the media node: it returns every packet, with the
// sender's address in front.
func echo(t *testing.T) netip.AddrPort {
	t.Helper()
	conn := listenUDP(t)
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			conn.WriteToUDPAddrPort(append([]byte(from.String()+" "), buf[:n]...), from)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func start(t *testing.T, change func(*Config)) *Server {
	t.Helper()
	media := echo(t)
	cfg := Config{
		UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0", TLSAddr: "127.0.0.1:0", TLS: servertest.NewCertificate(t).TLS,
		PublicHost: "127.0.0.1", Media: media,
		Announced: []netip.AddrPort{netip.AddrPortFrom(announcedIP, media.Port())},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// address returns where the server listens for "udp", "tcp" or "tls", as its
// URIs tell.
func address(t *testing.T, s *Server, kind string) string {
	t.Helper()
	before, after := "turn:", "?transport="+kind
	if kind == "tls" {
		before, after = "turns:", "?transport=tcp"
	}
	for _, uri := range s.Credentials("anybody").URIs {
		if addr, ok := strings.CutPrefix(uri, before); ok && strings.HasSuffix(addr, after) {
			return strings.TrimSuffix(addr, after)
		}
	}
	t.Fatalf("no URI for %s", kind)
	return ""
}

// allocations returns how many relays are open.
func allocations(s *Server) int {
	s.relays.mu.Lock()
	defer s.relays.mu.Unlock()
	return len(s.relays.open)
}

// client returns a TURN client over the transport with the credentials.
func client(t *testing.T, s *Server, transport string, c Credentials) *turn.Client {
	t.Helper()
	var conn net.PacketConn
	addr := address(t, s, transport)
	switch transport {
	case "udp":
		conn = listenUDP(t)
	case "tcp":
		conn = turn.NewSTUNConn(dial(t, addr))
	case "tls":
		conn = turn.NewSTUNConn(tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true}))
	}
	cl, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn,
		Username: c.Username, Password: c.Password, RTO: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close(); conn.Close() })
	return cl
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func allocate(t *testing.T, c *turn.Client) net.PacketConn {
	t.Helper()
	conn, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestRelay(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			s := start(t, nil)
			conn := allocate(t, client(t, s, transport, s.Credentials("attendee")))
			media := net.UDPAddrFromAddrPort(s.cfg.Announced[0])
			for i := range 3 {
				msg := fmt.Sprintf("packet %d", i)
				if _, err := conn.WriteTo([]byte(msg), media); err != nil {
					t.Fatal(err)
				}
				conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				buf := make([]byte, 1500)
				n, from, err := conn.ReadFrom(buf)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasSuffix(string(buf[:n]), " "+msg) {
					t.Errorf("got %q back, want %q", buf[:n], msg)
				}
				if from.String() != media.String() {
					t.Errorf("the answer came from %v, want the announced %v", from, media)
				}
			}
			if got := allocations(s); got != 1 {
				t.Errorf("%d allocations, want 1", got)
			}
		})
	}
}

func TestBinding(t *testing.T) {
	s := start(t, nil)
	addr, err := client(t, s, "udp", Credentials{}).SendBindingRequest()
	if err != nil {
		t.Fatal(err)
	}
	if ip := addr.(*net.UDPAddr).IP; !ip.IsLoopback() {
		t.Errorf("mapped address %v", addr)
	}
}

func TestCredentialsRefused(t *testing.T) {
	s := start(t, nil)
	good := s.Credentials("attendee")
	past := strings.SplitN(good.Username, ":", 2)[0]
	tests := []struct {
		name       string
		user, pass string
	}{
		{"none", "", ""},
		{"wrong password", good.Username, good.Password + "x"},
		{"another attendee's password", s.Credentials("other").Username, good.Password},
		{"later expiry, same password", "9" + good.Username, good.Password},
		{"no attendee", past + ":", s.password(past + ":")},
		{"no expiry", "attendee", s.password("attendee")},
		{"expiry not a number", "soon:attendee", s.password("soon:attendee")},
		{"expired", "1000000000:attendee", s.password("1000000000:attendee")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, s, "tcp", Credentials{Username: tt.user, Password: tt.pass})
			if conn, err := c.Allocate(); err == nil {
				conn.Close()
				t.Error("got an allocation")
			}
		})
	}
	if allocations(s) != 0 {
		t.Errorf("%d allocations left", allocations(s))
	}
}

func TestPeersRefused(t *testing.T) {
	s := start(t, nil)
	conn := client(t, s, "udp", s.Credentials("attendee"))
	allocate(t, conn)
	for _, peer := range []string{"127.0.0.1", "192.0.2.1", "169.254.169.254", "203.0.113.8"} {
		if err := conn.CreatePermission(&net.UDPAddr{IP: net.ParseIP(peer), Port: 9}); err == nil {
			t.Errorf("%s was permitted as peer", peer)
		}
	}
	if err := conn.CreatePermission(net.UDPAddrFromAddrPort(s.cfg.Announced[0])); err != nil {
		t.Errorf("the media address was refused: %v", err)
	}
}

// TestOtherPortsDropped sends to another port of the announced address and to
// media, in this order: only the second may come back.
func TestOtherPortsDropped(t *testing.T) {
	s := start(t, nil)
	conn := allocate(t, client(t, s, "udp", s.Credentials("attendee")))
	media := net.UDPAddrFromAddrPort(s.cfg.Announced[0])
	other := &net.UDPAddr{IP: media.IP, Port: media.Port ^ 1}
	for _, to := range []*net.UDPAddr{other, media} {
		if _, err := conn.WriteTo([]byte(to.String()), to); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 1500)
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, _, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(buf[:n]), " "+media.String()) {
		t.Errorf("%q came through", buf[:n])
	}
}

// TestStrangersDropped sends to the relay's own socket from elsewhere.
func TestStrangersDropped(t *testing.T) {
	s := start(t, nil)
	conn := allocate(t, client(t, s, "udp", s.Credentials("attendee")))
	stranger := listenUDP(t)
	defer stranger.Close()
	relayed := conn.LocalAddr().(*net.UDPAddr)
	if !relayed.IP.Equal(announcedIP.AsSlice()) {
		t.Errorf("relayed address %v, want one at %v", relayed, announcedIP)
	}
	if _, err := stranger.WriteTo([]byte("stranger"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: relayed.Port}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteTo([]byte("friend"), net.UDPAddrFromAddrPort(s.cfg.Announced[0])); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, _, err := conn.ReadFrom(buf); err != nil || !strings.HasSuffix(string(buf[:n]), " friend") {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

func TestAllocationFreed(t *testing.T) {
	s := start(t, func(c *Config) { c.MaxPerAttendee = 1 })
	c := client(t, s, "udp", s.Credentials("a"))
	for range 3 {
		conn, err := c.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The client does not wait for the answer to its last request.
	for deadline := time.After(5 * time.Second); allocations(s) != 0; {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("%d allocations left", allocations(s))
		}
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		t.Run(kind, func(t *testing.T) {
			s := start(t, func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
			conn := dial(t, address(t, s, kind))
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("Read = %v, want the end", err)
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	media := netip.MustParseAddrPort("127.0.0.1:9")
	good := Config{UDPAddr: "127.0.0.1:0", PublicHost: "h", Media: media, Announced: []netip.AddrPort{media}}
	tests := map[string]func(*Config){
		"nothing to listen on": func(c *Config) { c.UDPAddr = "" },
		"no certificate":       func(c *Config) { c.TLSAddr = "127.0.0.1:0" },
		"no host":              func(c *Config) { c.PublicHost = "" },
		"no media":             func(c *Config) { c.Media = netip.AddrPort{} },
		"no announced address": func(c *Config) { c.Announced = nil },
		"short secret":         func(c *Config) { c.Secret = []byte("short") },
		"bad UDP address":      func(c *Config) { c.UDPAddr = "nowhere" },
		"bad TCP address":      func(c *Config) { c.TCPAddr = "127.0.0.1:99999" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if s, err := New(c); err == nil {
				s.Close()
				t.Error("accepted")
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := start(t, func(c *Config) { c.Now = func() time.Time { return now }; c.TTL = time.Hour })
	got := s.Credentials("id#content")
	if got.Username != "1700003600:id#content" || got.TTL != time.Hour || len(got.Password) != 43 {
		t.Errorf("got %+v", got)
	}
	want := regexp.MustCompile(`^turn:127\.0\.0\.1:\d+\?transport=udp turn:127\.0\.0\.1:\d+\?transport=tcp turns:127\.0\.0\.1:\d+\?transport=tcp$`)
	if uris := strings.Join(got.URIs, " "); !want.MatchString(uris) {
		t.Errorf("URIs %s, want %s", uris, want)
	}
	now = now.Add(time.Hour)
	if _, _, ok := s.authenticate(&turn.RequestAttributes{SrcAddr: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5}, Username: got.Username}); ok {
		t.Error("credentials outlived their time")
	}
}
