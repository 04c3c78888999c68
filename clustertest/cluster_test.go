package clustertest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// shared builds servers for all tests.
var shared = sync.OnceValue(NewShop)

// TestMain lets as many tests begin as there are: the queue says whose turn it is.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		panic(err)
	}
	code := Main(m)
	if err := shared().Close(); err != nil {
		fmt.Fprintln(os.Stderr, "removing the servers that were built:", err)
	}
	os.Exit(code)
}

func shop(t *testing.T) *Shop {
	t.Helper()
	return shared()
}

// begin starts clients on a cluster.
func begin(t *testing.T, c *Cluster, v *Verdict, l Load) *Trial {
	t.Helper()
	trial, err := Begin(c, v, l)
	if err != nil {
		t.Fatal(err)
	}
	return trial
}

// sound fails the test for everything that was found, and when too little was
// done for that to mean anything.
func sound(t *testing.T, v *Verdict) {
	t.Helper()
	t.Logf("\n%s", v.Table())
	for _, kind := range Findings() {
		if n := v.Found(kind); n > 0 {
			t.Errorf("%s: %d", kind, n)
		}
	}
	for _, words := range v.Words() {
		t.Error(words)
	}
	for _, what := range []string{"calls", "calls in histories", "histories", "dead tokens refused", "living tokens admitted", "meetings compared"} {
		if v.Counted(what) == 0 {
			t.Errorf("no %s: the trial shows nothing", what)
		}
	}
	if hard, all := v.Counted("histories too hard to check"), v.Counted("histories"); hard > all/10 {
		t.Errorf("%d of %d histories could not be checked", hard, all)
	}
}

// One server alone is the measure: the clients must find nothing there either.
func TestOneNodeAlone(t *testing.T) {
	alongside(t, 10)
	c := shop(t).Start(t, Build{}, 1)
	v := NewVerdict()
	trial := begin(t, c, v, Load{Writers: 2, Pinned: 1, Chronicles: 1, Meetings: 2, Pause: 100 * time.Millisecond})
	draw := rand.New(rand.NewPCG(1, 1))
	kill := FaultNamed("kill -9, and back at once")
	kill.Outage = true
	trial.Suffer(kill, draw)
	trial.Suffer(FaultNamed("SIGSTOP of any node, 3 to 8 s"), draw)
	trial.End()
	sound(t, v)
}

// suffer lets the faults happen to three nodes, one after the other, and demands
// that the clients find nothing.
func suffer(t *testing.T, source rand.Source, faults ...string) {
	t.Helper()
	draw := rand.New(source)
	c := shop(t).Start(t, Build{}, 3)
	v := NewVerdict()
	trial := begin(t, c, v, DefaultLoad())
	for _, name := range faults {
		t.Log(time.Now().Format(time.TimeOnly), name)
		trial.Suffer(FaultNamed(name), draw)
	}
	trial.End()
	sound(t, v)
}

// Whatever kills one node, or all of them at once, loses nothing and ends no
// meeting. All of them comes last: in an outage the SDK uses up the retries that
// it allows itself, and would have none for the next fault.
func TestNothingIsLostWhenNodesAreKilled(t *testing.T) {
	alongside(t, 130)
	suffer(t, rand.NewPCG(1, 2), "kill -9 of the owner of most", "kill -9 of a stream's leader", "kill -9 of the bucket's leader", "kill -9 of all nodes at once")
}

// Nor does what keeps a node from the others, or from its work.
func TestNothingIsLostWhenNodesAreCutOffOrFrozen(t *testing.T) {
	alongside(t, 130)
	suffer(t, rand.NewPCG(1, 3), "a rolling restart", "a node cut off from the others, not from clients", "SIGSTOP of the owner of most, 20 s")
}

// The same clients have to find what goes wrong without the fence and the
// lease: otherwise they would find nothing with them either.
func TestWithoutTheFenceTheClientsFindIt(t *testing.T) {
	alongside(t, 60)
	c := shop(t).Start(t, Build{Tags: "unfenced"}, 3)
	v := NewVerdict()
	draw := rand.New(rand.NewPCG(1, 3))
	for range 6 { // mostly the first time shows it
		trial := begin(t, c, v, Load{Writers: 2, Chronicles: 6, Meetings: 2, Pause: 50 * time.Millisecond})
		trial.Suffer(FaultNamed("a node cut off from the others, not from clients"), draw)
		trial.End() // only then all histories are looked at
		if v.Found(Lost)+v.Found(Stale)+v.Found(Disorder)+v.Found(Doubled) > 0 {
			break
		}
	}
	for _, n := range c.Nodes {
		n.Kill() // nobody promises that what has gone so wrong ends in good order
	}
	t.Logf("\n%s", v.Table())
	found := fmt.Sprintf("lost %d, doubled %d, stale %d, disorder %d, admitted %d",
		v.Found(Lost), v.Found(Doubled), v.Found(Stale), v.Found(Disorder), v.Found(Admitted))
	if v.Found(Lost)+v.Found(Doubled)+v.Found(Stale)+v.Found(Disorder) == 0 {
		t.Errorf("without a fence nothing was found: %s", found)
	}
	t.Log(found)
}
