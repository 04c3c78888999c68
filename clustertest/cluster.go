package clustertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Credentials that every node accepts.
const (
	accessKey      = "AKIDCLUSTER"
	secretKey      = "a-secret-key-that-must-reach-no-log"
	account        = "210987654321"
	operatorSecret = "an-operators-secret-for-tests"
)

// publicName is the host that clients are told; the Balancer leads it to a node.
const publicName = "carillon.test"

// Cluster is some nodes that know each other.
type Cluster struct {
	Nodes    []*Node
	Balancer *Balancer

	tb     testing.TB
	shop   *Shop
	path   string // of the program
	secret string // file
}

// Start starts n nodes, and waits until each serves. They end with the test.
// One node is a server alone, without any flag of a cluster.
func (s *Shop) Start(tb testing.TB, what Build, n int) *Cluster {
	tb.Helper()
	c := s.Prepare(tb, what, n)
	for _, node := range c.Nodes {
		node.Start()
	}
	c.WaitReady()
	return c
}

// Prepare makes n nodes without starting them.
func (s *Shop) Prepare(tb testing.TB, what Build, n int) *Cluster {
	tb.Helper()
	path := s.program(tb, what)
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	c := &Cluster{tb: tb, shop: s, path: path, secret: filepath.Join(tb.TempDir(), "secret")}
	if err := os.WriteFile(c.secret, []byte(hex.EncodeToString(secret)), 0o600); err != nil {
		tb.Fatal(err)
	}
	c.Balancer = newBalancer()
	tb.Cleanup(c.Balancer.Close)
	for range n {
		c.Add()
	}
	if n > 1 {
		c.Join()
	}
	return c
}

// Add makes a further node, alone as yet and not started.
func (c *Cluster) Add() *Node {
	c.tb.Helper()
	number := len(c.Nodes) + 1
	dir := c.tb.TempDir()
	n := &Node{
		Name: fmt.Sprintf("n%d", number), Dir: filepath.Join(dir, "data"), host: newHost(c.tb, c.shop.nextHost()),
		tb: c.tb, path: c.path, log: filepath.Join(dir, "log"),
	}
	if keep := os.Getenv("CLUSTERTEST_LOGS"); keep != "" {
		n.log = filepath.Join(keep, strings.ReplaceAll(c.tb.Name(), "/", "-")+"-"+n.Name+".log")
	}
	if err := os.Mkdir(n.Dir, 0o700); err != nil {
		c.tb.Fatal(err)
	}
	n.args = []string{
		"serve", "--listen", n.address + ":" + apiPort, "--data", n.Dir, "--media-tcp", "off", "--media-public-ip", n.address,
		"--public-url", "http://" + publicName, "--allowed-hosts", "*", "--log-level", "debug",
		"--access-key", accessKey, "--secret-key", secretKey, "--account", account, "--operator-secret", operatorSecret,
		"--limit-meetings", "1000000", "--timer-idle", "20h",
	}
	c.Nodes = append(c.Nodes, n)
	c.tb.Cleanup(c.stop) // before the host goes
	c.Balancer.add(n)
	return n
}

// stop stops all nodes at once.
func (c *Cluster) stop() {
	var stopping sync.WaitGroup
	for _, n := range c.Nodes {
		stopping.Go(func() {
			if !n.Running() {
				return
			}
			n.Stop()
			if c.tb.Failed() {
				c.tb.Logf("node %s wrote:\n%s", n.Name, n.tail())
			}
		})
	}
	stopping.Wait()
}

// Join tells all nodes of each other, with their next start.
func (c *Cluster) Join() {
	peers := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		peers[i] = n.ClusterAddress()
	}
	for _, n := range c.Nodes {
		n.With("--node", n.Name, "--cluster-listen", n.ClusterAddress(),
			"--cluster-peers", strings.Join(peers, ","), "--cluster-secret-file", c.secret)
	}
}

// WaitReady waits until every node that was started is ready, by the balancer's
// opinion too.
func (c *Cluster) WaitReady() {
	c.tb.Helper()
	for _, n := range c.Nodes {
		if n.Running() {
			n.WaitReady()
		}
	}
	c.Balancer.look(context.Background())
}

// Status is what `carillon cluster status` says, as far as the tests use it.
type Status struct {
	Nodes []struct {
		Node        string `json:"node"`
		Live        bool   `json:"live"`
		Incarnation uint64 `json:"incarnation"`
		Slots       int    `json:"slots"`
		Version     string `json:"version"`
	} `json:"nodes"`
	Slots []struct {
		Owner string `json:"owner"`
		Next  string `json:"next"`
	} `json:"slots"`
	Streams []struct {
		Stream string `json:"stream"`
		Leader string `json:"leader"`
	} `json:"streams"`
}

// Command runs `carillon cluster` with further arguments at a node and returns
// what it prints.
func (c *Cluster) Command(ctx context.Context, at *Node, args ...string) ([]byte, error) {
	args = append([]string{"cluster"}, args...)
	args = append(args, "--endpoint", at.Endpoint(), "--operator-secret", operatorSecret)
	cmd := exec.CommandContext(ctx, c.path, args...)
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("carillon %s: %w: %s", strings.Join(args[:2], " "), err, stderrOf(err))
	}
	return out, nil
}

func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}

// Status asks a ready node.
func (c *Cluster) Status() Status {
	c.tb.Helper()
	var s Status
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		for _, n := range c.Nodes {
			if !n.Ready(context.Background()) {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			out, err := c.Command(ctx, n, "status", "--json")
			cancel()
			if last = err; err == nil {
				if err := json.Unmarshal(out, &s); err != nil {
					c.tb.Fatalf("status: %v: %s", err, out)
				}
				return s
			}
		}
	}
	c.tb.Fatalf("no node tells the status: %v", last)
	return s
}

// named returns the node of that name, nil when there is none.
func (c *Cluster) named(name string) *Node {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// others returns all nodes but one.
func (c *Cluster) others(n *Node) (list []*Node) {
	for _, o := range c.Nodes {
		if o != n {
			list = append(list, o)
		}
	}
	return list
}
