package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Client is one client. Set the callbacks before Connect; the other methods are
// safe for concurrent use.
type Client struct {
	// OnRTP and OnRTCP receive decrypted packets, valid during the call, from
	// one goroutine. With OnRTP nil media is counted as arrived without being
	// decrypted.
	OnRTP  func(h *rtpx.Header, pkt []byte, at time.Time)
	OnRTCP func(pkt []byte, at time.Time)
	// CheckEvery is the time between connectivity checks once one has been
	// answered; 2 s if 0.
	CheckEvery time.Duration
	// OpusParameters are the format parameters that offers have for Opus (RFC 7587
	// §6.1), for example "stereo=1;sprop-stereo=1"; empty means none. RED offers
	// redundant audio (RFC 2198) as well.
	OpusParameters string
	RED            bool

	cert       tls.Certificate
	ufrag, pwd string
	ssrc       uint32
	server     *net.UDPAddr
	answer     answer
	socket     atomic.Pointer[net.UDPConn]
	refuses    atomic.Bool // see SetConsent
	pipe       *pipe
	dtls       *dtls.Conn
	wg         sync.WaitGroup

	checkedOnce, firstOnce sync.Once
	checked, keyed, first  chan struct{}

	in       *srtp.Context // used by the reading goroutine
	header   rtp.Header
	outMu    sync.Mutex
	out      *srtp.Context
	audioSeq uint16
	audioTS  uint32
}

// New opens a client's socket. cert may be shared.
func New(cert tls.Certificate) (*Client, error) {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("client socket: %w", err)
	}
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("client ssrc: %w", err)
	}
	c := &Client{
		cert: cert, ufrag: rand.Text()[:8], pwd: rand.Text(), ssrc: binary.BigEndian.Uint32(id[:]) &^ 1,
		checked: make(chan struct{}), keyed: make(chan struct{}), first: make(chan struct{}),
	}
	c.socket.Store(socket)
	return c, nil
}

// AudioSSRC and VideoSSRC are what the client sends with.
func (c *Client) AudioSSRC() uint32 { return c.ssrc }

// VideoSSRC see AudioSSRC.
func (c *Client) VideoSSRC() uint32 { return c.ssrc | 1 }

// First is closed when the first media packet has come.
func (c *Client) First() <-chan struct{} { return c.first }

// Connect takes the server's answer and runs ICE and DTLS. When it returns nil,
// media can be sent.
func (c *Client) Connect(ctx context.Context, answerSDP string) error {
	a, err := readAnswer(answerSDP)
	if err != nil {
		return err
	}
	c.answer = a
	if c.server, err = net.ResolveUDPAddr("udp", a.address); err != nil {
		return fmt.Errorf("candidate: %w", err)
	}
	c.pipe = newPipe(c)
	socket := c.socket.Load()
	c.wg.Go(func() { c.read(socket) })
	c.wg.Go(c.check)
	select {
	case <-c.checked:
	case <-ctx.Done():
		return errors.New("connectivity checks are not answered")
	}
	return c.handshake(ctx)
}

func (c *Client) handshake(ctx context.Context) error {
	conn, err := dtls.ClientWithOptions(c.pipe, c.server,
		dtls.WithCertificates(c.cert), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), dtls.WithFlightInterval(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("dtls: %w", err)
	}
	c.dtls = conn
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("dtls: %w", err)
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return errors.New("dtls: no state")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return fmt.Errorf("media keys: %w", err)
	}
	in, err1 := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile)
	out, err2 := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("media keys: %w", err)
	}
	c.in, c.out = in, out
	close(c.keyed)
	return nil
}

// check sends connectivity checks: quickly until one is answered, then to keep
// the connection alive.
func (c *Client) check() {
	keep := c.CheckEvery
	if keep == 0 {
		keep = 2 * time.Second
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.pipe.done:
			return
		case <-timer.C:
		}
		c.Check()
		select {
		case <-c.checked:
			timer.Reset(keep)
		default:
			timer.Reset(20 * time.Millisecond)
		}
	}
}

// Check sends one connectivity check now.
func (c *Client) Check() { c.WriteRaw(c.Binding()) }

// Binding is a connectivity check that has not been sent, nil before Connect.
func (c *Client) Binding() []byte {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.answer.ufrag+":"+c.ufrag),
		stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 1, 0xff}},
		stun.NewShortTermIntegrity(c.answer.pwd), stun.Fingerprint)
	if err != nil {
		return nil
	}
	return m.Raw
}

// SetConsent says whether the server's own checks are answered, as they are at
// first: without an answer the server sends nothing else (RFC 7675).
func (c *Client) SetConsent(agrees bool) { c.refuses.Store(!agrees) }

// receiveSTUN takes the answer to a check, or answers one of the server's.
func (c *Client) receiveSTUN(socket *net.UDPConn, pkt []byte) {
	m := &stun.Message{Raw: pkt}
	if m.Decode() != nil {
		return
	}
	switch m.Type {
	case stun.BindingSuccess:
		c.checkedOnce.Do(func() { close(c.checked) })
	case stun.BindingRequest:
		key := stun.NewShortTermIntegrity(c.pwd)
		if c.refuses.Load() || key.Check(m) != nil {
			return
		}
		answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: c.server.IP, Port: c.server.Port}, key, stun.Fingerprint)
		if err == nil {
			_, _ = socket.WriteToUDP(answer.Raw, c.server)
		}
	}
}

// WriteRaw sends a datagram as it is.
func (c *Client) WriteRaw(pkt []byte) { _, _ = c.socket.Load().WriteToUDP(pkt, c.server) }

// LocalPort is the client's UDP port.
func (c *Client) LocalPort() int { return c.socket.Load().LocalAddr().(*net.UDPAddr).Port }

// Rebind moves the client to another port, as a change of network does: the given
// one, or any if it is 0.
func (c *Client) Rebind(port int) error {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
	if err != nil {
		return fmt.Errorf("client socket: %w", err)
	}
	old := c.socket.Swap(socket)
	if c.server != nil { // else Connect begins to read
		c.wg.Go(func() { c.read(socket) })
	}
	return old.Close()
}

func (c *Client) read(socket *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, err := socket.Read(buf)
		if err != nil {
			return
		}
		if n > 12 {
			c.receive(socket, buf[:n])
		}
	}
}

// receive sorts a datagram by its first byte (RFC 7983).
func (c *Client) receive(socket *net.UDPConn, pkt []byte) {
	switch {
	case pkt[0] < 4:
		c.receiveSTUN(socket, pkt)
		return
	case pkt[0] >= 20 && pkt[0] < 64:
		c.pipe.put(pkt)
		return
	}
	select {
	case <-c.keyed:
	default:
		return
	}
	if pkt[1] >= 192 && pkt[1] < 224 {
		if c.OnRTCP != nil {
			if plain, err := c.in.DecryptRTCP(nil, pkt, nil); err == nil {
				c.OnRTCP(plain, time.Now())
			}
		}
		return
	}
	c.firstOnce.Do(func() { close(c.first) })
	if c.OnRTP == nil {
		return
	}
	plain, err := c.in.DecryptRTP(pkt[:0], pkt, &c.header)
	if err != nil {
		return
	}
	if h, err := rtpx.ParseHeader(plain); err == nil {
		c.OnRTP(&h, plain, time.Now())
	}
}

// SendAudio sends one Opus packet of 20 ms. level is the loudness in dB below full
// scale, 127 for silence. Before Connect has succeeded it does nothing.
func (c *Client) SendAudio(payload []byte, level uint8) {
	var b [1500]byte
	c.outMu.Lock()
	h := rtpx.Header{PayloadType: OpusType, Seq: c.audioSeq, TS: c.audioTS, SSRC: c.ssrc}
	c.audioSeq++
	c.audioTS += rtpx.FrameSamples
	c.outMu.Unlock()
	n := rtpx.PutHeader(b[:], h)
	b[0] |= 0x10
	n += copy(b[n:], []byte{0xBE, 0xDE, 0, 1, levelID << 4, level, 0, 0})
	n += copy(b[n:len(b)-32], payload)
	c.SendRTP(b[:n])
}

// SendRTP encrypts and sends a packet; pkt is only read.
func (c *Client) SendRTP(pkt []byte) { c.send(pkt, (*srtp.Context).EncryptRTP) }

// SendRTCP encrypts and sends a packet; pkt is only read.
func (c *Client) SendRTCP(pkt []byte) {
	c.send(pkt, func(x *srtp.Context, dst, plain []byte, _ *rtp.Header) ([]byte, error) {
		return x.EncryptRTCP(dst, plain, nil)
	})
}

// Seal encrypts a packet without sending it.
func (c *Client) Seal(pkt []byte) []byte {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	out, err := c.out.EncryptRTP(nil, pkt, nil)
	if err != nil {
		return nil
	}
	return out
}

func (c *Client) send(pkt []byte, encrypt func(*srtp.Context, []byte, []byte, *rtp.Header) ([]byte, error)) {
	select {
	case <-c.keyed:
	default:
		return
	}
	var buf [2048]byte
	c.outMu.Lock()
	out, err := encrypt(c.out, buf[:0], pkt, nil)
	c.outMu.Unlock()
	if err == nil {
		c.WriteRaw(out)
	}
}

// Shut says goodbye as a browser does that closes its connection; Close is still
// needed.
func (c *Client) Shut() error { return c.dtls.Close() }

// Close leaves without a word and waits for the client's goroutines.
func (c *Client) Close() error {
	if c.pipe != nil {
		_ = c.pipe.Close()
	}
	if c.dtls != nil {
		_ = c.dtls.Close() // into the closed pipe
	}
	err := c.socket.Load().Close()
	c.wg.Wait()
	return err
}
