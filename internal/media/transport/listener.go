package transport

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

// Config of a listener.
type Config struct {
	// UDPAddr and TCPAddr are "host:port"; TCPAddr may be empty for no TCP.
	UDPAddr, TCPAddr string
	// PublicIPs replace the machine's own addresses in the candidates.
	PublicIPs []netip.Addr
	// Loopback announces the loopback addresses as well.
	Loopback bool
	// Sockets is how many sockets share the UDP port, 1 if 0.
	Sockets int
	// SetupTimeout is how long a Conn may take from SetRemote to connected
	// (30 s if 0).
	SetupTimeout time.Duration
	// Timeout is how long a connected Conn may be silent. Required.
	Timeout time.Duration
	// Logger receives the log; nil discards it.
	Logger *slog.Logger
	// Now tells the time; nil is time.Now. It must run with the clock by which
	// packets are stamped on arrival.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.Timeout <= 0 {
		return c, errors.New("transport: no timeout for silent clients")
	}
	c.SetupTimeout = cmp.Or(c.SetupTimeout, 30*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// Listener is the ports all clients share. Safe for concurrent use.
type Listener struct {
	cfg         Config
	udp         *netio.UDP
	tcp         *netio.TCP // nil without TCP
	cert        tls.Certificate
	fingerprint string
	candidates  []string
	announced   []netip.AddrPort // the UDP ones

	mu      sync.RWMutex
	byName  map[string]*Conn                       // by our ICE user name; guarded by mu
	pairs   map[netio.Pair]*pair                   // UDP; guarded by mu
	streams map[*netio.Stream]*pair                // TCP; guarded by mu
	asked   map[[stun.TransactionIDSize]byte]*pair // requests for consent that are out; guarded by mu
	closed  bool                                   // guarded by mu

	stop chan struct{}
	wg   sync.WaitGroup // the ticker and every Conn's handshake
}

// ErrClosed says that the listener or connection has been closed.
var ErrClosed = errors.New("transport: closed")

// Listen opens the ports and begins to serve them.
func Listen(cfg Config) (*Listener, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Listener{
		cfg:     cfg,
		byName:  make(map[string]*Conn),
		pairs:   make(map[netio.Pair]*pair),
		streams: make(map[*netio.Stream]*pair),
		asked:   make(map[[stun.TransactionIDSize]byte]*pair),
		stop:    make(chan struct{}),
	}
	if err := l.open(); err != nil {
		l.closePorts()
		return nil, err
	}
	l.udp.Serve(func() netio.Handler { return &udpHandler{l} })
	if l.tcp != nil {
		l.tcp.Serve(&tcpHandler{l})
	}
	l.wg.Go(l.watch)
	return l, nil
}

func (l *Listener) open() (err error) {
	if l.cert, l.fingerprint, err = newCertificate(l.cfg.Now()); err != nil {
		return err
	}
	if l.udp, err = netio.ListenUDP(l.cfg.UDPAddr, l.cfg.Sockets); err != nil {
		return err
	}
	if l.cfg.TCPAddr != "" {
		if l.tcp, err = netio.ListenTCP(l.cfg.TCPAddr); err != nil {
			return err
		}
	}
	addrs, err := announced(l.cfg, l.udp.Addr())
	if err != nil {
		return err
	}
	if len(addrs) == 0 {
		return errors.New("transport: no address to announce; give a public address")
	}
	l.candidates = candidateLines(addrs, l.UDPPort(), l.TCPPort())
	for _, a := range addrs {
		l.announced = append(l.announced, netip.AddrPortFrom(a, uint16(l.UDPPort())))
	}
	return nil
}

// newCertificate makes the certificate that all DTLS associations of this
// process use. Nobody checks its names or dates: the client compares its hash
// with the one in the answer.
func newCertificate(now time.Time) (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("dtls key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("dtls serial: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "carillon"},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("dtls certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, "sha-256 " + hexColons(sha256.Sum256(der)), nil
}

// hexColons writes a hash as fingerprints are written.
func hexColons(sum [sha256.Size]byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// UDPPort is the UDP port in use.
func (l *Listener) UDPPort() int { return l.udp.Port() }

// TCPPort is the TCP port in use, 0 if there is none.
func (l *Listener) TCPPort() int {
	if l.tcp == nil {
		return 0
	}
	return l.tcp.Port()
}

// Candidates are the values of the candidate lines for an answer.
func (l *Listener) Candidates() []string { return l.candidates }

// Announced are the UDP addresses in the candidates.
func (l *Listener) Announced() []netip.AddrPort { return l.announced }

// Addr is the UDP address in use; unspecified for every address.
func (l *Listener) Addr() netip.AddrPort {
	return netip.AddrPortFrom(l.udp.Addr(), uint16(l.UDPPort()))
}

// Fingerprint is the certificate's hash as written in an answer.
func (l *Listener) Fingerprint() string { return l.fingerprint }

// Flush sends everything queued on the UDP port.
func (l *Listener) Flush() { l.udp.Flush() }

// Counters of the UDP port.
func (l *Listener) Counters() netio.Counters { return l.udp.Counters() }

// Close closes all connections and the ports and waits for all goroutines.
// Handlers hear nothing of it.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	for _, c := range l.conns() {
		c.Close()
	}
	close(l.stop)
	err := l.closePorts()
	l.wg.Wait()
	return err
}

func (l *Listener) closePorts() error {
	var errs []error
	if l.udp != nil {
		errs = append(errs, l.udp.Close())
	}
	if l.tcp != nil {
		errs = append(errs, l.tcp.Close())
	}
	return errors.Join(errs...)
}

func (l *Listener) conns() []*Conn {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]*Conn, 0, len(l.byName))
	for _, c := range l.byName {
		out = append(out, c)
	}
	return out
}

// watch finds the connections that have gone silent, and keeps the others'
// consent fresh: one timer for all.
func (l *Listener) watch() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			for _, c := range l.conns() {
				c.check(l.cfg.Now())
			}
			l.Flush()
		}
	}
}
