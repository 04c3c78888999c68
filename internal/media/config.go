package media

import (
	"log/slog"
	"net/netip"
)

// Config says how a node's media is reached and how much of it there may be.
// The zero value of every field is usable.
type Config struct {
	// UDPAddr and TCPAddr are where media listens, as host:port. An empty host
	// means every address, port 0 any free port. TCPAddr empty means no TCP;
	// UDPAddr empty means ":0".
	UDPAddr, TCPAddr string

	// PublicIPs are the addresses announced to clients instead of the
	// addresses of this machine's interfaces. Give both families where both
	// are reachable. They are announced as host candidates because clients
	// ignore server-reflexive ones.
	PublicIPs []netip.Addr

	// Loopback also announces the loopback addresses. For tests and for a
	// browser on the same machine.
	Loopback bool

	// MaxVideoSenders is how many cameras one room takes (25 if 0).
	MaxVideoSenders int
	// MaxContentShares is how many content shares one room takes (2 if 0).
	MaxContentShares int
	// MaxSubscriptions is how many videos one peer may watch (25 if 0).
	MaxSubscriptions int

	// MaxTalkers is how many voices are mixed at a time (the mixer's default
	// if 0).
	MaxTalkers int

	// Logger receives the node's log (discarded if nil).
	Logger *slog.Logger
}

func (c *Config) setDefaults() {
	if c.UDPAddr == "" {
		c.UDPAddr = ":0"
	}
	if c.MaxVideoSenders <= 0 {
		c.MaxVideoSenders = 25
	}
	if c.MaxContentShares <= 0 {
		c.MaxContentShares = 2
	}
	if c.MaxSubscriptions <= 0 {
		c.MaxSubscriptions = 25
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}
