package clustertest

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Fault is something that happens to the nodes.
type Fault struct {
	// Name says it in a table.
	Name string
	// Do makes it happen, and undoes it after a while. What is left to chance
	// it draws.
	Do func(c *Cluster, draw *rand.Rand)
	// Outage says that no node serves for a while: calls may fail then.
	Outage bool
}

// How long faults last. What is killed comes back only after its slots and
// streams are with others, which takes two elections at worst.
const (
	killedFor = 20 * time.Second
	cutFor    = 20 * time.Second
	frozenFor = 20 * time.Second
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{
		{Name: "kill -9 of the owner of most", Do: func(c *Cluster, _ *rand.Rand) { c.killFor(c.owner(), killedFor) }},
		{Name: "kill -9 of a stream's leader", Do: func(c *Cluster, _ *rand.Rand) { c.killFor(c.leader("MT"), killedFor) }},
		{Name: "kill -9 of the bucket's leader", Do: func(c *Cluster, _ *rand.Rand) { c.killFor(c.leader("KV_CLUSTER"), killedFor) }},
		{Name: "a node cut off from the others, not from clients", Do: func(c *Cluster, _ *rand.Rand) { c.cutFor(c.owner(), cutFor) }},
		{Name: "a node unplugged", Do: func(c *Cluster, _ *rand.Rand) { c.unplugFor(c.owner(), cutFor) }},
		{Name: "a node that hears the others and is not heard", Do: func(c *Cluster, _ *rand.Rand) { c.muteFor(c.owner(), cutFor) }},
		{Name: "SIGSTOP of the owner of most, 20 s", Do: func(c *Cluster, _ *rand.Rand) { c.freezeFor(c.owner(), frozenFor) }},
		{Name: "SIGSTOP of any node, 3 to 8 s", Do: func(c *Cluster, draw *rand.Rand) {
			c.freezeFor(c.any(draw), 3*time.Second+time.Duration(draw.Int64N(int64(5*time.Second))))
		}},
		{Name: "kill -9 of all nodes at once", Do: func(c *Cluster, _ *rand.Rand) { c.killAll() }, Outage: true},
		{Name: "kill -9, and back at once", Do: func(c *Cluster, draw *rand.Rand) { c.killFor(c.any(draw), 0) }},
		{Name: "a rolling restart", Do: func(c *Cluster, _ *rand.Rand) { c.roll() }},
		{Name: "kill -9 and a wiped disk", Do: func(c *Cluster, draw *rand.Rand) { c.wipe(c.any(draw)) }},
	}
}

// FaultNamed returns the fault of that name.
func FaultNamed(name string) Fault {
	for _, f := range Faults() {
		if f.Name == name {
			return f
		}
	}
	panic("no such fault: " + name)
}

// any returns a node.
func (c *Cluster) any(draw *rand.Rand) *Node { return c.Nodes[draw.IntN(len(c.Nodes))] }

// owner returns the node with the most slots.
func (c *Cluster) owner() *Node {
	best, most := c.Nodes[0], -1
	for _, n := range c.Status().Nodes {
		if node := c.named(n.Node); node != nil && n.Slots > most {
			best, most = node, n.Slots
		}
	}
	return best
}

// leader returns the node that leads the first stream whose name begins so. An
// election may be under way when it is asked.
func (c *Cluster) leader(stream string) *Node {
	for end := time.Now().Add(comeBackWithin); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, s := range c.Status().Streams {
			if n := c.named(s.Leader); n != nil && strings.HasPrefix(s.Stream, stream) {
				return n
			}
		}
	}
	c.tb.Fatalf("nobody leads %s", stream)
	return nil
}

func (c *Cluster) killFor(n *Node, d time.Duration) {
	n.Kill()
	time.Sleep(d)
	n.Start()
}

func (c *Cluster) freezeFor(n *Node, d time.Duration) {
	n.Freeze()
	time.Sleep(d)
	n.Thaw()
}

func (c *Cluster) unplugFor(n *Node, d time.Duration) {
	c.must(n.unplug())
	time.Sleep(d)
	c.must(n.plug())
}

// cutFor cuts the node off from the others in both directions.
func (c *Cluster) cutFor(n *Node, d time.Duration) {
	for _, o := range c.others(n) {
		c.must(n.deafen(o.host))
		c.must(o.deafen(n.host))
	}
	time.Sleep(d)
	for _, o := range c.others(n) {
		c.must(n.hear(o.host))
		c.must(o.hear(n.host))
	}
}

// muteFor keeps what the node sends from the others.
func (c *Cluster) muteFor(n *Node, d time.Duration) {
	for _, o := range c.others(n) {
		c.must(o.deafen(n.host))
	}
	time.Sleep(d)
	for _, o := range c.others(n) {
		c.must(o.hear(n.host))
	}
}

func (c *Cluster) killAll() {
	for _, n := range c.Nodes {
		n.Kill()
	}
	for _, n := range c.Nodes {
		n.Start()
	}
}

func (c *Cluster) roll() {
	for _, n := range c.Nodes {
		n.Stop()
		n.Start()
		c.WaitReady()
	}
}

func (c *Cluster) wipe(n *Node) {
	n.Kill()
	n.Wipe()
	n.Start()
}

func (c *Cluster) must(err error) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(err)
	}
}
