package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// NodeStatus is what operators see of a node.
type NodeStatus struct {
	Node        string `json:"node"`
	Live        bool   `json:"live"`   // heard of within the lease time
	Leader      bool   `json:"leader"` // the one that moves slots
	Draining    bool   `json:"draining"`
	Incarnation uint64 `json:"incarnation"`
	Slots       int    `json:"slots"`    // its own
	Arriving    int    `json:"arriving"` // to be handed over to it
	Address     string `json:"address"`
	Version     string `json:"version"`
	Connected   int    `json:"connected"` // attendees
	SilentFor   string `json:"silentFor"` // since it was last heard of

	Silent time.Duration `json:"-"` // the same

	Settings map[string]string `json:"settings,omitempty"`
}

// State says how the node is, in a word or two.
func (s NodeStatus) State() string {
	switch {
	case !s.Live:
		return "silent"
	case s.Draining:
		return "draining"
	case s.Leader:
		return "live, moves slots"
	}
	return "live"
}

// SlotStatus is what operators see of a slot.
type SlotStatus struct {
	Slot  int    `json:"slot"`
	Owner string `json:"owner"`
	Next  string `json:"next,omitempty"` // who it is to be handed over to
}

// Slots returns who owns which slot, as this node knows.
func (n *Node) Slots() []SlotStatus {
	a, _ := n.view()
	if a == nil {
		return nil
	}
	list := make([]SlotStatus, len(a.Slots))
	for i, s := range a.Slots {
		list[i] = SlotStatus{i, s.Owner, s.Next}
	}
	return list
}

// Peers returns what the other members said of themselves last, without those
// that are silent and have no slots.
func (n *Node) Peers() []Info {
	a, _ := n.view()
	if a == nil {
		return nil
	}
	var peers []Info
	for _, node := range slices.Sorted(maps.Keys(a.Nodes)) {
		if info, known := n.promises.info(node); known && node != n.cfg.Node && (n.live(node) || a.involves(node)) {
			peers = append(peers, info)
		}
	}
	return peers
}

// Status returns all nodes by name, as this one sees them.
func (n *Node) Status() []NodeStatus {
	a, _ := n.view()
	if a == nil {
		return nil
	}
	leased, leader := n.lease.holds() != 0, ""
	if leased {
		leader = n.leader(a)
	}
	list := make([]NodeStatus, 0, len(a.Nodes))
	for _, node := range slices.Sorted(maps.Keys(a.Nodes)) {
		m := a.Nodes[node]
		info, _ := n.promises.info(node)
		unheard := n.unheard(node)
		s := NodeStatus{
			Node: node, Live: unheard < n.cfg.Lease && (leased || node != n.cfg.Node), Leader: node == leader, Draining: m.Draining, Incarnation: m.Incarnation,
			Address: info.Address, Version: info.Version, Connected: info.Connected, Settings: info.Settings,
			Silent: unheard.Round(n.cfg.Renew / 10),
		}
		s.SilentFor = s.Silent.String()
		for _, slot := range a.Slots {
			if slot.Owner == node {
				s.Slots++
			}
			if slot.Next == node {
				s.Arriving++
			}
		}
		list = append(list, s)
	}
	return list
}

// unheard returns how long ago the node was heard of, or this one heard by a
// majority. Unlike silent it says so, too, while this node has no lease and may
// draw nothing from it.
func (n *Node) unheard(node string) time.Duration {
	if node == n.cfg.Node {
		return n.lease.quiet()
	}
	return n.promises.silent(node, n.promises.started)
}

// Drain makes the node hand all its slots over, one by one.
func (n *Node) Drain(ctx context.Context, node string) error {
	return n.change(ctx, func(a *Assignment) (bool, error) {
		m, known := a.Nodes[node]
		switch {
		case !known:
			return false, fmt.Errorf("cluster: %q is not a member", node)
		case len(a.Nodes) == 1:
			return false, errors.New("cluster: there is no other node to take the slots")
		case m.Draining:
			return false, nil
		}
		m.Draining = true
		a.Nodes[node] = m
		return true, nil
	})
}

// Remove takes a node out of the cluster that has no slots any more.
func (n *Node) Remove(ctx context.Context, node string) error {
	return n.change(ctx, func(a *Assignment) (bool, error) {
		if node == n.cfg.Node {
			return false, errors.New("cluster: a node cannot remove itself: ask another")
		}
		return true, a.remove(node)
	})
}
