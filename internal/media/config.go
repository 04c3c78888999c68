package media

import (
	"cmp"
	"errors"
	"log/slog"
	"net/netip"
	"time"
)

// Config says how a node's media is reached and how much of it there may be.
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

	// MaxVideoSenders is how many cameras one room takes, MaxContentShares how
	// many content shares, and MaxSubscriptions how many videos one peer may
	// watch; 0 takes none.
	MaxVideoSenders, MaxContentShares, MaxSubscriptions int

	// Timeout is how long a connected client may send nothing authentic before
	// it is lost (PeerEvents.Failed with ErrTimeout). Required.
	Timeout time.Duration

	// MaxTalkers is how many voices are mixed at a time (the mixer's default
	// if 0).
	MaxTalkers int

	// Logger receives the node's log (discarded if nil).
	Logger *slog.Logger
	// Now tells the time; nil is time.Now. It must run with the clock by which
	// packets are stamped on arrival.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.Timeout <= 0 {
		return c, errors.New("media: no timeout for silent clients")
	}
	c.UDPAddr = cmp.Or(c.UDPAddr, ":0")
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
