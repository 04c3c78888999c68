package clustertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Load is how much is going on during a trial.
type Load struct {
	Writers    int           // through the balancer
	Pinned     int           // writers at each node, who stay with it whatever happens to it
	Chronicles int           // each with some clients
	Meetings   int           // with two callers each
	Pause      time.Duration // between two calls of a client
}

// DefaultLoad is what three nodes and their clients carry on two processors.
func DefaultLoad() Load {
	return Load{Writers: 4, Chronicles: 1, Meetings: 9, Pause: 150 * time.Millisecond}
}

// Trial is clients at work on a cluster.
type Trial struct {
	cluster *Cluster
	verdict *Verdict
	keeper  *Doorkeeper
	party   *Party
	writers []*Writer
	stop    context.CancelFunc
	clients sync.WaitGroup
}

// comeBackWithin bounds how long callers may take to hear each other again: a
// takeover behind an election with a split vote, and what a browser waits.
const comeBackWithin = 60 * time.Second

// Begin puts clients to work and waits until all callers hear each other.
func Begin(c *Cluster, v *Verdict, l Load) (*Trial, error) {
	party, err := NewParty(c, v, l.Meetings)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Trial{cluster: c, verdict: v, keeper: NewDoorkeeper(c, v), party: party, stop: cancel}
	if deaf := party.WaitHeard(time.Now(), comeBackWithin); len(deaf) > 0 {
		err := fmt.Errorf("%d of %d callers hear nobody from the start: %w", len(deaf), len(party.Callers), deaf[0].Err())
		cancel()
		party.Close()
		t.keeper.Close()
		return nil, err
	}
	run := fmt.Sprintf("%x", time.Now().UnixNano())
	for i := range l.Writers {
		t.write(ctx, NewWriter(fmt.Sprintf("w%s-%d", run, i), c.Balancer.Client(), v, t.keeper, l.Pause))
	}
	for _, n := range c.Nodes {
		for i := range l.Pinned {
			t.write(ctx, NewWriter(fmt.Sprintf("w%s-%s-%d", run, n.Name, i), n.client(), v, t.keeper, l.Pause))
		}
	}
	for i := range l.Chronicles {
		chronicle := NewChronicle(fmt.Sprintf("c%s-%d", run, i), c.Balancer, v, l.Pause)
		t.clients.Go(func() { chronicle.Run(ctx) })
	}
	return t, nil
}

func (t *Trial) write(ctx context.Context, w *Writer) {
	t.writers = append(t.writers, w)
	t.clients.Go(func() { w.Run(ctx) })
}

// Suffer lets a fault happen and waits until everything is as before: all nodes
// ready, and all callers hearing each other.
func (t *Trial) Suffer(f Fault, draw *rand.Rand) {
	before := t.verdict.total()
	begun := time.Now()
	t.verdict.during(f)
	defer t.verdict.during(Fault{Name: "nothing"})
	var over atomic.Bool
	var listening sync.WaitGroup
	for _, c := range t.party.Callers {
		listening.Go(func() { t.listen(f.Name, c, &over) })
	}
	f.Do(t.cluster, draw)
	t.cluster.WaitReady()
	t.verdict.Took("ready again: "+f.Name, time.Since(begun))
	deaf := t.party.WaitHeard(time.Now(), comeBackWithin)
	over.Store(true)
	listening.Wait()
	for _, c := range deaf {
		t.verdict.Find(Stranded, "%v after %q a caller of %s hears nobody: %v", time.Since(begun).Round(time.Second), f.Name, c.Meeting, c.Err())
	}
	t.verdict.suffered(f.Name, t.verdict.total()-before)
}

// listen notes how long a caller hears nobody, each time.
func (t *Trial) listen(fault string, c *Caller, over *atomic.Bool) {
	const gap = 500 * time.Millisecond
	for last := c.Heard(); !over.Load(); time.Sleep(10 * time.Millisecond) {
		now := c.Heard()
		if silence := now.Sub(last); silence > gap {
			t.verdict.Took("silence: "+fault, silence)
		}
		last = now
	}
}

// worthwhile bounds how long a trial goes on for its clients to have done
// something of each kind: in a short one a fault can hold them up all the time.
const worthwhile = patience

// End lets the clients finish and compares.
func (t *Trial) End() {
	for end := time.Now().Add(worthwhile); len(t.writers) > 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if t.verdict.Counted("calls") > 0 && t.verdict.Counted("calls in histories") > 0 && t.verdict.Counted("dead tokens refused") > 0 {
			break
		}
	}
	t.stop()
	t.clients.Wait()
	t.party.Close()
	t.cluster.WaitReady()
	at := map[string]*http.Client{}
	for _, n := range t.cluster.Nodes {
		if n.Running() {
			at[n.Name] = n.client()
		}
	}
	var settling sync.WaitGroup
	for _, w := range t.writers {
		settling.Go(func() { w.Settle(at) })
	}
	settling.Wait()
	t.keeper.Close()
	t.admitLiving()
}

// admitLiving shows that a token that is not dead lets in, at every node.
func (t *Trial) admitLiving() {
	for _, w := range t.writers {
		meeting, token := w.Alive()
		if meeting == "" {
			continue
		}
		for _, n := range t.cluster.Nodes {
			if !n.Running() {
				continue
			}
			if err := enter(n, ticket{meeting, token}); err != nil {
				t.verdict.Find(Stranded, "a living token of %s is not admitted by %s: %v", meeting, n.Name, err)
			} else {
				t.verdict.Count("living tokens admitted")
			}
		}
	}
}
