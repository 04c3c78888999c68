package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

// Handler receives what happens on a Conn. The calls come from the goroutines
// that read the ports and must not block. RTP and RTCP are never called at the
// same time as each other for one Conn, nor after Close has returned; they must
// not call Close.
type Handler interface {
	// Checked: the first connectivity check was good.
	Checked(at time.Time)
	// Connected: the keys are agreed; media can be sent.
	Connected(at time.Time)
	// RTP delivers a decrypted packet, valid during the call.
	RTP(h *rtpx.Header, pkt []byte, at time.Time)
	// RTCP delivers a decrypted compound packet, valid during the call.
	RTCP(pkt []byte, at time.Time)
	// Failed: the connection is lost, see ErrTimeout, ErrPeerClosed and
	// ErrHandshake. It comes at most once, nothing follows it, and nothing is
	// sent any more; Close is still needed.
	Failed(err error)
}

// Reasons for Handler.Failed.
var (
	ErrTimeout    = errors.New("transport: nothing received")
	ErrPeerClosed = errors.New("transport: closed by the other side")
	ErrHandshake  = errors.New("transport: handshake failed")
)

// Conn is one client's connection. Safe for concurrent use.
type Conn struct {
	l           *Listener
	handler     Handler
	ufrag, pwd  string
	selected    atomic.Pointer[pair] // the pair to send by; its address agrees
	lastIn      atomic.Int64         // last authentic packet, Unix nanoseconds
	isConnected atomic.Bool

	mu      sync.Mutex // taken after Listener.mu
	remote  *remote    // nil until SetRemote; guarded by mu
	since   time.Time  // when remote was first told; guarded by mu
	pairs   []*pair    // oldest first; guarded by mu
	dtls    *pipe      // nil until the first good check; guarded by mu
	shaking bool       // the handshake has begun; guarded by mu
	ended   bool       // failed or closed; guarded by mu

	in  inbound
	out outbound
}

// remote is what the client's offer says of its side.
type remote struct {
	ufrag, pwd   string
	fingerprints []sdp.Fingerprint
}

// is says whether an offer is of the same ICE session and certificate.
func (r *remote) is(o remote) bool {
	return r.ufrag == o.ufrag && r.pwd == o.pwd && slices.Equal(r.fingerprints, o.fingerprints)
}

// Open makes a connection that waits for its client.
func (l *Listener) Open(h Handler) (*Conn, error) {
	c := &Conn{l: l, handler: h, ufrag: randomToken(8), pwd: randomToken(24)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	l.byName[c.ufrag] = c
	return c, nil
}

// Credentials are the ICE user name and password for the answer.
func (c *Conn) Credentials() (ufrag, pwd string) { return c.ufrag, c.pwd }

// SetRemote tells the client's side; from now on its checks are answered. Later
// calls must say the same, as neither side restarts ICE.
func (c *Conn) SetRemote(o *sdp.Offer) error {
	r := remote{ufrag: o.Ufrag, pwd: o.Pwd}
	for _, f := range o.Fingerprints {
		if hashFor(f.Algorithm) != 0 {
			r.fingerprints = append(r.fingerprints, f)
		}
	}
	if len(r.fingerprints) == 0 {
		return fmt.Errorf("%w: no fingerprint with a known algorithm", sdp.ErrSyntax)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.remote == nil:
		c.remote, c.since = &r, c.l.cfg.Now()
	case !c.remote.is(r):
		return fmt.Errorf("%w: other ICE credentials or fingerprint than before", sdp.ErrSyntax)
	}
	return nil
}

// Remote is the client's address and whether it is reached by TCP; ok is false
// before there is one.
func (c *Conn) Remote() (addr netip.AddrPort, tcp, ok bool) {
	p := c.selected.Load()
	if p == nil {
		return addr, false, false
	}
	return p.Pair.Remote, p.stream != nil, true
}

// IsConnected says whether media can flow.
func (c *Conn) IsConnected() bool { return c.isConnected.Load() }

// Flush sends what is queued for the client.
func (c *Conn) Flush() {
	if p := c.selected.Load(); p != nil {
		p.sender.Flush()
	}
}

// Close ends the connection silently. When it returns nothing more is sent and
// no handler call is running or will be made.
func (c *Conn) Close() {
	c.end()
	c.in.mu.Lock() // a handler call in progress ends first
	c.in.closed = true
	c.in.mu.Unlock()
}

// fail ends the connection and tells the handler why, once.
func (c *Conn) fail(err error) {
	if c.end() {
		c.in.mu.Lock()
		c.in.closed = true
		c.in.mu.Unlock()
		c.l.cfg.Logger.Debug("media connection lost", "reason", err)
		c.handler.Failed(err)
	}
}

// end takes the connection out of service; it reports whether this call did.
func (c *Conn) end() bool {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return false
	}
	c.ended = true
	pairs, pipe := c.pairs, c.dtls
	c.pairs = nil
	c.mu.Unlock()
	c.isConnected.Store(false)
	c.out.close()
	c.Flush() // what is already encrypted goes before end returns, not after
	l := c.l
	l.mu.Lock()
	delete(l.byName, c.ufrag)
	for _, p := range pairs {
		l.forgetLocked(p)
	}
	l.mu.Unlock()
	for _, p := range pairs {
		if p.stream != nil {
			p.stream.Close()
		}
	}
	if pipe != nil {
		pipe.shut()
	}
	return true
}

// check fails the connection if it has been silent for too long, and renews its
// consent.
func (c *Conn) check(now time.Time) {
	c.mu.Lock()
	waiting, since := c.remote == nil, c.since
	c.mu.Unlock()
	var err error
	switch last := time.Unix(0, c.lastIn.Load()); {
	case waiting:
		// The owner has not offered yet; its own timers apply.
	case !c.isConnected.Load():
		if now.Sub(since) > c.l.cfg.SetupTimeout {
			err = fmt.Errorf("%w: not connected after %v", ErrTimeout, c.l.cfg.SetupTimeout)
		}
	case now.Sub(last) > c.l.cfg.Timeout:
		err = fmt.Errorf("%w for %v", ErrTimeout, now.Sub(last).Round(time.Second))
	default:
		err = c.renew(now)
	}
	if err != nil {
		c.fail(err)
	}
}
