package clustertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How the balancer looks after its nodes: as usual for such programs.
const (
	lookEvery  = 500 * time.Millisecond
	dialWithin = time.Second
)

// Balancer leads connections to nodes: each to another one, drawn among those
// that said last that they are ready. When that one takes no connection, it
// tries another.
type Balancer struct {
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	nodes []*Node        // guarded by mu
	ready map[*Node]bool // guarded by mu
}

func newBalancer() *Balancer {
	ctx, cancel := context.WithCancel(context.Background())
	b := &Balancer{stop: cancel, done: make(chan struct{}), ready: map[*Node]bool{}}
	go func() {
		defer close(b.done)
		for ctx.Err() == nil {
			b.look(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
	}()
	return b
}

// Close ends the looking.
func (b *Balancer) Close() {
	b.stop()
	<-b.done
}

func (b *Balancer) add(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = append(b.nodes, n)
}

// look asks every node whether it is ready.
func (b *Balancer) look(ctx context.Context) {
	b.mu.Lock()
	nodes := slices.Clone(b.nodes)
	b.mu.Unlock()
	var asking sync.WaitGroup
	for _, n := range nodes {
		asking.Go(func() {
			ready := n.Ready(ctx)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ready[n] = ready
		})
	}
	asking.Wait()
}

// order returns the nodes in the order they are tried in.
func (b *Balancer) order() (list []*Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []*Node
	for _, i := range rand.Perm(len(b.nodes)) {
		if n := b.nodes[i]; b.ready[n] {
			list = append(list, n)
		} else {
			rest = append(rest, n)
		}
	}
	return append(list, rest...)
}

// Dial opens a connection to a node, whatever address says.
func (b *Balancer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialWithin}
	err := fmt.Errorf("no node for %s", address)
	for _, n := range b.order() {
		var conn net.Conn
		if conn, err = d.DialContext(ctx, network, n.address+":"+apiPort); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// Client returns an HTTP client that opens a connection for each request.
func (b *Balancer) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: b.Dial, DisableKeepAlives: true}}
}

// client returns an HTTP client all of whose requests go to one node.
func (n *Node) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := net.Dialer{Timeout: dialWithin}
			return d.DialContext(ctx, network, n.address+":"+apiPort)
		},
	}}
}
