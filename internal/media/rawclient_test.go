package media

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/deadline"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

// rawClient is a client that costs next to nothing: one socket, one certificate
// for all, no interceptors. It is for load and leak tests, where hundreds join.
type rawClient struct {
	conn         *net.UDPConn
	ufrag, pwd   string
	theirs       string // the server's ICE user name
	key          string // the server's ICE password
	dtls         *rawPipe
	in, out      *srtp.Context
	outMu        sync.Mutex
	ssrc         uint32
	seq          uint16
	ts           uint32
	wg           sync.WaitGroup
	checked      chan struct{} // a check has been answered
	keyed        chan struct{} // closed when there are keys
	first        chan struct{} // closed at the first media packet
	onRTP        func(h *rtpx.Header, pkt []byte, at time.Time)
	header       rtp.Header
	checkedOnce  sync.Once
	firstOnce    sync.Once
	certificates tls.Certificate
	association  *dtls.Conn
}

// rawCertificate makes a certificate that clients may share.
func rawCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func newRawClient(cert tls.Certificate, ssrc uint32) (*rawClient, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	return &rawClient{
		conn: conn, ufrag: rand.Text()[:8], pwd: rand.Text() + rand.Text(), ssrc: ssrc, certificates: cert,
		checked: make(chan struct{}), keyed: make(chan struct{}), first: make(chan struct{}),
	}, nil
}

// offer writes an offer with sound, a camera and receiving sections.
func (c *rawClient) offer(camera string, receiving int) string {
	sum := sha256.Sum256(c.certificates.Certificate[0])
	var hash []string
	for _, b := range sum {
		hash = append(hash, fmt.Sprintf("%02X", b))
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0")
	mids := []string{"0", "1"}
	for i := range receiving {
		mids = append(mids, fmt.Sprint(i+2))
	}
	line("a=group:BUNDLE %s", strings.Join(mids, " "))
	line("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:actpass", c.ufrag, c.pwd, strings.Join(hash, ":"))
	line("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=extmap:1 %s", sdp.ExtLevel)
	video := func(mid, direction string) {
		line("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:%s\r\na=%s\r\na=extmap:3 %s", mid, direction, sdp.ExtTransportWide)
		line("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96")
	}
	video("1", camera)
	for _, mid := range mids[2:] {
		video(mid, "recvonly")
	}
	if camera == "sendrecv" {
		return strings.Replace(b.String(), "a=mid:1\r\n", fmt.Sprintf("a=mid:1\r\na=ssrc:%d cname:c\r\n", c.ssrc+1), 1)
	}
	return b.String()
}

// connect takes the answer and runs ICE and DTLS.
func (c *rawClient) connect(ctx context.Context, answer string) error {
	var server *net.UDPAddr
	for l := range strings.SplitSeq(answer, "\r\n") {
		if v, ok := strings.CutPrefix(l, "a=ice-ufrag:"); ok {
			c.theirs = v
		}
		if v, ok := strings.CutPrefix(l, "a=ice-pwd:"); ok {
			c.key = v
		}
		if f := strings.Fields(l); strings.HasPrefix(l, "a=candidate:") && f[2] == "udp" && server == nil {
			addr, err := net.ResolveUDPAddr("udp4", f[4]+":"+f[5])
			if err != nil {
				return err
			}
			server = addr
		}
	}
	c.dtls = &rawPipe{conn: c.conn, server: server, in: make(chan []byte, 32), done: make(chan struct{}), read: deadline.New()}
	c.wg.Go(func() { c.readLoop(server) })
	c.wg.Go(func() { c.checkLoop(server) })
	select {
	case <-c.checked:
	case <-ctx.Done():
		return errors.New("no answer to checks")
	}
	conn, err := dtls.ClientWithOptions(c.dtls, server, dtls.WithCertificates(c.certificates), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), dtls.WithFlightInterval(100*time.Millisecond))
	if err != nil {
		return err
	}
	c.association = conn
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	state, _ := conn.ConnectionState()
	cfg := srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return err
	}
	in, err1 := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile)
	out, err2 := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
	c.in, c.out = in, out
	close(c.keyed)
	return errors.Join(err1, err2)
}

// checkLoop sends connectivity checks: quickly until one is answered, then to
// keep the consent alive.
func (c *rawClient) checkLoop(server *net.UDPAddr) {
	wait := 20 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.dtls.done:
			return
		case <-c.checked:
			wait = 2 * time.Second
		default:
		}
		select {
		case <-c.dtls.done:
			return
		case <-timer.C:
		}
		m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.theirs+":"+c.ufrag),
			stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
			stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
			stun.NewShortTermIntegrity(c.key), stun.Fingerprint)
		if err == nil {
			_, _ = c.conn.WriteToUDP(m.Raw, server)
		}
		timer.Reset(wait)
	}
}

func (c *rawClient) readLoop(*net.UDPAddr) {
	buf := make([]byte, 2048)
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			return
		}
		switch pkt := buf[:n]; {
		case pkt[0] < 4:
			c.checkedOnce.Do(func() { close(c.checked) })
		case pkt[0] >= 20 && pkt[0] < 64:
			select {
			case c.dtls.in <- append([]byte(nil), pkt...):
			default:
			}
		case pkt[1] >= 192 && pkt[1] < 224:
		default:
			c.media(pkt)
		}
	}
}

func (c *rawClient) media(pkt []byte) {
	select {
	case <-c.keyed:
	default:
		return
	}
	c.firstOnce.Do(func() { close(c.first) })
	if c.onRTP == nil {
		return
	}
	plain, err := c.in.DecryptRTP(pkt[:0], pkt, &c.header)
	if err != nil {
		return
	}
	if h, err := rtpx.ParseHeader(plain); err == nil {
		c.onRTP(&h, plain, time.Now())
	}
}

// sendAudio sends 20 ms of Opus with its level, or nothing before there are keys.
func (c *rawClient) sendAudio(payload []byte, level byte) {
	var b [256]byte
	n := rtpx.PutHeader(b[:], rtpx.Header{PayloadType: 111, Seq: c.seq, TS: c.ts, SSRC: c.ssrc})
	b[0] |= 0x10
	n += copy(b[n:], []byte{0xBE, 0xDE, 0, 1, 1 << 4, level, 0, 0})
	n += copy(b[n:len(b)-20], payload)
	c.seq++
	c.ts += 960
	c.send(b[:n])
}

// sendVideo sends one packet of a VP8 frame.
func (c *rawClient) sendVideo(seq uint16, ts uint32, key, marker bool, size int) {
	b := make([]byte, 1400)
	n := rtpx.PutHeader(b, rtpx.Header{PayloadType: 96, Seq: seq, TS: ts, SSRC: c.ssrc + 1, Marker: marker})
	if key {
		copy(b[n:], []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00})
	} else {
		copy(b[n:], []byte{0x00, 0x01})
	}
	c.send(b[:n+size])
}

func (c *rawClient) send(plain []byte) {
	select {
	case <-c.keyed:
	default:
		return
	}
	c.outMu.Lock()
	defer c.outMu.Unlock()
	var buf [1500]byte
	out, err := c.out.EncryptRTP(buf[:0], plain, nil)
	if err == nil {
		_, _ = c.conn.WriteToUDP(out, c.dtls.server)
	}
}

// close leaves without a word.
func (c *rawClient) close() {
	if c.dtls != nil {
		_ = c.dtls.Close()
	}
	if c.association != nil {
		_ = c.association.Close()
	}
	_ = c.conn.Close()
	c.wg.Wait()
}

// rawPipe carries the DTLS records.
type rawPipe struct {
	conn   *net.UDPConn
	server *net.UDPAddr
	in     chan []byte
	done   chan struct{}
	once   sync.Once
	read   *deadline.Deadline
}

func (p *rawPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.done:
		return 0, nil, net.ErrClosed
	case <-p.read.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case pkt := <-p.in:
		return copy(b, pkt), p.server, nil
	}
}

func (p *rawPipe) WriteTo(b []byte, _ net.Addr) (int, error) { return p.conn.WriteToUDP(b, p.server) }

func (p *rawPipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *rawPipe) LocalAddr() net.Addr               { return p.conn.LocalAddr() }
func (p *rawPipe) SetDeadline(t time.Time) error     { return p.SetReadDeadline(t) }
func (p *rawPipe) SetWriteDeadline(time.Time) error  { return nil }
func (p *rawPipe) SetReadDeadline(t time.Time) error { p.read.Set(t); return nil }
