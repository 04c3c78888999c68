package turn

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/turn/v5"
	"golang.org/x/time/rate"
)

// Config says where the server listens and what it relays to. At least one
// address must be set.
type Config struct {
	// UDPAddr, TCPAddr and TLSAddr are the listening addresses as host:port;
	// port 0 picks one, empty is off.
	UDPAddr, TCPAddr, TLSAddr string
	// TLS is required with TLSAddr.
	TLS *tls.Config
	// PublicHost is the host name or address in the URIs given to clients. For
	// turns: it must match the certificate.
	PublicHost string

	// Media is where the media node listens for UDP on this machine. An
	// unspecified address stands for loopback.
	Media netip.AddrPort
	// Announced are the addresses under which clients know the media node: the
	// candidates in its answers. They are the only peers a client may name.
	Announced []netip.AddrPort

	// Secret signs the credentials; at least 32 bytes, or nil for a random one,
	// which does when credentials come from this process only.
	Secret []byte
	// TTL is how long credentials are good for; 24 h if 0. It should cover the
	// longest meeting, because clients keep the credentials they joined with.
	TTL time.Duration

	// MaxAllocations bounds the relays open at once (8192 if 0), and
	// MaxPerAttendee those of one attendee (32 if 0; a browser opens one per
	// network, transport and connection). MaxConns bounds TCP and TLS
	// connections (8192 if 0).
	MaxAllocations, MaxPerAttendee, MaxConns int
	// IdleTimeout ends TCP and TLS connections that send nothing; 5 min if 0.
	IdleTimeout time.Duration
	// ProveTimeout ends TCP and TLS connections without an allocation so far; 10
	// s if 0: what a slow TLS handshake and the two requests of a client take.
	ProveTimeout time.Duration

	// Logger receives the log; nil discards it.
	Logger *slog.Logger
	// Now tells the time; nil is time.Now.
	Now func() time.Time
}

const realm = "carillon"

// Server is a running TURN server. Its methods are safe for concurrent use.
type Server struct {
	cfg    Config
	server *turn.Server
	relays *relays
	conns  []*boundedListener
	uris   []string
	lines  *rate.Limiter // of the log, about refusals
}

// Credentials are what one client gets to use the server for a while.
type Credentials struct {
	Username, Password string
	TTL                time.Duration
	// URIs are to be tried in this order: UDP, TCP, TLS.
	URIs []string
}

// New opens the ports and serves until Close.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, relays: newRelays(cfg), lines: rate.NewLimiter(linesPerSecond, linesAtOnce)}
	conf := turn.ServerConfig{
		Realm:         realm,
		InboundMTU:    maxFrame,
		AuthHandler:   s.authenticate,
		LoggerFactory: logFactory{cfg.Logger},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: s.allocated, OnAllocationDeleted: s.freed, OnChannelCreated: s.bound, OnChannelDeleted: s.unbound,
			OnAuth: s.authenticated, OnAllocationError: s.failed,
		},
		// Browsers want an IPv4 relay unless they say otherwise; with only
		// IPv6 media there is none to give, so follow the listener then.
		StrictAddressFamily: s.relays.announced(true).IsValid(),
	}
	if err := s.listen(&conf); err != nil {
		s.closeListeners(conf)
		return nil, err
	}
	if s.server, err = turn.NewServer(conf); err != nil {
		s.closeListeners(conf)
		return nil, fmt.Errorf("turn: %w", err)
	}
	cfg.Logger.Info("turn server listening", "uris", s.uris)
	return s, nil
}

// withDefaults checks the configuration and fills it in.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.UDPAddr == "" && c.TCPAddr == "" && c.TLSAddr == "":
		return c, errors.New("turn: no address to listen on")
	case c.TLSAddr != "" && c.TLS == nil:
		return c, errors.New("turn: a TLS address but no certificate")
	case c.PublicHost == "":
		return c, errors.New("turn: no public host")
	case c.Media.Port() == 0 || len(c.Announced) == 0:
		return c, errors.New("turn: no media address to relay to")
	case c.Secret != nil && len(c.Secret) < 32:
		return c, errors.New("turn: the secret has fewer than 32 bytes")
	}
	if c.Secret == nil {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret)
	}
	if a := c.Media.Addr(); !a.IsValid() || a.IsUnspecified() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		c.Media = netip.AddrPortFrom(loopback, c.Media.Port())
	}
	setDefault(&c.TTL, 24*time.Hour)
	setDefault(&c.IdleTimeout, 5*time.Minute)
	setDefault(&c.ProveTimeout, 10*time.Second)
	setDefault(&c.MaxAllocations, 8192)
	setDefault(&c.MaxPerAttendee, 32)
	setDefault(&c.MaxConns, 8192)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// listen opens the configured sockets into conf and writes down their URIs.
func (s *Server) listen(conf *turn.ServerConfig) error {
	if addr := s.cfg.UDPAddr; addr != "" {
		conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", addr)
		if err != nil {
			return fmt.Errorf("turn: listen on UDP: %w", err)
		}
		s.addURI("turn", conn.LocalAddr().(*net.UDPAddr).Port, "udp")
		conf.PacketConnConfigs = append(conf.PacketConnConfigs, turn.PacketConnConfig{
			PacketConn: conn, RelayAddressGenerator: s.relays, PermissionHandler: s.permit,
		})
	}
	for _, l := range []struct {
		addr, scheme string
		tls          *tls.Config
	}{{s.cfg.TCPAddr, "turn", nil}, {s.cfg.TLSAddr, "turns", s.cfg.TLS}} {
		if l.addr == "" {
			continue
		}
		inner, err := new(net.ListenConfig).Listen(context.Background(), "tcp", l.addr)
		if err != nil {
			return fmt.Errorf("turn: listen on TCP: %w", err)
		}
		s.addURI(l.scheme, inner.Addr().(*net.TCPAddr).Port, "tcp")
		bounded := newBoundedListener(inner, l.tls, &s.cfg)
		s.conns = append(s.conns, bounded)
		conf.ListenerConfigs = append(conf.ListenerConfigs, turn.ListenerConfig{
			Listener: bounded, RelayAddressGenerator: s.relays, PermissionHandler: s.permit,
		})
	}
	return nil
}

// allocated is told of each new allocation: over TCP, its connection is no
// stranger's.
func (s *Server) allocated(client, server net.Addr, _, _, _ string, _ net.Addr, _ int) {
	for _, l := range s.conns {
		l.keep(client, server)
	}
}

// freed is told of each allocation that has ended.
func (s *Server) freed(client, server net.Addr, _, _, _ string) {
	for _, l := range s.conns {
		l.doubt(client, server)
	}
}

// bound is told of each new channel of an allocation.
func (s *Server) bound(client, _ net.Addr, _, _, _ string, relayed, _ net.Addr, _ uint16) {
	if s.relays.bind(relayed, 1) {
		s.refused(client, "ChannelBind", errChannels)
	}
}

// unbound is told of each channel that has ended.
func (s *Server) unbound(_, _ net.Addr, _, _, _ string, relayed, _ net.Addr, _ uint16) {
	s.relays.bind(relayed, -1)
}

func (s *Server) addURI(scheme string, port int, transport string) {
	host := net.JoinHostPort(s.cfg.PublicHost, strconv.Itoa(port))
	s.uris = append(s.uris, scheme+":"+host+"?transport="+transport)
}

// closeListeners undoes listen when the server could not be started.
func (s *Server) closeListeners(conf turn.ServerConfig) {
	for _, c := range conf.PacketConnConfigs {
		c.PacketConn.Close()
	}
	for _, l := range s.conns {
		l.Close()
	}
}

// Close ends all relays and connections and waits for them.
func (s *Server) Close() error {
	err := s.server.Close()
	for _, l := range s.conns {
		l.closeConns()
	}
	s.relays.close()
	if err != nil {
		return fmt.Errorf("turn: close: %w", err)
	}
	return nil
}

// Credentials returns credentials for the attendee that are good from now on
// for Config.TTL.
func (s *Server) Credentials(attendeeID string) Credentials {
	expiry := s.cfg.Now().Add(s.cfg.TTL).Unix()
	user := strconv.FormatInt(expiry, 10) + ":" + attendeeID
	return Credentials{Username: user, Password: s.password(user), TTL: s.cfg.TTL, URIs: s.uris}
}

// password derives the password that belongs to a user name.
func (s *Server) password(user string) string {
	mac := hmac.New(sha256.New, s.cfg.Secret)
	mac.Write([]byte(user))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate is called for every request that carries a user name. The user
// name being well-formed and unexpired, the protocol then checks that the
// message was signed with the key returned here.
func (s *Server) authenticate(ra *turn.RequestAttributes) (string, []byte, bool) {
	stamp, attendee, ok := strings.Cut(ra.Username, ":")
	expiry, err := strconv.ParseInt(stamp, 10, 64)
	if !ok || err != nil || attendee == "" {
		s.refused(ra.SrcAddr, ra.Method.String(), errForeign)
		return "", nil, false
	}
	if s.cfg.Now().Unix() >= expiry {
		s.refused(ra.SrcAddr, ra.Method.String(), errExpired)
		return "", nil, false
	}
	return attendee, turn.GenerateAuthKey(ra.Username, ra.Realm, s.password(ra.Username)), true
}
