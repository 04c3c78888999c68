package ledger

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// MaxEntry is the largest Data of an entry, in bytes. The largest legal
	// call is a legacy batch of 100 attendees with 10 tags each, all of it in
	// characters of four bytes: 1.6 MB.
	MaxEntry = maxPayload - 4096

	maxPayload  = 4 << 20
	readyWithin = 60 * time.Second // recovery of a large directory after a crash

	clusterName = "carillon"
	routeCheck  = 10 * time.Millisecond
)

// Cluster says how the embedded servers of several nodes find each other.
type Cluster struct {
	Listen string   // host:port that the other nodes reach
	Peers  []string // host:port of all nodes, this one included or not

	// TLS is what the nodes know each other by; it must ask for certificates.
	// Nil: in the clear, for loopback only.
	TLS *tls.Config
}

// noClientPort is a port that cannot be listened on. A clustered nats-server
// begins to talk to its peers only after its attempt to listen for clients is
// over; with this port the attempt fails, and there is no port for clients.
const noClientPort = 1 << 16

// startServer starts JetStream in dir. Alone it listens on nothing, in a
// cluster for the other nodes only.
func startServer(ctx context.Context, cfg Config, dir string, log bridge) (*server.Server, error) {
	opts := &server.Options{
		ServerName:         cfg.Node,
		DontListen:         cfg.Cluster == nil,
		NoSigs:             true,
		NoLog:              true,               // the bridge is set below
		NoSystemAccount:    cfg.Cluster == nil, // no statistics for nobody
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,
		JetStreamMaxStore:  1 << 50, // the streams and space.go limit
		JetStreamMaxMemory: 1,       // nothing of ours lives in memory
		MaxPayload:         maxPayload,
	}
	if cfg.Cluster != nil {
		if err := cfg.Cluster.apply(opts); err != nil {
			return nil, err
		}
		log.noClients = true
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded server: %w", err)
	}
	s.SetLoggerV2(log, false, false, false)
	s.Start() // returns once JetStream has recovered its streams
	if err := verifyServer(ctx, s, cfg, log.trouble); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	return s, nil
}

// apply sets what makes the server one of a cluster.
func (c *Cluster) apply(opts *server.Options) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("cluster: listen address: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("cluster: listen address %q: %w", c.Listen, err)
	}
	withSystem(opts)
	opts.Host, opts.Port = "127.0.0.1", noClientPort
	opts.Cluster = server.ClusterOpts{
		Name: clusterName, Host: host, Port: number, NoAdvertise: true,
		TLSConfig: c.TLS, TLSTimeout: 5, PoolSize: 3,
	}
	// A node that is away is tried every second, and told of once a minute.
	opts.ConnectErrorReports, opts.ReconnectErrorReports = 60, 60
	for _, peer := range c.Peers {
		if peer != c.Listen {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: peer})
		}
	}
	return nil
}

// Nodes returns how many nodes the cluster is to have, this one included.
func (c *Cluster) Nodes() int {
	n := len(c.Peers)
	for _, peer := range c.Peers {
		if c.mine(peer) {
			return n
		}
	}
	return n + 1
}

// mine tells whether the address is where this node listens, be it that it
// listens on all of the machine's addresses.
func (c *Cluster) mine(peer string) bool {
	if peer == c.Listen {
		return true
	}
	host, port, err := net.SplitHostPort(peer)
	listen, own, ownErr := net.SplitHostPort(c.Listen)
	if err != nil || ownErr != nil || port != own {
		return false
	}
	if ip := net.ParseIP(listen); listen != "" && (ip == nil || !ip.IsUnspecified()) {
		return false
	}
	addrs, err := net.LookupHost(host)
	if err != nil {
		return false
	}
	for _, a := range addrs {
		l, err := net.Listen("tcp", net.JoinHostPort(a, "0"))
		if err == nil { // only an address of this machine can be listened on
			_ = l.Close()
			return true
		}
	}
	return false
}

// verifyServer waits until the server runs, and refuses one that would
// acknowledge before the disk did.
func verifyServer(ctx context.Context, s *server.Server, cfg Config, t *trouble) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("embedded server: %w", err)
	}
	if cfg.Cluster == nil && !s.ReadyForConnections(readyWithin) || !s.JetStreamEnabled() {
		return errors.New("embedded server did not start")
	}
	for cfg.Cluster != nil && s.ClusterAddr() == nil {
		if err := t.check(); err != nil {
			return fmt.Errorf("embedded server: %w", err)
		}
		if !pause(ctx, routeCheck) {
			return fmt.Errorf("embedded server: %w", context.Cause(ctx))
		}
	}
	return verifySync(s.JetStreamConfig())
}

func verifySync(cfg *server.JetStreamConfig) error {
	if cfg == nil || !cfg.SyncAlways {
		return errors.New("embedded server does not sync every write (sync_interval is not always): refusing to run")
	}
	return nil
}
