package media

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/mix"
	"github.com/carillon-meetings/carillon/internal/media/transport"
	"github.com/carillon-meetings/carillon/internal/serial"
)

// Node is one process's media: see the package comment. All methods are safe
// for concurrent use.
type Node struct {
	cfg      Config
	listener *transport.Listener
	engine   *mix.Engine
	events   *serial.Queue  // what peers tell, off the path of packets
	telling  sync.WaitGroup // its goroutine

	mu     sync.Mutex
	rooms  map[string]*Room   // guarded by mu
	video  map[*Peer]struct{} // peers with video either way; guarded by mu
	closed bool               // guarded by mu

	wake chan struct{} // video has begun
	stop chan struct{}
	wg   sync.WaitGroup
}

// NewNode opens the ports and starts the mixer.
func NewNode(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg:   cfg,
		rooms: make(map[string]*Room),
		video: make(map[*Peer]struct{}),
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
	}
	n.listener, err = transport.Listen(transport.Config{
		UDPAddr: cfg.UDPAddr, TCPAddr: cfg.TCPAddr, PublicIPs: cfg.PublicIPs, Loopback: cfg.Loopback,
		Sockets: sockets(), Timeout: cfg.Timeout, Logger: cfg.Logger, Now: cfg.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	n.engine, err = mix.NewEngine(mix.Config{
		MaxTalkers: cfg.MaxTalkers, EndOfTick: n.listener.Flush, Logger: cfg.Logger, Now: cfg.Now,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("media: %w", err), n.listener.Close())
	}
	n.events = serial.New(&n.telling)
	n.wg.Go(n.watch)
	return n, nil
}

// sockets is how many goroutines read the UDP port: one for every two
// processors, as mixing and the kernel's work need the others.
func sockets() int { return min(max(runtime.GOMAXPROCS(0)/2, 1), 8) }

// now is the time.
func (n *Node) now() time.Time { return n.cfg.Now() }

// Close closes every room and the ports and waits for all goroutines.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	n.mu.Unlock()
	for _, r := range n.allRooms() {
		r.Close()
	}
	close(n.stop)
	n.engine.Close()
	err := n.listener.Close()
	n.wg.Wait()
	n.events.Close()
	n.telling.Wait()
	return err
}

// UDPPort is the port all media shares.
func (n *Node) UDPPort() int { return n.listener.UDPPort() }

// TCPPort is the port of the TCP fallback, 0 if there is none.
func (n *Node) TCPPort() int { return n.listener.TCPPort() }

// UDPAddr is the address the UDP port is bound to; unspecified for every one.
func (n *Node) UDPAddr() netip.AddrPort { return n.listener.Addr() }

// Announced are the UDP addresses written into answers. A TURN server beside the
// node must relay to these.
func (n *Node) Announced() []netip.AddrPort { return slices.Clone(n.listener.Announced()) }

// Room opens the room with this id, or returns it if it is open. On a closed
// node the room is closed too.
func (n *Node) Room(id string) *Room {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.rooms[id]; r != nil {
		return r
	}
	r := newRoom(n, id)
	if n.closed {
		r.closed = true
		return r
	}
	n.rooms[id] = r
	return r
}

// forget takes a room that is closing out of the table.
func (n *Node) forget(r *Room) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rooms[r.id] == r {
		delete(n.rooms, r.id)
	}
}

func (n *Node) allRooms() []*Room {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]*Room, 0, len(n.rooms))
	for _, r := range n.rooms {
		out = append(out, r)
	}
	return out
}

const (
	// fastTick drives feedback and pacing of video, slowTick all else.
	fastTick = 20 * time.Millisecond
	slowTick = time.Second
)

// watch is the one timer of all peers: fast while anybody has video, else slow.
func (n *Node) watch() {
	timer := time.NewTimer(slowTick)
	defer timer.Stop()
	slow := n.now().Add(slowTick)
	for {
		select {
		case <-n.stop:
			return
		case <-n.wake:
		case <-timer.C:
		}
		now := n.now()
		busy := n.tickVideo(now)
		if !now.Before(slow) {
			slow = now.Add(slowTick)
			n.tickAll(now)
		}
		n.listener.Flush()
		if busy {
			timer.Reset(fastTick)
		} else {
			timer.Reset(slow.Sub(now))
		}
	}
}

// tickVideo serves the peers with video; it reports whether there are any.
func (n *Node) tickVideo(now time.Time) bool {
	n.mu.Lock()
	peers := make([]*Peer, 0, len(n.video))
	for p := range n.video {
		peers = append(peers, p)
	}
	n.mu.Unlock()
	for _, p := range peers {
		p.tickVideo(now)
	}
	return len(peers) > 0
}

func (n *Node) tickAll(now time.Time) {
	for _, r := range n.allRooms() {
		r.tick(now)
	}
}

// setVideo enters a peer among those with video, or takes it out.
func (n *Node) setVideo(p *Peer, has bool) {
	n.mu.Lock()
	_, had := n.video[p]
	if has {
		n.video[p] = struct{}{}
	} else {
		delete(n.video, p)
	}
	n.mu.Unlock()
	if has && !had {
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}
