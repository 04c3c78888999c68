package gate

import (
	"cmp"
	"container/list"
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
	open  int
	idle  list.List // of *conn; the one idle for longest first
	peers map[netip.Prefix]*peer
	stats Stats
}

// peer is the connections of one address.
type peer struct {
	open int
	idle list.List // of *conn; the one idle for longest first
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
		seldom: rate.Sometimes{Interval: quiet}, peers: make(map[netip.Prefix]*peer),
	}
}

// Stats returns the figures of now.
func (s *Connections) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Open, stats.Idle = s.open, s.idle.Len()
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
	s.mu.Lock()
	p := s.peerLocked(c.network)
	var evicted []*conn
	ok = true
	switch {
	case c.network.IsValid() && full(p.open, s.limits.PerAddress):
		evicted, ok = s.makeRoomLocked(&p.idle)
	case full(s.open, s.limits.Total):
		evicted, ok = s.makeRoomLocked(&s.idle)
	}
	if ok {
		p = s.peerLocked(c.network) // it may have gone with its last connection
		p.open++
		s.open++
		s.restLocked(c)
	} else {
		s.stats.Refused++
		s.dropPeerLocked(c.network)
	}
	s.mu.Unlock()
	for _, old := range evicted {
		_ = old.Conn.Close()
	}
	if !ok || len(evicted) > 0 {
		s.seldom.Do(func() {
			s.log.Warn("too many HTTP connections: idle ones are closed, or new ones when none is idle",
				"from", raw.RemoteAddr().String(), "refused", !ok, "most", s.limits.Total, "most_per_address", s.limits.PerAddress)
		})
	}
	return c, ok
}

func full(open, most int) bool { return most > 0 && open >= most }

// makeRoomLocked takes the connection that has been idle for longest out of the
// count.
func (s *Connections) makeRoomLocked(idle *list.List) (evicted []*conn, ok bool) {
	oldest := idle.Front()
	if oldest == nil {
		return nil, false
	}
	c := oldest.Value.(*conn)
	s.forgetLocked(c)
	s.stats.Evicted++
	return []*conn{c}, true
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

func (s *Connections) peerLocked(network netip.Prefix) *peer {
	p := s.peers[network]
	if p == nil {
		p = new(peer)
		s.peers[network] = p
	}
	return p
}

func (s *Connections) dropPeerLocked(network netip.Prefix) {
	if p := s.peers[network]; p != nil && p.open == 0 {
		delete(s.peers, network)
	}
}

// restLocked notes that a connection is idle from now on.
func (s *Connections) restLocked(c *conn) {
	if c.amongAll == nil {
		c.amongAll = s.idle.PushBack(c)
		c.amongPeers = s.peers[c.network].idle.PushBack(c)
	}
}

// workLocked notes that a connection is not idle.
func (s *Connections) workLocked(c *conn) {
	if c.amongAll != nil {
		s.idle.Remove(c.amongAll)
		s.peers[c.network].idle.Remove(c.amongPeers)
		c.amongAll, c.amongPeers = nil, nil
	}
}

// forgetLocked takes a connection out of the count, once.
func (s *Connections) forgetLocked(c *conn) {
	if c.gone {
		return
	}
	s.workLocked(c)
	c.gone = true
	s.open--
	s.peers[c.network].open--
	s.dropPeerLocked(c.network)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.gone:
	case state == http.StateActive:
		s.workLocked(c)
	case state == http.StateIdle:
		c.own.Store(false) // a deadline that a handler set was for its answer
		s.restLocked(c)
	case state == http.StateHijacked:
		s.forgetLocked(c)
	}
}
