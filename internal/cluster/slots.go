package cluster

import (
	"context"
	"time"
)

// phase is what this node does with a slot.
type phase uint8

const (
	away      phase = iota // not this node's
	adopting               // being read
	serving                // served
	releasing              // being handed over
)

// held is this node's side of one slot.
type held struct {
	phase phase
	lost  bool // it stopped being this incarnation's while adopting or releasing
}

// reconcile makes this node's slots what the assignment says.
func (n *Node) reconcile(ctx context.Context) {
	incarnation, _ := n.lease.current()
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.known
	if a == nil {
		return
	}
	active := incarnation != 0 && a.Nodes[n.cfg.Node].Incarnation == incarnation
	for i := range n.slots {
		s := &n.slots[i]
		mine := active && a.Slots[i].Owner == n.cfg.Node
		switch {
		case !mine && (s.phase == adopting || s.phase == releasing):
			s.lost = true
		case mine && s.phase == away:
			s.phase, s.lost = adopting, false
			n.intake.add(n.cfg.Now())
			n.work.Go(func() { n.adopt(ctx, i) })
		case mine && s.phase == serving && a.Slots[i].Next != "":
			s.phase = releasing
			n.work.Go(func() { n.release(ctx, i) })
		case !mine && s.phase == serving:
			s.phase = away
			n.cfg.Holder.Drop(i)
		}
	}
	if incarnation != 0 && !active {
		n.refused = true // another process is this node, or the assignment was made anew
	}
}

// dropAll drops every slot that is served, and marks the others lost.
func (n *Node) dropAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.slots {
		s := &n.slots[i]
		s.lost = true
		if s.phase == serving {
			s.phase = away
			n.cfg.Holder.Drop(i)
		}
	}
}

// intake counts slots that are being read, so that one line tells of them all.
type intake struct {
	reading int // now
	slots   int // since there were none
	begun   time.Time
}

func (t *intake) add(now time.Time) {
	if t.reading == 0 {
		*t = intake{begun: now}
	}
	t.reading++
}

// done takes one off, and returns how many were adopted if it was the last one.
func (t *intake) done(adopted bool) (slots int) {
	if t.reading--; adopted {
		t.slots++
	}
	if t.reading > 0 {
		return 0
	}
	return t.slots
}

// adopt reads a slot. When it has been lost meanwhile, it is dropped again.
func (n *Node) adopt(ctx context.Context, slot int) {
	err := n.cfg.Holder.Adopt(ctx, slot)
	n.mu.Lock()
	s := &n.slots[slot]
	switch {
	case err != nil:
		s.phase = away
	case s.lost || ctx.Err() != nil:
		s.phase = away
		n.cfg.Holder.Drop(slot)
	default:
		s.phase = serving
	}
	adopted, begun := n.intake.done(s.phase == serving), n.intake.begun
	n.mu.Unlock()
	if adopted > 0 {
		n.cfg.Logger.Info("slots adopted", "slots", adopted, "took", n.cfg.Now().Sub(begun).Round(time.Millisecond))
	}
	if err != nil {
		n.cfg.Logger.Warn("slot not adopted, will try again", "slot", slot, "err", err)
		return
	}
	n.read() // it may have to move on already
}

// release ends the service of a slot and gives it to the next node.
func (n *Node) release(ctx context.Context, slot int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.cfg.ReleaseWithin)
	defer cancel()
	if err := n.cfg.Holder.Release(ctx, slot); err != nil {
		n.cfg.Logger.Warn("slot released in haste", "slot", slot, "err", err)
	}
	handOver, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.cfg.Lease)
	defer cancel()
	err := n.change(handOver, func(a *Assignment) (bool, error) { return a.handOver(slot, n.cfg.Node), nil })
	if err != nil {
		n.cfg.Logger.Warn("released slot not handed over yet", "slot", slot, "err", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slots[slot].phase = away
}

// Lost says that the log has refused this node's writes to the slot for
// another owner's. The holder serves it no more. If the slot is still this
// node's, it is adopted again.
func (n *Node) Lost(slot int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := &n.slots[slot]; s.phase == serving {
		s.phase = away
		n.cfg.Holder.Drop(slot)
	}
	n.read()
}

// Holds tells whether this node serves the slot now, and so takes calls.
func (n *Node) Holds(slot int) bool {
	s, leased := n.slot(slot)
	return leased && s.phase == serving && !s.lost
}

// Answers tells whether what was read of the slot is still so: this node serves
// it, or finishes the calls that run before it hands the slot over. A caller
// asks after it has read something, before the answer leaves.
func (n *Node) Answers(slot int) bool {
	s, leased := n.slot(slot)
	return leased && (s.phase == serving || s.phase == releasing) && !s.lost
}

// slot returns this node's side of the slot, and whether its lease holds.
func (n *Node) slot(slot int) (s held, leased bool) {
	incarnation := n.lease.holds()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.slots[slot], incarnation != 0
}

// Owner returns the node that owns the slot as far as this one knows, and what
// that node said of itself last; false when nothing was heard of it.
func (n *Node) Owner(slot int) (Info, bool) {
	a, _ := n.view()
	if a == nil {
		return Info{}, false
	}
	owner := a.Slots[slot].Owner
	info, known := n.promises.info(owner)
	info.Node = owner
	return info, known
}

// Ready tells whether this node takes calls: its lease holds, and it has served
// all the slots that were its own when it came. Slots that it gets later are
// read while it serves the rest, and calls on them wait: when a node dies, the
// others must not all count as not ready at the same time.
func (n *Node) Ready() bool {
	incarnation := n.lease.holds()
	if incarnation == 0 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.settled == incarnation {
		return true
	}
	if n.known == nil {
		return false
	}
	for i, s := range n.slots {
		if n.known.Slots[i].Owner == n.cfg.Node && s.phase != serving && s.phase != releasing {
			return false
		}
	}
	n.settled = incarnation
	return true
}
