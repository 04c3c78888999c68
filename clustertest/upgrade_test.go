package clustertest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// upgrade stops a node in order and starts it with another program.
func (n *Node) upgrade(path string) {
	n.Stop()
	n.path = path
	n.Start()
}

// waitNovelty waits until the next version has written something that is on the
// node's disk.
func waitNovelty(t *testing.T, n *Node) {
	t.Helper()
	for end := time.Now().Add(patience); !stores(t, n.Dir, novelty); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("node %s has nothing on its disk that the next version wrote", n.Name)
		}
	}
}

// stores tells whether a text is in the store's files below a directory. Files may
// go while it looks.
func stores(t *testing.T, dir, text string) bool {
	t.Helper()
	blocks := 0
	found := false
	_ = filepath.WalkDir(filepath.Join(dir, "ledger"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".blk" {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			blocks++
			found = found || bytes.Contains(raw, []byte(text))
		}
		return nil
	})
	if blocks == 0 {
		t.Fatalf("no block of a store below %s", dir)
	}
	return found
}

// Two neighbouring versions work in one cluster: node after node gets the next
// one, which writes what this one does not know. Meanwhile the first of them dies,
// so that nodes of this version take over what the next one wrote.
func TestTheNextVersionComesNodeByNode(t *testing.T) {
	alongside(t, 100)
	s := shop(t)
	next := s.program(t, Build{Next: true})
	c := s.Start(t, Build{}, 3)
	if stores(t, c.Nodes[1].Dir, novelty) {
		t.Fatal("this version writes what only the next one should")
	}
	v := NewVerdict()
	trial := begin(t, c, v, DefaultLoad())
	first, others := c.Nodes[0], c.Nodes[1:]
	trial.Suffer(fault("the next version on one node", func(*Cluster) { first.upgrade(next) }), nil)
	waitSlots(t, c, first, true)
	for _, n := range others {
		waitNovelty(t, n)
	}
	trial.Suffer(fault("kill -9 of the node with the next version", func(c *Cluster) { c.killFor(first, killedFor) }), nil)
	trial.Suffer(fault("the next version on all nodes", func(c *Cluster) {
		for _, n := range others {
			n.upgrade(next)
			c.WaitReady()
		}
	}), nil)
	for _, n := range c.Status().Nodes {
		if !strings.HasPrefix(n.Version, nextRelease) {
			t.Errorf("%s runs version %s", n.Node, n.Version)
		}
	}
	trial.End()
	sound(t, v)
}
