package transport

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

// udpHandler takes what arrives on the UDP port.
type udpHandler struct{ l *Listener }

// Datagram sorts a datagram by its first byte (RFC 7983).
func (h *udpHandler) Datagram(s *netio.Socket, from netio.Endpoint, pkt []byte, at time.Time) {
	h.l.mu.RLock()
	p := h.l.paths[from]
	h.l.mu.RUnlock()
	if isSTUN(pkt) {
		h.l.check(pkt, from, p, at, func(c *Conn) *path {
			return &path{conn: c, endpoint: from, way: s.Dest(from)}
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
		h.l.check(pkt, s.Endpoint, p, at, func(c *Conn) *path {
			return &path{conn: c, endpoint: s.Endpoint, way: s, stream: s}
		})
	case p != nil:
		p.receive(pkt, at)
	default:
		s.Close() // a stranger
		return
	}
	h.l.udp.Flush() // media forwarded to others
}

// StreamEnd gives up the way; the client may have others.
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

// check answers a connectivity check. known is the path by which it came if
// there is one already; otherwise open makes it.
func (l *Listener) check(pkt []byte, from netio.Endpoint, known *path, at time.Time, open func(*Conn) *path) {
	k, ok := l.authenticate(pkt)
	if !ok {
		return
	}
	p := known
	if p == nil || p.conn != k.conn {
		// A new way, or one whose address now belongs to another client.
		p = open(k.conn)
		if !l.adopt(p) {
			return
		}
	}
	b, err := k.respond(from)
	if err != nil {
		return
	}
	// Noted before it is answered: what the client sends next finds the path.
	k.conn.checked(p, k.nominated, at)
	p.way.Send(b)
}

// adopt enters a new path in the tables. The oldest unused one makes room.
func (l *Listener) adopt(p *path) bool {
	c := p.conn
	l.mu.Lock()
	defer l.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || l.closed {
		return false
	}
	if len(c.paths) >= maxPaths {
		for i, old := range c.paths {
			if old != c.selected.Load() {
				c.paths = append(c.paths[:i], c.paths[i+1:]...)
				l.forget(old)
				if old.stream != nil {
					old.stream.Close()
				}
				break
			}
		}
	}
	c.paths = append(c.paths, p)
	if p.stream != nil {
		p.stream.Keep()
		l.streams[p.stream] = p
	} else {
		l.paths[p.endpoint] = p
	}
	return true
}

// drop takes a path out of use after its TCP connection has ended.
func (c *Conn) drop(p *path) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.paths {
		if other == p {
			c.paths = append(c.paths[:i], c.paths[i+1:]...)
			break
		}
	}
	if c.selected.Load() == p && len(c.paths) > 0 {
		c.selected.Store(c.paths[len(c.paths)-1])
	}
}

// receive sorts what is not STUN (RFC 7983, RFC 5761).
func (p *path) receive(pkt []byte, at time.Time) {
	switch {
	case len(pkt) < 12:
	case pkt[0] >= 20 && pkt[0] < 64:
		p.receiveDTLS(pkt)
	case pkt[0] >= 128 && pkt[0] < 192 && pkt[1] >= 192 && pkt[1] < 224:
		p.receiveRTCP(pkt, at)
	case pkt[0] >= 128 && pkt[0] < 192:
		p.receiveRTP(pkt, at)
	}
}

// receiveDTLS passes a record to the handshake. Until there are keys, the way
// the client shakes hands by is the way to use.
func (p *path) receiveDTLS(pkt []byte) {
	c := p.conn
	c.mu.Lock()
	pipe := c.dtls
	c.mu.Unlock()
	if pipe == nil {
		return
	}
	if !c.isConnected.Load() {
		c.selected.Store(p)
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
func (p *path) authentic(at time.Time) {
	c := p.conn
	c.lastIn.Store(at.UnixNano())
	if c.selected.Load() == p {
		return
	}
	c.mu.Lock()
	if !c.ended {
		p.lastIn = at
		c.selected.Store(p)
	}
	c.mu.Unlock()
}
