package main

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/carillon-meetings/carillon/internal/cluster"
)

// figure returns what a node's metrics tell of the cluster.
func figure(t *testing.T, endpoint, name string) int {
	t.Helper()
	_, told := get(t, endpoint+pathMetrics)
	found := regexp.MustCompile(`(?m)^carillon_cluster_` + name + ` (\d+)$`).FindStringSubmatch(told)
	if found == nil {
		t.Fatalf("the metrics do not tell carillon_cluster_%s", name)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// measured sees that the metrics of the nodes tell what there is.
func (c *trio) measured(slots []cluster.SlotStatus) {
	c.Helper()
	leaders := 0
	for node := range c.nodes {
		at, own := c.nodes[node].Endpoint, 0
		for _, s := range slots {
			own += one(s.Owner == fmt.Sprint("n", node))
		}
		leaders += figure(c.T, at, "leader")
		for name, want := range map[string]int{"nodes": 3, "nodes_live": 3, "ready": 1, "slots_arriving": 0, "slots": own} {
			if got := figure(c.T, at, name); got != want {
				c.Errorf("node %d tells carillon_cluster_%s %d, want %d", node, name, got, want)
			}
		}
	}
	if leaders != 1 {
		c.Errorf("%d nodes lead", leaders)
	}
}

func TestAServerOnItsOwnTellsOfNoCluster(t *testing.T) {
	s := startServer(t, t.TempDir())
	for _, name := range []string{"nodes", "nodes_live", "ready", "slots_arriving", "slots", "leader"} {
		if got := figure(t, s.ports.public.String(), name); got != 0 {
			t.Errorf("carillon_cluster_%s is %d", name, got)
		}
	}
}
