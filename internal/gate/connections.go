package gate

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

// Limits bound the open connections. Those that a handler has taken over, as
// WebSockets are, no longer count here.
type Limits struct {
	Total      int // of all addresses; 0: no bound
	PerAddress int // of one address, or of one IPv6 /64; 0: no bound
	// Proxies have no bound of their own: they speak for many.
	Proxies clientaddr.Proxies
	// Logger hears now and then that the bounds are reached; nil discards.
	Logger *slog.Logger
}

// Connections are the open connections of a server. Its listener comes from
// Listen, and its http.Server must have Watch as its ConnState.
type Connections struct {
	limits Limits
	log    *slog.Logger
	seldom rate.Sometimes // bounds how often the log is told

	mu    sync.Mutex
	open  map[*conn]struct{}
	peers map[netip.Prefix]map[*conn]struct{} // those of one address
	stats Stats
}

// Stats are what became of connections since the start.
type Stats struct {
	Open    int // now
	Idle    int // of these, waiting for a request
	Evicted int // idle ones closed to make room
	Refused int // newcomers closed for want of room
}

// quiet is how long the log is not told again that a bound is reached.
const quiet = time.Minute

// NewConnections returns the connections of a server that has none yet.
func NewConnections(limits Limits) *Connections {
	return &Connections{
		limits: limits, log: cmp.Or(limits.Logger, slog.New(slog.DiscardHandler)),
		seldom: rate.Sometimes{Interval: quiet},
		open:   make(map[*conn]struct{}), peers: make(map[netip.Prefix]map[*conn]struct{}),
	}
}

// Stats returns the figures of now.
func (s *Connections) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Open = len(s.open)
	for c := range s.open {
		if c.idleSince.Load() != 0 {
			stats.Idle++
		}
	}
	return stats
}

// Listen returns a listener whose connections are bounded. TLS, if any, goes on
// top of it.
func (s *Connections) Listen(l net.Listener) net.Listener { return &listener{Listener: l, owner: s} }

type listener struct {
	net.Listener
	owner *Connections
}

// Accept returns the next connection for which there is room.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, ok := l.owner.admit(raw); ok {
			return c, nil
		}
		_ = raw.Close()
	}
}

// admit counts a new connection, closing another one if that is what it takes.
// ok is false when there is no room.
func (s *Connections) admit(raw net.Conn) (c *conn, ok bool) {
	c = &conn{Conn: raw, owner: s, network: s.networkOf(raw)}
	c.rest()
	evicted, ok := s.enter(c)
	if evicted != nil {
		_ = evicted.Conn.Close()
	}
	if !ok || evicted != nil {
		s.seldom.Do(func() {
			s.log.Warn("too many HTTP connections: idle ones are closed, or new ones when none is idle",
				"from", raw.RemoteAddr().String(), "refused", !ok, "most", s.limits.Total, "most_per_address", s.limits.PerAddress)
		})
	}
	return c, ok
}

// enter counts a connection if there is room for it, or can be made by closing
// the one returned.
func (s *Connections) enter(c *conn) (evicted *conn, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	among := s.open
	full := s.limits.Total > 0 && len(s.open) >= s.limits.Total
	if own := s.peers[c.network]; c.network.IsValid() && s.limits.PerAddress > 0 && len(own) >= s.limits.PerAddress {
		among, full = own, true
	}
	if full {
		if evicted = longestIdle(among); evicted == nil {
			s.stats.Refused++
			return nil, false
		}
		s.stats.Evicted++
		s.forgetLocked(evicted)
	}
	s.open[c] = struct{}{}
	if s.peers[c.network] == nil {
		s.peers[c.network] = make(map[*conn]struct{})
	}
	s.peers[c.network][c] = struct{}{}
	return evicted, true
}

// longestIdle returns the connection that has been idle for longest, nil when
// all are at work. It looks at every one: that is only done when there are too
// many, and keeps requests from having to keep an order.
func longestIdle(among map[*conn]struct{}) (longest *conn) {
	var since int64
	for c := range among {
		if idle := c.idleSince.Load(); idle != 0 && (longest == nil || idle < since) {
			longest, since = c, idle
		}
	}
	return longest
}

// networkOf is what a connection counts as; the zero Prefix has no bound.
func (s *Connections) networkOf(raw net.Conn) netip.Prefix {
	remote, ok := raw.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	addr := remote.AddrPort().Addr()
	if s.limits.Proxies.Trusts(addr) {
		return netip.Prefix{}
	}
	return clientaddr.Network(addr)
}

// forgetLocked takes a connection out of the count.
func (s *Connections) forgetLocked(c *conn) {
	delete(s.open, c)
	delete(s.peers[c.network], c)
	if len(s.peers[c.network]) == 0 {
		delete(s.peers, c.network)
	}
}

func (s *Connections) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(c)
}

// Watch is the http.Server's ConnState: it tells which connections are idle,
// and which have been taken over and no longer count.
func (s *Connections) Watch(nc net.Conn, state http.ConnState) {
	if secure, ok := nc.(*tls.Conn); ok {
		nc = secure.NetConn()
	}
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		c.idleSince.Store(0)
	case http.StateIdle:
		c.rest()
	case http.StateHijacked:
		s.forget(c)
	}
}
