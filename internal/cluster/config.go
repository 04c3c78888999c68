package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Holder has the slots of this node: it runs what lies in them. The methods for
// one slot are called one after the other, those for several at the same time.
type Holder interface {
	// Adopt reads the slot and begins to serve it. An error is logged, and
	// Adopt called again a little later while the slot is still this node's.
	Adopt(ctx context.Context, slot int) error

	// Release ends the service of an adopted slot in order: it takes no more
	// calls, finishes those that run, and tells clients to come back. When it
	// returns, with or without an error, the slot goes to another node.
	Release(ctx context.Context, slot int) error

	// Drop ends the service of an adopted slot that belongs to another node
	// already. It must not wait for anything.
	Drop(slot int)
}

// Bus carries short messages between nodes. A message that is lost is an
// error in time.
type Bus interface {
	// Ask sends a request to a node and returns its answer. ctx bounds it.
	Ask(ctx context.Context, node string, request []byte) ([]byte, error)

	// Serve answers the requests to this node until stop is called.
	Serve(node string, answer func(request []byte) []byte) (stop func(), err error)
}

// ErrConflict is what Store.Put returns when the value has changed since it
// was read.
var ErrConflict = errors.New("cluster: the assignment has changed meanwhile")

// Store keeps the assignment, replicated. Get may answer with a former value,
// but never one older than it has answered before by much more than a second.
type Store interface {
	// Get returns the value and its revision; revision 0 when there is none.
	Get(ctx context.Context) (value []byte, revision uint64, err error)

	// Put replaces the value of the given revision, and returns the new
	// value's; ErrConflict when there is another. After any other error it is
	// not known whether the value was replaced.
	Put(ctx context.Context, value []byte, revision uint64) (uint64, error)
}

// Config says who this node is and what it works with. Node, Slots, Holder,
// Bus and Store are required; every other zero field takes its default.
type Config struct {
	Node  string // its name: letters, digits, "-" and "_"
	Slots int    // the same for ever, and on all nodes

	// Nodes is how many nodes the cluster is to have when it is new: before
	// more than half of them have come, none owns anything. 0: not known, and
	// the first that comes owns everything.
	Nodes int

	Holder Holder
	Bus    Bus
	Store  Store

	// Info returns what the node says of itself. Node is filled in. It must
	// not block.
	Info func() Info

	// Lease is how long an answered renewal lasts, default 3 s; Renew how
	// often it is renewed, default 0.5 s; TakeOver after how long a silence a
	// node's slots are taken, default 4.5 s. Renew < Lease < TakeOver.
	Lease, Renew, TakeOver time.Duration

	// ReleaseWithin bounds the orderly end of a slot's service. Default 5 s.
	ReleaseWithin time.Duration

	Now    func() time.Time // default time.Now; has to be monotonic
	Logger *slog.Logger     // default: discard
}

func (c Config) withDefaults() (Config, error) {
	c.Lease = cmp.Or(c.Lease, 3*time.Second)
	c.Renew = cmp.Or(c.Renew, 500*time.Millisecond)
	c.TakeOver = cmp.Or(c.TakeOver, 4500*time.Millisecond)
	c.ReleaseWithin = cmp.Or(c.ReleaseWithin, 5*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Info == nil {
		c.Info = func() Info { return Info{} }
	}
	switch {
	case !validName(c.Node):
		return c, fmt.Errorf("cluster: node name %q: use letters, digits, - and _, at most 64", c.Node)
	case c.Nodes < 0:
		return c, fmt.Errorf("cluster: %d nodes", c.Nodes)
	case c.Slots <= 0:
		return c, fmt.Errorf("cluster: %d slots", c.Slots)
	case c.Holder == nil || c.Bus == nil || c.Store == nil:
		return c, errors.New("cluster: holder, bus and store are required")
	case c.Renew <= 0 || 2*c.Renew > c.Lease || c.Lease+c.Renew > c.TakeOver:
		return c, fmt.Errorf("cluster: renewal every %v, lease %v, take-over after %v: "+
			"two renewals must fit into the lease, and the lease and one into the time before take-over", c.Renew, c.Lease, c.TakeOver)
	}
	return c, nil
}

// validName tells whether a node may be called so: the name becomes part of a
// message subject.
func validName(name string) bool {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return name != "" && len(name) <= 64 && strings.Trim(name, alphabet) == ""
}
