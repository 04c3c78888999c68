package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Assignment says who owns which slot. It is the value of one key in the
// replicated store. A node changes a copy and puts it back by compare-and-set.
type Assignment struct {
	// Generation counts the changes of the set of nodes. Nodes make each other
	// no promises over different sets: majorities of two sets that are more
	// than one node apart need not meet.
	Generation uint64 `json:"generation"`

	// Least is the fewest nodes that are a majority, while not all have come
	// for the first time: more than half of those that there will be. A first
	// node would otherwise be a majority of itself, and the others, once they
	// have come, one without it. 0: nobody knows how many there will be.
	Least int `json:"least,omitempty"`

	Nodes map[string]Member `json:"nodes"`
	Slots []Slot            `json:"slots"`
}

// Member is a node as the assignment knows it.
type Member struct {
	// Incarnation grows each time the node begins to act as an owner: at its
	// start, and after its lease has lapsed.
	Incarnation uint64 `json:"incarnation"`

	// Draining nodes hand their slots over and get none.
	Draining bool `json:"draining,omitempty"`
}

// Slot is the owner of one slot. Next, when set, is the node that the owner
// has to hand it over to.
type Slot struct {
	Owner string `json:"owner"`
	Next  string `json:"next,omitempty"`
}

// newAssignment returns one in which the node owns all slots. nodes is how many
// there will be, 0 when nobody knows.
func newAssignment(node string, slots, nodes int) *Assignment {
	a := &Assignment{Generation: 1, Nodes: map[string]Member{node: {Incarnation: 1}}, Slots: make([]Slot, slots)}
	if nodes > 0 {
		a.Least = moreThanHalf(nodes)
	}
	for i := range a.Slots {
		a.Slots[i].Owner = node
	}
	return a
}

// parseAssignment reads what encode wrote, and refuses what does not hold
// together or has another number of slots.
func parseAssignment(data []byte, slots int) (*Assignment, error) {
	a := new(Assignment)
	if err := json.Unmarshal(data, a); err != nil {
		return nil, fmt.Errorf("assignment: %w", err)
	}
	if len(a.Slots) != slots {
		return nil, fmt.Errorf("assignment: %d slots, this node knows %d", len(a.Slots), slots)
	}
	for i, s := range a.Slots {
		if _, known := a.Nodes[s.Owner]; !known {
			return nil, fmt.Errorf("assignment: slot %d belongs to the unknown node %q", i, s.Owner)
		}
	}
	return a, nil
}

func (a *Assignment) encode() []byte {
	data, err := json.Marshal(a)
	if err != nil {
		panic("cluster: an assignment is always encodable: " + err.Error())
	}
	return data
}

func (a *Assignment) clone() *Assignment {
	c := *a
	c.Nodes, c.Slots = maps.Clone(a.Nodes), slices.Clone(a.Slots)
	return &c
}

// activate begins a new incarnation of the node, adding it if it is new, and
// returns its number.
func (a *Assignment) activate(node string) uint64 {
	m, known := a.Nodes[node]
	if !known {
		a.Generation++
	}
	m.Incarnation++
	m.Draining = false
	a.Nodes[node] = m
	return m.Incarnation
}

// owned counts the slots of each node that may get some: those that live tells
// to be alive, without the draining ones. A slot counts for whom it goes to.
func (a *Assignment) owned(live func(node string) bool) map[string]int {
	n := map[string]int{}
	for node, m := range a.Nodes {
		if live(node) && !m.Draining {
			n[node] = 0
		}
	}
	for _, s := range a.Slots {
		if to := cmp.Or(s.Next, s.Owner); n[to] > 0 || hasKey(n, to) {
			n[to]++
		}
	}
	return n
}

func hasKey(m map[string]int, k string) bool {
	_, ok := m[k]
	return ok
}

// fewest returns the node with the fewest slots, the first by name of several,
// or "" when there is none.
func fewest(owned map[string]int) string {
	best := ""
	for _, node := range slices.Sorted(maps.Keys(owned)) {
		if best == "" || owned[node] < owned[best] {
			best = node
		}
	}
	return best
}

// takeOver gives the slots of a dead node to live ones. It reports whether
// anything changed.
func (a *Assignment) takeOver(dead string, live func(node string) bool) bool {
	alive := func(node string) bool { return node != dead && live(node) }
	owned, changed := a.owned(alive), false
	for i := range a.Slots {
		s := &a.Slots[i]
		if s.Next == dead {
			s.Next, changed = "", true
		}
		if s.Owner != dead {
			continue
		}
		to := s.Next
		if to == "" || !alive(to) {
			if to = fewest(owned); to == "" {
				continue
			}
			owned[to]++
		}
		*s, changed = Slot{Owner: to}, true
	}
	return changed
}

// balance asks owners to hand slots over: all those of draining nodes, and of
// others only so many that nobody has two more than another, of slots on which
// movable says that nobody notices. It reports whether anything changed.
func (a *Assignment) balance(live func(node string) bool, movable func(slot int) bool) bool {
	owned, changed := a.owned(live), false
	if len(owned) == 0 {
		return false
	}
	for i := range a.Slots {
		s := &a.Slots[i]
		if s.Next != "" && (!live(s.Next) || a.Nodes[s.Next].Draining) {
			s.Next, changed = "", true
		}
		if s.Next != "" || !live(s.Owner) {
			continue
		}
		to := fewest(owned)
		if !a.Nodes[s.Owner].Draining {
			if owned[s.Owner] < owned[to]+2 || !movable(i) {
				continue
			}
			owned[s.Owner]--
		}
		owned[to]++
		s.Next, changed = to, true
	}
	return changed
}

// handOver completes the move of a slot that its owner has released.
func (a *Assignment) handOver(slot int, owner string) bool {
	s := &a.Slots[slot]
	if s.Owner != owner || s.Next == "" {
		return false
	}
	*s = Slot{Owner: s.Next}
	return true
}

// remove takes a node out that has no slots any more.
func (a *Assignment) remove(node string) error {
	if _, known := a.Nodes[node]; !known {
		return fmt.Errorf("node %q is not a member", node)
	}
	for i, s := range a.Slots {
		if s.Owner == node || s.Next == node {
			return fmt.Errorf("node %q still has slot %d: drain it first", node, i)
		}
	}
	delete(a.Nodes, node)
	a.Generation++
	a.Least = min(a.Least, moreThanHalf(len(a.Nodes)))
	return nil
}

// majority is how many of the nodes make decisions: more than half.
func (a *Assignment) majority() int { return max(moreThanHalf(len(a.Nodes)), a.Least) }

func moreThanHalf(n int) int { return n/2 + 1 }

// involves tells whether the node has slots, or is to get some.
func (a *Assignment) involves(node string) bool {
	for _, s := range a.Slots {
		if s.Owner == node || s.Next == node {
			return true
		}
	}
	return false
}
