package transport

import (
	"context"
	"crypto"
	_ "crypto/sha1" // for old clients' fingerprints
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/deadline"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

// flightInterval is how soon a lost handshake packet is sent again.
const flightInterval = 200 * time.Millisecond

// maxStray is how many unexpected records an association survives.
const maxStray = 1000

// profiles are the ways to protect media, best first: GCM costs a third of the
// CPU of the other where the processor has AES instructions.
func profiles() []dtls.SRTPProtectionProfile {
	return []dtls.SRTPProtectionProfile{
		dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80,
	}
}

// handshake is the goroutine of a connection's DTLS association, from the first
// consent to the end.
func (c *Conn) handshake() {
	err := c.associate()
	if !errors.Is(err, ErrPeerClosed) {
		err = fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	c.fail(err)
}

// associate runs the association and returns why it ended.
func (c *Conn) associate() error {
	conn, err := dtls.ServerWithOptions(c.dtls, pipeAddr{},
		dtls.WithCertificates(c.l.cert),
		dtls.WithSRTPProtectionProfiles(profiles()...),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is what is verified
		dtls.WithVerifyPeerCertificate(c.verify),
		dtls.WithInsecureSkipVerifyHello(true), // the address has agreed
		dtls.WithFlightInterval(flightInterval),
		dtls.WithLoggerFactory(quiet()),
	)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), c.l.cfg.SetupTimeout)
	err = conn.HandshakeContext(ctx)
	cancel()
	if err != nil {
		return err
	}
	if err := c.install(conn); err != nil {
		return err
	}
	return drain(conn)
}

// drain waits for the client's farewell. No data is expected; stray records are
// passed over.
func drain(conn *dtls.Conn) error {
	buf := make([]byte, 2048)
	for range maxStray {
		if _, err := conn.Read(buf); errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return ErrPeerClosed
		}
	}
	return errors.New("too many unexpected records")
}

// verify compares the client's certificate with the fingerprints of its offer.
func (c *Conn) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errors.New("no certificate")
	}
	c.mu.Lock()
	fingerprints := c.remote.fingerprints
	c.mu.Unlock()
	for _, f := range fingerprints {
		h := hashFor(f.Algorithm).New()
		h.Write(raw[0])
		if strings.ReplaceAll(f.Value, ":", "") == strings.ToUpper(fmt.Sprintf("%x", h.Sum(nil))) {
			return nil
		}
	}
	return errors.New("certificate does not match the offer's fingerprint")
}

// hashFor returns the hash with an SDP name, 0 if it is not known.
func hashFor(name string) crypto.Hash {
	switch name {
	case "sha-1":
		return crypto.SHA1
	case "sha-224":
		return crypto.SHA224
	case "sha-256":
		return crypto.SHA256
	case "sha-384":
		return crypto.SHA384
	case "sha-512":
		return crypto.SHA512
	}
	return 0
}

// install derives the media keys and opens the connection for media.
func (c *Conn) install(conn *dtls.Conn) error {
	state, ok := conn.ConnectionState()
	if !ok {
		return errors.New("no connection state")
	}
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return errors.New("no SRTP profile agreed")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return err
	}
	in, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return err
	}
	out, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return err
	}
	return c.connected(in, out)
}

func (c *Conn) connected(in, out *srtp.Context) error {
	now := c.l.cfg.Now()
	c.in.mu.Lock()
	c.in.ctx = in
	c.in.mu.Unlock()
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return ErrClosed
	}
	c.out.open(out)
	c.isConnected.Store(true)
	c.lastIn.Store(now.UnixNano())
	c.mu.Unlock()
	c.handler.Connected(now)
	return nil
}

// pipe is the association's side of a Conn: a net.PacketConn whose datagrams
// come from the ports' readers.
type pipe struct {
	conn *Conn
	in   chan []byte
	done chan struct{}
	once sync.Once
	read *deadline.Deadline
}

// pipeQueue holds a whole flight of handshake messages.
const pipeQueue = 32

func newPipe(c *Conn) *pipe {
	return &pipe{conn: c, in: make(chan []byte, pipeQueue), done: make(chan struct{}), read: deadline.New()}
}

// put hands over a received record; when too much waits it is lost.
func (p *pipe) put(pkt []byte) {
	select {
	case p.in <- append([]byte(nil), pkt...):
	default:
	}
}

// shut ends the pipe: reads fail and writes go nowhere.
func (p *pipe) shut() { p.once.Do(func() { close(p.done) }) }

// ReadFrom implements net.PacketConn.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.done:
		return 0, nil, net.ErrClosed
	case <-p.read.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case pkt := <-p.in:
		return copy(b, pkt), pipeAddr{}, nil
	}
}

// WriteTo implements net.PacketConn. It sends at once.
func (p *pipe) WriteTo(pkt []byte, _ net.Addr) (int, error) {
	select {
	case <-p.done:
		return 0, net.ErrClosed
	default:
	}
	pair := p.conn.selected.Load()
	if pair == nil || len(pkt) > netio.BufferSize {
		return 0, net.ErrClosed
	}
	b := netio.Get()
	b.N = copy(b.B[:], pkt)
	pair.sender.Send(b)
	pair.sender.Flush()
	return len(pkt), nil
}

// Close implements net.PacketConn.
func (p *pipe) Close() error {
	p.shut()
	return nil
}

// LocalAddr implements net.PacketConn.
func (p *pipe) LocalAddr() net.Addr { return pipeAddr{} }

// SetDeadline implements net.PacketConn. Writes never wait.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.read.Set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// pipeAddr stands for the client, whatever pair it is reached by.
type pipeAddr struct{}

func (pipeAddr) Network() string { return "udp" }
func (pipeAddr) String() string  { return "client" }

// quiet keeps the handshake's chatter out of the log: what matters comes back as
// an error.
func quiet() logging.LoggerFactory {
	return &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
}
