package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// LeastNodes is how many nodes a cluster has at least: of two, neither could go
// on without the other.
const LeastNodes = 3

// On tells whether this server is one of several.
func (c *Cluster) On() bool {
	return c.Node != "" || c.Listen != "" || len(c.Peers) > 0 || c.SecretFile != "" || c.HTTP != "" || c.NATSURL != ""
}

// HTTPAddr is where the other nodes pass requests to this one; empty when it
// cannot be told.
func (c *Cluster) HTTPAddr() string {
	if c.HTTP != "" || c.Listen == "" {
		return c.HTTP
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return ""
	}
	number, err := strconv.Atoi(port)
	if err != nil || number == 1<<16-1 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(number+1))
}

// Others are the addresses of the other nodes.
func (c *Cluster) Others() []string {
	return slices.DeleteFunc(slices.Clone(c.Peers), func(peer string) bool { return peer == c.Listen })
}

// maxNodeName bounds a node's name, in characters.
const maxNodeName = 64

func (c *Cluster) check(add func(bool, string, ...any)) {
	if !c.On() {
		return
	}
	if c.NATSURL != "" {
		c.checkNATS(add)
	} else {
		add(c.Node != "" && c.Listen != "" && len(c.Peers) > 0 && c.SecretFile != "",
			"--node, --cluster-listen, --cluster-peers and --cluster-secret-file go together")
		add(c.NATSCreds == "" && c.NATSCA == "", "--nats-credentials-file and --nats-ca-file need --nats-url")
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	add(len(c.Node) <= maxNodeName && strings.Trim(c.Node, alphabet) == "", "--node: %q is not a name of letters, digits, - and _, at most %d", c.Node, maxNodeName)
	if c.Listen != "" {
		add(reachable(c.Listen), "--cluster-listen: %q is not an address of the form host:port by which other nodes reach this one", c.Listen)
		add(!reachable(c.Listen) || c.HTTPAddr() != "", "--cluster-http: there is no port after that of --cluster-listen; give an address")
	}
	add(c.HTTP == "" || reachable(c.HTTP), "--cluster-http: %q is not an address of the form host:port by which other nodes reach this one", c.HTTP)
	for _, peer := range c.Peers {
		add(reachable(peer), "--cluster-peers: %q is not an address of the form host:port", peer)
	}
	others := c.Others()
	slices.Sort(others)
	add(len(c.Peers) == 0 || len(slices.Compact(others))+1 >= LeastNodes, "--cluster-peers: a cluster has at least %d nodes", LeastNodes)
}

// checkNATS checks a cluster on a store of somebody else's. The errors do not
// repeat the URL, which may hold a password.
func (c *Cluster) checkNATS(add func(bool, string, ...any)) {
	add(c.Node != "" && c.HTTP != "" && c.SecretFile != "", "--nats-url, --node, --cluster-http and --cluster-secret-file go together")
	add(c.Listen == "" && len(c.Peers) == 0, "--nats-url and --cluster-listen or --cluster-peers exclude each other")
	add(slices.Contains([]int{1, 3, 5}, c.NATSReplicas), "--nats-replicas: %d is not 1, 3 or 5", c.NATSReplicas)
	for one := range strings.SplitSeq(c.NATSURL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		add(err == nil && (u.Scheme == "nats" || u.Scheme == "tls") && u.Host != "", "--nats-url is not of the form nats://host:port or tls://host:port")
	}
}

// reachable tells whether an address names one host and one port.
func reachable(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return false
	}
	ip, err := netip.ParseAddr(host)
	number, portErr := strconv.Atoi(port)
	return (err != nil || !ip.IsUnspecified()) && portErr == nil && number > 0 && number < 1<<16
}
