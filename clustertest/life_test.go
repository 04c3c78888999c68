package clustertest

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fault makes a fault of a test's own.
func fault(name string, do func(c *Cluster)) Fault {
	return Fault{Name: name, Do: func(c *Cluster, _ *rand.Rand) { do(c) }}
}

// command runs `carillon cluster …` at a node, which has to succeed.
func command(t *testing.T, c *Cluster, at *Node, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := c.Command(ctx, at, args...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// waitSlots waits until the node has slots, or none.
func waitSlots(t *testing.T, c *Cluster, n *Node, some bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		s := c.Status()
		for _, node := range s.Nodes {
			if node.Node == n.Name && node.Slots > 0 == some {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("slots of %s: %+v", n.Name, s.Nodes)
		}
	}
}

// A node that is drained hands everything over before it goes, and gets its
// share when it is back.
func TestDrain(t *testing.T) {
	alongside(t, 35)
	c := shop(t).Start(t, Build{}, 3)
	v := NewVerdict()
	trial := begin(t, c, v, DefaultLoad())
	for _, n := range c.Nodes[:2] {
		trial.Suffer(fault("a drain", func(c *Cluster) {
			command(t, c, c.others(n)[0], "drain", n.Name)
			waitSlots(t, c, n, false)
			n.Stop()
			n.Start()
		}), nil)
		waitSlots(t, c, n, true)
	}
	trial.End()
	sound(t, v)
}

// A fourth node joins and gets slots; then the first leaves for good, with its
// disk, and what it stored is with the others.
func TestANodeJoinsAndAnotherLeavesForGood(t *testing.T) {
	alongside(t, 50)
	c := shop(t).Start(t, Build{}, 3)
	v := NewVerdict()
	trial := begin(t, c, v, DefaultLoad())
	trial.Suffer(fault("a fourth node joins", func(c *Cluster) {
		n := c.Add()
		c.Join()
		n.Start()
		c.WaitReady()
	}), nil)
	waitSlots(t, c, c.Nodes[3], true)
	trial.Suffer(fault("a node leaves for good", func(c *Cluster) {
		first := c.Nodes[0]
		command(t, c, c.Nodes[1], "drain", first.Name)
		waitSlots(t, c, first, false)
		first.Stop()
		command(t, c, c.Nodes[1], "remove", first.Name)
		first.Wipe()
	}), nil)
	trial.Suffer(FaultNamed("kill -9 of a stream's leader"), rand.New(rand.NewPCG(2, 1)))
	trial.End()
	sound(t, v)
}

// A disk that is wiped is filled again by the others.
func TestAWipedDisk(t *testing.T) {
	alongside(t, 50)
	suffer(t, rand.NewPCG(2, 2), "kill -9 and a wiped disk", "kill -9 of the owner of most")
}

// One server becomes three, as docs/cluster.md says, and keeps its meetings and
// the tokens that were given out.
func TestOneServerBecomesThree(t *testing.T) {
	alongside(t, 60)
	c := shop(t).Start(t, Build{}, 1)
	v := NewVerdict()
	trial := begin(t, c, v, Load{Writers: 3, Chronicles: 1, Meetings: 4, Pause: 60 * time.Millisecond})
	grow := fault("one server becomes three", func(c *Cluster) {
		time.Sleep(5 * time.Second) // so that there is something to move
		first := c.Nodes[0]
		first.Stop()
		key, err := os.ReadFile(filepath.Join(first.Dir, "token.key"))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := os.WriteFile(filepath.Join(c.Add().Dir, "token.key"), key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c.Join()
		for _, n := range c.Nodes {
			n.Start()
		}
	})
	grow.Outage = true
	trial.Suffer(grow, nil)
	trial.Suffer(FaultNamed("kill -9 of the owner of most"), rand.New(rand.NewPCG(2, 3)))
	trial.End()
	sound(t, v)
}
