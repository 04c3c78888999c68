package cluster

import (
	"context"
	"maps"
	"slices"
	"time"
)

// supervise looks after this node's own incarnation, and after the others'
// slots when this is the first of the live nodes by name.
func (n *Node) supervise(ctx context.Context) {
	a, _ := n.view()
	if incarnation, _ := n.lease.current(); a == nil || incarnation == 0 {
		return
	}
	if n.lease.hasLapsed() {
		n.cfg.Logger.Warn("lease does not hold: this node answers for no meeting until it is renewed", "node", n.cfg.Node, "quiet", n.lease.quiet())
	}
	if n.lapsed() {
		n.giveUp()
		return
	}
	if n.lease.holds() == 0 || n.leader(a) != n.cfg.Node {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	defer cancel()
	for _, node := range slices.Sorted(maps.Keys(a.Nodes)) {
		if a.involves(node) && n.silent(node) > n.cfg.TakeOver {
			n.takeOver(ctx, a, node)
			return // the assignment may be another now
		}
	}
	n.balance(ctx)
}

// lapsed tells whether this incarnation has to be given up: its lease does not
// hold, and somebody has agreed to its take-over or the time after which that
// happens has passed.
func (n *Node) lapsed() bool {
	if n.lease.holds() != 0 {
		return false
	}
	n.mu.Lock()
	refused := n.refused
	n.mu.Unlock()
	return refused || n.lease.quiet() > n.cfg.TakeOver
}

// giveUp drops all slots; follow begins another incarnation.
func (n *Node) giveUp() {
	n.cfg.Logger.Warn("lease lapsed: this node gives its slots up", "node", n.cfg.Node, "quiet", n.lease.quiet())
	n.lease.end()
	n.dropAll()
	n.read()
}

// silent returns how long nothing was heard of the node in which this one could
// hear: the death of what carries the messages must condemn nobody.
func (n *Node) silent(node string) time.Duration {
	if node == n.cfg.Node {
		return 0
	}
	_, since := n.lease.current()
	if since.IsZero() {
		return 0
	}
	return n.promises.silent(node, since)
}

// live tells whether the node was heard of within the lease time.
func (n *Node) live(node string) bool { return n.silent(node) < n.cfg.Lease }

// leader returns the first live node by name. Two may hold themselves for it
// for a moment; the assignment is changed by compare-and-set.
func (n *Node) leader(a *Assignment) string {
	for _, node := range slices.Sorted(maps.Keys(a.Nodes)) {
		if n.live(node) {
			return node
		}
	}
	return ""
}

// takeOver gives a silent node's slots to others, once a majority has agreed
// that its incarnation is over.
func (n *Node) takeOver(ctx context.Context, a *Assignment, dead string) {
	incarnation := a.Nodes[dead].Incarnation
	if !n.promises.consent(dead, incarnation) {
		return
	}
	agreed := 1
	agreements := n.ask(ctx, a, dead, request{
		Kind: askConsent, From: n.cfg.Node, Generation: a.Generation, Target: dead, Incarnation: incarnation,
	})
	for more := true; more && agreed < a.majority(); { // another may be silent as well, and say so by nothing
		if _, more = <-agreements; more {
			agreed++
		}
	}
	if agreed < a.majority() {
		n.cfg.Logger.Info("a silent node keeps its slots: no majority agrees to take them", "silent", dead, "agreed", agreed)
		return
	}
	// When the store does not answer, its leader may be the silent node: then
	// another attempt is better than waiting. What was written for all that is
	// read.
	ctx, cancel := context.WithTimeout(ctx, 2*n.cfg.Renew)
	defer cancel()
	err := n.change(ctx, func(a *Assignment) (bool, error) {
		if a.Nodes[dead].Incarnation != incarnation {
			return false, nil // it is back, and the agreement was about the one before
		}
		return a.takeOver(dead, n.live), nil
	})
	n.cfg.Logger.Warn("slots of a silent node taken over", "silent", dead, "err", err)
}

// balance moves slots from draining nodes, and idle slots to nodes with fewer.
func (n *Node) balance(ctx context.Context) {
	busy := map[int]bool{}
	a, _ := n.view()
	for node := range a.Nodes {
		info, _ := n.promises.info(node)
		for _, slot := range info.Busy {
			busy[slot] = true
		}
	}
	err := n.change(ctx, func(a *Assignment) (bool, error) {
		return a.balance(n.live, func(slot int) bool { return !busy[slot] }), nil
	})
	if err != nil {
		n.cfg.Logger.Info("slots not balanced", "err", err)
	}
}
