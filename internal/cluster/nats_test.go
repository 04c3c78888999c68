package cluster

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startServers runs n clustered JetStream servers on loopback.
func startServers(t *testing.T, n int) []*server.Server {
	t.Helper()
	var routes []*url.URL
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		ports = append(ports, port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	var servers []*server.Server
	for i := range n {
		opts := &server.Options{
			ServerName: fmt.Sprintf("n%d", i), DontListen: true, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		}
		if n > 1 {
			opts.Cluster, opts.Routes = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}, routes
		}
		s, err := server.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if n > 1 {
			startRouting(s)
		}
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		servers = append(servers, s)
	}
	return servers
}

// startRouting opens the port between the servers. With DontListen the server
// waits for its client port before that, which never comes; its own goroutine
// for it stays behind, and the call here counts as that one's end.
func startRouting(s *server.Server) {
	ready := make(chan struct{})
	close(ready)
	s.StartRouting(ready)
}

// openStore connects to the server and waits until its JetStream has a leader.
func openStore(t *testing.T, s *server.Server, replicas int) (*nats.Conn, Store) {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	for deadline := time.Now().Add(60 * time.Second); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		store, err := OpenStore(ctx, nc, replicas)
		cancel()
		if err == nil {
			return nc, store
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestTheStoreComparesAndSets(t *testing.T) {
	ctx := context.Background()
	_, store := openStore(t, startServers(t, 1)[0], 1)
	if value, revision, err := store.Get(ctx); value != nil || revision != 0 || err != nil {
		t.Fatalf("empty: %q, %d, %v", value, revision, err)
	}
	first, err := store.Put(ctx, []byte("one"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, revision := range []uint64{0, first + 1} {
		if _, err := store.Put(ctx, []byte("two"), revision); err != ErrConflict {
			t.Errorf("on revision %d: %v", revision, err)
		}
	}
	second, err := store.Put(ctx, []byte("two"), first)
	if err != nil {
		t.Fatal(err)
	}
	if value, revision, err := store.Get(ctx); string(value) != "two" || revision != second || err != nil {
		t.Errorf("%q, %d, %v", value, revision, err)
	}
}

// Three nodes on three real servers: the slots spread, and are taken over when
// a server dies with its node.
func TestThreeNodesOnRealServers(t *testing.T) {
	servers := startServers(t, 3)
	w := newWorld(t)
	for i, name := range []string{"a", "b", "c"} {
		nc, store := openStore(t, servers[i], 3)
		w.startOn(name, NewBus(nc), store)
	}
	w.within(60*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
	w.kill("b")
	servers[1].Shutdown()
	w.within(60*time.Second, map[string]int{"a": 6, "c": 6})
}
