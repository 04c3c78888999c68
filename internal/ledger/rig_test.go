package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// rig is a ledger all of whose slots are held, with the calls of a slot on it.
type rig struct {
	*Log
	held []*Slot

	mu   sync.Mutex
	seen map[meeting.ID][]Entry // what the adoption read
}

func everySlot() (all []int) {
	for n := range meeting.Slots {
		all = append(all, n)
	}
	return all
}

// open opens a rig, or reports why it could not.
func open(ctx context.Context, cfg Config) (*rig, error) {
	l, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r := &rig{Log: l}
	if err := r.adopt(ctx); err != nil {
		_ = l.Close()
		return nil, err
	}
	return r, nil
}

// adopt takes all slots.
func (r *rig) adopt(ctx context.Context) (err error) {
	r.seen = map[meeting.ID][]Entry{}
	r.held, err = r.Adopt(ctx, everySlot(), func(id meeting.ID, e Entry) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen[id] = append(r.seen[id], e)
		return nil
	})
	return err
}

func openTB(tb testing.TB, cfg Config) *rig {
	tb.Helper()
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	r, err := open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *rig) slot(id meeting.ID) *Slot { return r.held[id.Slot()] }

func (r *rig) Append(ctx context.Context, id meeting.ID, after Revision, data []byte, u Urgency) (Revision, error) {
	return r.slot(id).Append(ctx, id, after, data, u)
}

func (r *rig) End(ctx context.Context, id meeting.ID, after Revision, data []byte, keep time.Duration) (Revision, error) {
	return r.slot(id).End(ctx, id, after, data, keep)
}

func (r *rig) AppendFact(ctx context.Context, id meeting.ID, data []byte) error {
	return r.slot(id).AppendFact(ctx, id, data)
}

func (r *rig) Load(ctx context.Context, id meeting.ID) ([]Entry, error) {
	return r.slot(id).Load(ctx, id, Revision{})
}

func (r *rig) LoadFacts(ctx context.Context, id meeting.ID) ([]Entry, error) {
	return r.slot(id).LoadFacts(ctx, id)
}

// entriesOf returns what the adoption read of a meeting, without its facts.
func (r *rig) entriesOf(id meeting.ID) (list []Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.seen[id] {
		if !e.Fact {
			list = append(list, e)
		}
	}
	return list
}

// world is where ledgers of a test run: one process, or several nodes.
type world struct {
	t     testing.TB
	cfgs  []Config
	rig   *rig   // of the first node, all of whose slots it holds
	nodes []*Log // the others
}

// oneMachine is a ledger alone.
func oneMachine(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, cfgs: []Config{{Dir: t.TempDir()}}}
	w.start()
	return w
}

// threeNodes is a cluster of three embedded servers on loopback, each entry on
// all of them.
func threeNodes(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, cfgs: clusterConfigs(t, 3)}
	w.start()
	return w
}

func clusterConfigs(t testing.TB, nodes int) (cfgs []Config) {
	t.Helper()
	var peers []string
	for range nodes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		peers = append(peers, l.Addr().String())
	}
	for i, addr := range peers {
		cfgs = append(cfgs, Config{
			Dir: filepath.Join(t.TempDir(), fmt.Sprint("node", i)), Node: fmt.Sprint("n", i),
			Cluster: &Cluster{Listen: addr, Peers: peers}, Ballast: -1,
		})
	}
	return cfgs
}

// start starts all nodes at once; the first one takes all slots.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	logs, errs := make([]*Log, len(w.cfgs)), make([]error, len(w.cfgs))
	var wg sync.WaitGroup
	for i, cfg := range w.cfgs {
		wg.Go(func() { logs[i], errs[i] = Open(ctx, cfg) })
	}
	wg.Wait()
	w.t.Cleanup(func() {
		for _, l := range logs {
			if l != nil {
				_ = l.Close()
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.rig, w.nodes = &rig{Log: logs[0]}, logs[1:]
	if err := w.rig.adopt(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// restart stops all nodes in order and starts them again.
func (w *world) restart() {
	w.t.Helper()
	for _, l := range append(slices.Clone(w.nodes), w.rig.Log) {
		if err := l.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.start()
}

func randomID(tb testing.TB) (id meeting.ID) {
	tb.Helper()
	if _, err := rand.Read(id[:]); err != nil {
		tb.Fatal(err)
	}
	return id
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// texts returns the data of entries as strings.
func texts(entries []Entry) []string {
	var s []string
	for _, e := range entries {
		s = append(s, string(e.Data))
	}
	return s
}

func wantTexts(t *testing.T, got []Entry, want ...string) {
	t.Helper()
	if !slices.Equal(texts(got), want) {
		t.Fatalf("entries are %q, want %q", texts(got), want)
	}
	for i, e := range got {
		if e.Gap {
			t.Fatalf("entry %d of %q has a gap before it", i, want)
		}
	}
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("timed out: %s", what)
		}
	}
}
