package turn

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/turn/v5"
)

// relays makes the sockets behind allocations. It is the RelayAddressGenerator
// of every listener.
type relays struct {
	media        netip.AddrPort
	peers        []netip.AddrPort
	total, perID int

	mu     sync.Mutex
	open   map[int]*relay // by the port, which is the relay's own
	byUser map[string]int
	done   chan struct{} // closed when the last relay has gone after close
	ended  bool
}

func newRelays(cfg Config) *relays {
	r := &relays{
		media: cfg.Media, total: cfg.MaxAllocations, perID: cfg.MaxPerAttendee,
		open: make(map[int]*relay), byUser: make(map[string]int), done: make(chan struct{}),
	}
	for _, p := range cfg.Announced {
		r.peers = append(r.peers, netip.AddrPortFrom(p.Addr().Unmap(), p.Port()))
	}
	return r
}

// Validate implements turn.RelayAddressGenerator.
func (r *relays) Validate() error { return nil }

// AllocateListener refuses TCP allocations (RFC 6062): media is UDP.
func (r *relays) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

// AllocateConn refuses TCP allocations.
func (r *relays) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, errNoTCP
}

// AllocatePacketConn opens the socket of one allocation. The address returned
// with it is only a name: nobody sends to it but the media node, which answers
// to wherever a packet came from. Who asks for an even port gets none: the
// protocol server, which looks for one in nobody's name, keeps each for half a
// minute and looks through all that are kept whenever one expires. It is for RTP
// and RTCP on two ports, which no client has here.
func (r *relays) AllocatePacketConn(conf turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if conf.UserID == "" {
		return nil, nil, errNoEven
	}
	announced := r.announced(conf.Network == "udp4")
	if !announced.IsValid() {
		return nil, nil, errNoFamily
	}
	if err := r.reserve(conf.UserID); err != nil {
		return nil, nil, err
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.media))
	if err != nil {
		r.release(nil, conf.UserID)
		return nil, nil, fmt.Errorf("%w: %w", errUnopened, err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	one := &relay{UDPConn: conn, set: r, user: conf.UserID, port: port}
	one.peer.Store(net.UDPAddrFromAddrPort(announced))
	if !r.add(one) {
		conn.Close()
		r.release(nil, conf.UserID)
		return nil, nil, net.ErrClosed
	}
	return one, &net.UDPAddr{IP: announced.Addr().AsSlice(), Port: port}, nil
}

// announced returns the first announced address of the family, or the zero
// AddrPort.
func (r *relays) announced(ipv4 bool) netip.AddrPort {
	for _, p := range r.peers {
		if p.Addr().Is4() == ipv4 {
			return p
		}
	}
	return netip.AddrPort{}
}

// permit reports whether relays may lead to a peer: only announced media addresses are peers.
func (r *relays) permit(peer net.IP) bool {
	addr, ok := netip.AddrFromSlice(peer)
	if !ok {
		return false
	}
	for _, p := range r.peers {
		if p.Addr() == addr.Unmap() {
			return true
		}
	}
	return false
}

// reserve counts one more relay of the user, or refuses.
func (r *relays) reserve(user string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) >= r.total {
		return errFull
	}
	if r.byUser[user] >= r.perID {
		return errTooMany
	}
	r.byUser[user]++
	return nil
}

// add keeps an opened relay; false when the server is closing.
func (r *relays) add(one *relay) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.open[one.port] = one
	return true
}

// release forgets a relay, which may be nil if it never opened.
func (r *relays) release(one *relay, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byUser[user]--; r.byUser[user] <= 0 {
		delete(r.byUser, user)
	}
	if one == nil {
		return
	}
	delete(r.open, one.port)
	if r.ended && len(r.open) == 0 {
		close(r.done)
	}
}

// close closes every relay and waits for the last.
func (r *relays) close() {
	r.mu.Lock()
	r.ended = true
	rest := make([]*relay, 0, len(r.open))
	for _, one := range r.open {
		rest = append(rest, one)
	}
	if len(rest) == 0 {
		close(r.done)
	}
	r.mu.Unlock()
	for _, one := range rest {
		one.Close()
	}
	<-r.done
}

// relay is the socket of one allocation: connected to the media node, but
// speaking to the TURN server in announced addresses.
type relay struct {
	*net.UDPConn
	set    *relays
	user   string
	port   int
	peer   atomic.Pointer[net.UDPAddr] // the announced address last sent to
	bound  atomic.Int32                // channels
	closed sync.Once
}

// maxChannels is how many channels an allocation may have. A client has use for
// as many as media has announced addresses; the protocol server takes one for
// each port that there is, and looks through all of them for each packet.
const maxChannels = 64

// bind counts channels of the relay at an address, more or fewer by n. The relay
// that has too many is closed, and its allocation with it: a binding itself
// cannot be refused. It reports whether that was so.
func (r *relays) bind(relayed net.Addr, n int32) (tooMany bool) {
	addr, ok := relayed.(*net.UDPAddr)
	if !ok {
		return false
	}
	r.mu.Lock()
	one := r.open[addr.Port]
	r.mu.Unlock()
	if one == nil || one.bound.Add(n) <= maxChannels {
		return false
	}
	return one.Close() == nil
}

// WriteTo sends to the media node if that is who addr names, and drops the
// packet otherwise, as a network would.
func (r *relay) WriteTo(p []byte, addr net.Addr) (int, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return len(p), nil
	}
	to := udp.AddrPort()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	for _, known := range r.set.peers {
		if known != to {
			continue
		}
		if last := r.peer.Load(); last.Port != udp.Port || !last.IP.Equal(udp.IP) {
			r.peer.Store(net.UDPAddrFromAddrPort(to))
		}
		return r.UDPConn.Write(p)
	}
	return len(p), nil
}

// ReadFrom returns the next packet of the media node, as coming from the
// announced address the client sent to last.
func (r *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, err := r.UDPConn.Read(p)
		if isRefused(err) {
			continue // the media port is not open; the next packet may find it
		}
		return n, r.peer.Load(), err
	}
}

// Close closes the socket and lets another take its place.
func (r *relay) Close() error {
	err := net.ErrClosed
	r.closed.Do(func() {
		err = r.UDPConn.Close()
		r.set.release(r, r.user)
	})
	return err
}
