package transport

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

const (
	// maxPairs bounds the candidate pairs of one Conn.
	maxPairs = 8
	// staleAfter is how long the pair in use must have been silent before another
	// one's nomination counts. Browsers nominate every pair that works and then
	// send by the best of them.
	staleAfter = 5 * time.Second
)

// pair is a candidate pair (RFC 8445 §2) by which a connectivity check of the
// client's has come.
type pair struct {
	netio.Pair
	conn   *Conn
	sender sender
	stream *netio.Stream // nil for UDP

	lastIn  atomic.Int64 // last authentic packet, Unix nanoseconds
	asked   atomic.Int64 // last request for consent, Unix nanoseconds
	consent consent      // guarded by conn.mu
	// nominated says that the client has; guarded by conn.mu.
	nominated bool
}

// sender sends to a pair's remote address: a *netio.Sender or *netio.Stream.
type sender interface {
	Send(*netio.Buffer)
	Flush()
}

// udpHandler takes what arrives on the UDP port.
type udpHandler struct{ l *Listener }

// Datagram sorts a datagram by its first byte (RFC 7983).
func (h *udpHandler) Datagram(s *netio.Socket, from netio.Pair, pkt []byte, at time.Time) {
	h.l.mu.RLock()
	p := h.l.pairs[from]
	h.l.mu.RUnlock()
	if isSTUN(pkt) {
		h.l.receiveSTUN(pkt, from, p, at, func(c *Conn) *pair {
			return &pair{Pair: from, conn: c, sender: s.Sender(from)}
		})
		return
	}
	if p != nil {
		p.receive(pkt, at)
	}
}

// BatchEnd sends what the batch gave rise to.
func (h *udpHandler) BatchEnd() { h.l.udp.Flush() }

// tcpHandler takes what arrives on TCP connections.
type tcpHandler struct{ l *Listener }

// StreamDatagram is like Datagram, for one connection.
func (h *tcpHandler) StreamDatagram(s *netio.Stream, pkt []byte, at time.Time) {
	h.l.mu.RLock()
	p := h.l.streams[s]
	h.l.mu.RUnlock()
	switch {
	case isSTUN(pkt):
		h.l.receiveSTUN(pkt, s.Pair, p, at, func(c *Conn) *pair {
			return &pair{Pair: s.Pair, conn: c, sender: s, stream: s}
		})
	case p != nil:
		p.receive(pkt, at)
	default:
		s.Close() // a stranger
		return
	}
	h.l.udp.Flush() // media forwarded to others
}

// StreamEnd gives up the pair; the client may have others.
func (h *tcpHandler) StreamEnd(s *netio.Stream) {
	h.l.mu.Lock()
	p := h.l.streams[s]
	delete(h.l.streams, s)
	h.l.mu.Unlock()
	if p != nil {
		p.conn.drop(p)
	}
}

func isSTUN(pkt []byte) bool { return len(pkt) > 0 && pkt[0] < 4 }

// receiveSTUN takes a STUN message that came from known, nil if no pair has
// these addresses; open makes one.
func (l *Listener) receiveSTUN(pkt []byte, from netio.Pair, known *pair, at time.Time, open func(*Conn) *pair) {
	m := &stun.Message{Raw: pkt}
	if m.Decode() != nil {
		return
	}
	switch m.Type {
	case stun.BindingRequest:
		l.check(m, from, known, at, open)
	case stun.BindingSuccess:
		l.consented(m, from, at)
	}
}

// check answers a connectivity check, and asks the address it came from for
// consent if it has not agreed yet.
func (l *Listener) check(m *stun.Message, from netio.Pair, known *pair, at time.Time, open func(*Conn) *pair) {
	c := l.authenticate(m)
	if c == nil {
		return
	}
	p := known
	if p == nil || p.conn != c {
		if p = c.find(from); p == nil {
			p = open(c)
		}
		if !l.adopt(p, at) {
			return
		}
	}
	answer, err := respond(m, c.pwd, from)
	if err != nil {
		return
	}
	// Noted before it is answered: what the client sends next finds the pair.
	p.checked(m.Contains(attrUseCandidate), at)
	p.sender.Send(answer)
}

// find returns the UDP pair with these addresses, which is not in the table while
// another Conn's is; nil if there is none.
func (c *Conn) find(from netio.Pair) *pair {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.pairs, func(p *pair) bool { return p.stream == nil && p.Pair == from })
	if i < 0 {
		return nil
	}
	return c.pairs[i]
}

// adopt enters a pair among its Conn's and in the tables; it reports false when
// the Conn has ended. The oldest unused one makes room. An address that has agreed to
// another Conn stays that one's until it agrees to this one: anybody can send
// checks of his own in another's name.
func (l *Listener) adopt(p *pair, at time.Time) bool {
	c := p.conn
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := p.stream == nil && l.pairs[p.Pair].agrees(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || l.closed {
		return false
	}
	if !slices.Contains(c.pairs, p) {
		if len(c.pairs) >= maxPairs {
			l.evictLocked(c)
		}
		c.pairs = append(c.pairs, p)
	}
	switch {
	case p.stream != nil:
		p.stream.Keep()
		l.streams[p.stream] = p
	case !taken:
		l.pairs[p.Pair] = p
	}
	return true
}

// agrees says whether a pair, nil for none, may be sent to. It takes conn.mu.
func (p *pair) agrees(at time.Time) bool {
	if p == nil {
		return false
	}
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	return p.agreesLocked(at)
}

// evictLocked drops a Conn's oldest pair that is not in use. It needs l.mu and
// c.mu.
func (l *Listener) evictLocked(c *Conn) {
	i := slices.IndexFunc(c.pairs, func(p *pair) bool { return p != c.selected.Load() })
	old := c.pairs[i]
	c.pairs = slices.Delete(c.pairs, i, i+1)
	l.forgetLocked(old)
	if old.stream != nil {
		old.stream.Close()
	}
}

// forgetLocked removes a pair from the tables. It needs l.mu, and conn.mu unless
// the Conn has ended.
func (l *Listener) forgetLocked(p *pair) {
	delete(l.asked, p.consent.id)
	switch {
	case p.stream != nil:
		if l.streams[p.stream] == p {
			delete(l.streams, p.stream)
		}
	case l.pairs[p.Pair] == p:
		delete(l.pairs, p.Pair)
	}
}

// drop takes a pair out of use after its TCP connection has ended.
func (c *Conn) drop(p *pair) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pairs = slices.DeleteFunc(c.pairs, func(o *pair) bool { return o == p })
	if c.selected.Load() != p {
		return
	}
	for _, o := range c.pairs {
		if o.agreesLocked(time.Unix(0, o.lastIn.Load())) {
			c.selected.Store(o)
		}
	}
}

// checked takes note of a good check: the first one of a Conn gets the handshake
// ready.
func (p *pair) checked(nominated bool, at time.Time) {
	c := p.conn
	c.lastIn.Store(at.UnixNano())
	p.lastIn.Store(at.UnixNano())
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	p.nominated = p.nominated || nominated
	first := c.dtls == nil
	if first {
		c.dtls = newPipe(c)
	}
	agrees := p.agreesLocked(at)
	if agrees {
		p.selectLocked(at)
	}
	c.mu.Unlock()
	if first {
		c.handler.Checked(at)
	}
	if !agrees {
		p.ask(at)
	}
}

// selectLocked makes a pair that agrees the one to send by if there is none
// better, and starts the handshake. It needs conn.mu.
func (p *pair) selectLocked(at time.Time) {
	c := p.conn
	current := c.selected.Load()
	switch {
	case current == nil || !current.agreesLocked(at),
		p.nominated && !current.nominated,
		p.nominated && at.Sub(time.Unix(0, current.lastIn.Load())) > staleAfter:
		c.selected.Store(p)
	}
	if !c.shaking {
		c.shaking = true
		c.l.wg.Go(c.handshake)
	}
}

// receive sorts what is not STUN (RFC 7983, RFC 5761).
func (p *pair) receive(pkt []byte, at time.Time) {
	switch {
	case len(pkt) < 12:
	case pkt[0] >= 20 && pkt[0] < 64:
		p.receiveDTLS(pkt, at)
	case pkt[0] >= 128 && pkt[0] < 192 && pkt[1] >= 192 && pkt[1] < 224:
		p.receiveRTCP(pkt, at)
	case pkt[0] >= 128 && pkt[0] < 192:
		p.receiveRTP(pkt, at)
	}
}

// receiveDTLS passes a record to the handshake. Until there are keys, the pair
// the client shakes hands by is the one to use.
func (p *pair) receiveDTLS(pkt []byte, at time.Time) {
	c := p.conn
	c.mu.Lock()
	pipe := c.dtls
	c.mu.Unlock()
	if pipe == nil {
		return
	}
	if !c.isConnected.Load() {
		p.use(at)
	} else if forgeable(pkt) {
		return
	}
	pipe.put(pkt)
}

// forgeable says whether a record is an unprotected alert or unprotected data:
// after the handshake only a forger sends such.
func forgeable(record []byte) bool {
	const alert, data = 21, 23
	return record[3] == 0 && record[4] == 0 && (record[0] == alert || record[0] == data)
}

// authentic takes note that a packet that came by p was really the client's.
func (p *pair) authentic(at time.Time) {
	p.conn.lastIn.Store(at.UnixNano())
	p.lastIn.Store(at.UnixNano())
	p.use(at)
}

// use sends by p from now on if its address agrees, and asks for that otherwise.
func (p *pair) use(at time.Time) {
	c := p.conn
	if c.selected.Load() == p {
		return
	}
	c.mu.Lock()
	agrees := p.agreesLocked(at)
	if agrees && !c.ended {
		c.selected.Store(p)
	}
	c.mu.Unlock()
	if !agrees {
		p.ask(at)
	}
}
