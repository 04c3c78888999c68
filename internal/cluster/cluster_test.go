package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*Server).StartRouting"))
}

const testSlots = 12

// network carries messages between nodes and keeps the assignment, until told
// to fail.
type network struct {
	mu       sync.Mutex
	answers  map[string]func([]byte) []byte
	cut      map[[2]string]bool // from, to; "store" is one of the ends
	value    []byte
	revision uint64
	rand     *rand.Rand
}

func newNetwork() *network {
	return &network{answers: map[string]func([]byte) []byte{}, cut: map[[2]string]bool{}, rand: rand.New(rand.NewPCG(1, 2))}
}

// isolate cuts a node off from everything, or connects it again.
func (w *network) isolate(node string, others []string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range append(slices.Clone(others), "store") {
		w.cut[[2]string{node, o}], w.cut[[2]string{o, node}] = cut, cut
	}
}

// travel takes a message's time, and fails if the way is cut.
func (w *network) travel(ctx context.Context, from, to string) error {
	w.mu.Lock()
	cut := w.cut[[2]string{from, to}]
	delay := time.Duration(w.rand.IntN(5000)) * time.Microsecond
	w.mu.Unlock()
	if cut {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-time.After(delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end is the network as one node uses it.
type end struct {
	*network
	node string
}

func (e end) Ask(ctx context.Context, node string, request []byte) ([]byte, error) {
	if err := e.travel(ctx, e.node, node); err != nil {
		return nil, err
	}
	e.mu.Lock()
	answer := e.answers[node]
	e.mu.Unlock()
	if answer == nil {
		return nil, errors.New("nobody there")
	}
	got := answer(request)
	return got, e.travel(ctx, node, e.node)
}

func (e end) Serve(node string, answer func([]byte) []byte) (func(), error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers[node] = answer
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.answers, node)
	}, nil
}

func (e end) Get(ctx context.Context) ([]byte, uint64, error) {
	if err := e.travel(ctx, e.node, "store"); err != nil {
		return nil, 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.value, e.revision, nil
}

func (e end) Put(ctx context.Context, value []byte, revision uint64) (uint64, error) {
	if err := e.travel(ctx, e.node, "store"); err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if revision != e.revision {
		return 0, ErrConflict
	}
	e.value, e.revision = value, e.revision+1
	return e.revision, nil
}

// holder counts what a node was told to do.
type holder struct {
	mu       sync.Mutex
	adopted  map[int]bool
	fail     int // adoptions that fail before one works
	released int
	trouble  []string
}

func (h *holder) Adopt(_ context.Context, slot int) error {
	time.Sleep(20 * time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		return errors.New("not now")
	}
	h.note(slot, false, "adopted")
	h.adopted[slot] = true
	return nil
}

func (h *holder) Release(_ context.Context, slot int) error {
	time.Sleep(10 * time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(slot, true, "released")
	h.released++
	delete(h.adopted, slot)
	return nil
}

func (h *holder) Drop(slot int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(slot, true, "dropped")
	delete(h.adopted, slot)
}

func (h *holder) note(slot int, want bool, what string) {
	if h.adopted[slot] != want {
		h.trouble = append(h.trouble, fmt.Sprintf("slot %d %s, adopted: %v", slot, what, h.adopted[slot]))
	}
}

// world is a cluster in which it is always checked that no slot is held twice.
type world struct {
	t       *testing.T
	net     *network
	nodes   map[string]*Node
	holders map[string]*holder
	stops   map[string]func()
	nodesIn int // how many the cluster is to have; 0: not known
	busy    map[string][]int
	logs    map[string]*logtest.Buffer // of nodes, through their restarts
}

func (w *world) log(name string) *logtest.Buffer {
	if w.logs[name] == nil {
		w.logs[name] = new(logtest.Buffer)
	}
	return w.logs[name]
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, net: newNetwork(), nodes: map[string]*Node{}, holders: map[string]*holder{},
		stops: map[string]func(){}, busy: map[string][]int{}, logs: map[string]*logtest.Buffer{},
	}
	t.Cleanup(func() {
		for _, stop := range w.stops {
			stop()
		}
		for name, h := range w.holders {
			for _, what := range h.trouble {
				t.Errorf("%s: %s", name, what)
			}
		}
	})
	return w
}

func (w *world) start(name string) {
	w.t.Helper()
	w.startOn(name, end{w.net, name}, end{w.net, name})
}

func (w *world) startOn(name string, bus Bus, store Store) {
	w.t.Helper()
	h := &holder{adopted: map[int]bool{}}
	n, err := New(Config{
		Node: name, Slots: testSlots, Nodes: w.nodesIn, Holder: h, Bus: bus, Store: store,
		Info:   func() Info { return Info{Address: name + ":1", Busy: w.busy[name]} },
		Logger: slog.New(slog.NewTextHandler(w.log(name), nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	w.nodes[name], w.holders[name] = n, h
	w.stops[name] = func() { cancel(); <-done }
}

// kill ends a node without a word.
func (w *world) kill(name string) {
	w.stops[name]()
	delete(w.stops, name)
	delete(w.nodes, name)
}

func (w *world) names() []string {
	var names []string
	for name := range w.nodes {
		names = append(names, name)
	}
	return names
}

// owners counts the slots that each node holds, and fails if one is held twice.
func (w *world) owners() map[string]int {
	w.t.Helper()
	count := map[string]int{}
	for slot := range testSlots {
		by := ""
		for name, n := range w.nodes {
			if !n.Holds(slot) {
				continue
			}
			if by != "" {
				w.t.Fatalf("slot %d is held by %s and %s", slot, by, name)
			}
			by = name
			count[name]++
		}
	}
	return count
}

// pass lets time pass, looking all the while.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(7 * time.Millisecond) {
		w.owners()
	}
}

// within waits until the nodes hold as many slots as want says, and returns how
// long that took.
func (w *world) within(most time.Duration, want map[string]int) time.Duration {
	w.t.Helper()
	begun := time.Now()
	for {
		got := w.owners()
		if equal(got, want) {
			return time.Since(begun)
		}
		if time.Since(begun) > most {
			w.t.Fatalf("after %v: %v, want %v; status %+v", most, got, want, w.any().Status())
		}
		time.Sleep(7 * time.Millisecond)
	}
}

func equal(a, b map[string]int) bool {
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	for k := range b {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

func (w *world) any() *Node {
	for _, name := range slices.Sorted(slices.Values(w.names())) {
		return w.nodes[name]
	}
	return nil
}

// A node that comes first is no majority of a cluster that is to have three.
func TestAFirstNodeWaitsForASecond(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		w := newWorld(t)
		w.nodesIn = 3
		w.start("a")
		for range 40 {
			w.pass(500 * time.Millisecond)
			if got := w.owners(); len(got) > 0 || w.nodes["a"].Ready() {
				t.Fatalf("alone, %v are held; ready: %t", got, w.nodes["a"].Ready())
			}
		}
		w.start("b")
		w.within(10*time.Second, map[string]int{"a": 6, "b": 6})
		w.start("c")
		w.within(20*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
		w.kill("a")
		w.within(10*time.Second, map[string]int{"b": 6, "c": 6})
		if err := w.nodes["b"].Remove(context.Background(), "a"); err != nil {
			t.Error(err)
		}
		w.kill("b")
		w.pass(10 * time.Second)
		w.within(time.Second, map[string]int{}) // c alone is none either
	})
}

// While a cluster comes together for the first time, any of its nodes may be cut
// off at any moment. No slot is ever held twice.
func TestAClusterThatFormsIsOne(t *testing.T) {
	for seed := range uint64(12) {
		bubble(fmt.Sprint(seed), t, func(t *testing.T) {
			w := newWorld(t)
			w.nodesIn = 3
			r := rand.New(rand.NewPCG(seed, 8))
			names := []string{"a", "b", "c"}
			r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			w.start(names[0])
			w.pass(time.Duration(r.IntN(3000)) * time.Millisecond)
			w.net.isolate(names[0], names[1:], true)
			for _, name := range names[1:] {
				w.start(name)
				w.pass(time.Duration(r.IntN(3000)) * time.Millisecond)
			}
			w.pass(15 * time.Second)
			w.net.isolate(names[0], names[1:], false)
			w.within(40*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
		})
	}
}

// The slots of a silent node are taken over though another is silent as well.
func TestTwoSilentNodesOfFive(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		w := newWorld(t)
		w.nodesIn = 5
		names := []string{"a", "b", "c", "d", "e"}
		for _, name := range names {
			w.start(name)
		}
		for begun := time.Now(); len(w.owners()) < len(names); time.Sleep(7 * time.Millisecond) {
			if time.Since(begun) > time.Minute {
				t.Fatalf("slots are held by %v only", w.owners())
			}
		}
		w.pass(5 * time.Second)
		w.net.isolate("a", names, true)
		w.net.isolate("d", names, true)
		w.within(12*time.Second, map[string]int{"b": 4, "c": 4, "e": 4})
	})
}

// three starts three nodes and waits until the slots are spread over them.
func three(t *testing.T) *world {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.start(name)
	}
	w.within(30*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
	return w
}

func bubble(name string, t *testing.T, fn func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, fn) })
}

func TestOneNodeOwnsEverythingAtOnce(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		w := newWorld(t)
		w.start("a")
		if took := w.within(time.Second, map[string]int{"a": testSlots}); took > 700*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if !w.nodes["a"].Ready() {
			t.Error("not ready")
		}
		w.pass(time.Minute)
	})
}

func TestASlotWhoseAdoptionFailsIsTriedAgain(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		w := newWorld(t)
		w.start("a")
		w.holders["a"].fail = 30
		w.within(5*time.Second, map[string]int{"a": testSlots})
	})
}

// While a node reads the slots of a dead one, it goes on to take calls.
func TestATakeOverLeavesNodesReady(t *testing.T) {
	bubble("", t, func(t *testing.T) {
		w := three(t)
		for _, name := range w.names() {
			if !w.nodes[name].Ready() {
				t.Fatalf("%s is not ready", name)
			}
		}
		for _, h := range w.holders {
			h.mu.Lock()
			h.fail = 40
			h.mu.Unlock()
		}
		w.kill("b")
		begun := time.Now()
		for !equal(w.owners(), map[string]int{"a": 6, "c": 6}) {
			for _, name := range w.names() {
				if !w.nodes[name].Ready() {
					t.Fatalf("%s is not ready %v after the death of another", name, time.Since(begun))
				}
			}
			if time.Since(begun) > time.Minute {
				t.Fatal("never taken over")
			}
			time.Sleep(7 * time.Millisecond)
		}
		isolated := w.nodes["a"]
		w.net.isolate("a", []string{"c"}, true)
		time.Sleep(4 * time.Second)
		if isolated.Ready() {
			t.Error("ready without a lease")
		}
		w.net.isolate("a", []string{"c"}, false)
		time.Sleep(10 * time.Second)
		if !isolated.Ready() {
			t.Error("not ready again")
		}
	})
}

func TestNodes(t *testing.T) {
	bubble("a dead node's slots are taken over", t, func(t *testing.T) {
		w := three(t)
		w.kill("b")
		if took := w.within(8*time.Second, map[string]int{"a": 6, "c": 6}); took < 3*time.Second {
			t.Errorf("taken over after %v, within the lease", took)
		}
		w.start("b")
		w.within(20*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
	})
	bubble("the first by name dies", t, func(t *testing.T) {
		w := three(t)
		w.kill("a")
		w.within(8*time.Second, map[string]int{"b": 6, "c": 6})
	})
	bubble("a cut-off node stops and comes back", t, func(t *testing.T) {
		w := three(t)
		w.net.isolate("c", []string{"a", "b"}, true)
		w.within(8*time.Second, map[string]int{"a": 6, "b": 6})
		w.pass(20 * time.Second)
		for _, s := range w.nodes["c"].Status() {
			if s.State() != "silent" || s.Node != "c" && s.SilentFor < "20s" {
				t.Errorf("the cut-off node shows %+v", s)
			}
		}
		w.net.isolate("c", []string{"a", "b"}, false)
		w.within(20*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
	})
	bubble("a short cut changes nothing", t, func(t *testing.T) {
		w := three(t)
		w.net.isolate("c", []string{"a", "b"}, true)
		w.pass(2 * time.Second)
		w.net.isolate("c", []string{"a", "b"}, false)
		w.pass(10 * time.Second)
		if m := w.any().Status(); m[2].Incarnation != 1 {
			t.Errorf("c is in incarnation %d", m[2].Incarnation)
		}
	})
	bubble("two dead nodes are not taken over by the third", t, func(t *testing.T) {
		w := three(t)
		w.kill("a")
		w.kill("b")
		w.within(8*time.Second, map[string]int{})
		w.pass(20 * time.Second)
		w.start("a")
		w.within(20*time.Second, map[string]int{"a": 6, "c": 6})
	})
	bubble("the death of the store condemns nobody", t, func(t *testing.T) {
		w := three(t)
		for _, n := range w.names() {
			w.net.isolate("store", []string{n}, true)
		}
		for range 60 {
			w.pass(500 * time.Millisecond)
			if got := w.owners(); !equal(got, map[string]int{"a": 4, "b": 4, "c": 4}) {
				t.Fatalf("held: %v", got)
			}
		}
	})
}

func TestSlotsMove(t *testing.T) {
	bubble("a drained node hands over", t, func(t *testing.T) {
		w := three(t)
		if err := w.nodes["b"].Drain(context.Background(), "a"); err != nil {
			t.Fatal(err)
		}
		w.within(2*time.Second, map[string]int{"b": 6, "c": 6})
		if w.holders["a"].released < 4 {
			t.Errorf("%d slots were released in order", w.holders["a"].released)
		}
		w.kill("a")
		if err := w.nodes["b"].Remove(context.Background(), "a"); err != nil {
			t.Error(err)
		}
		if err := w.nodes["b"].Remove(context.Background(), "c"); err == nil {
			t.Error("a node with slots was removed")
		}
		w.pass(10 * time.Second)
	})
	bubble("a fourth node gets only slots that nobody uses", t, func(t *testing.T) {
		w := three(t)
		for _, name := range w.names() {
			for slot := range testSlots {
				if w.nodes[name].Holds(slot) {
					w.busy[name] = append(w.busy[name], slot)
				}
			}
		}
		w.pass(2 * time.Second)
		w.start("d")
		w.pass(10 * time.Second)
		if got := w.owners(); got["d"] != 0 {
			t.Errorf("slots in use were moved: %v", got)
		}
		clear(w.busy)
		w.within(10*time.Second, map[string]int{"a": 3, "b": 3, "c": 3, "d": 3})
	})
	bubble("a slot that the log refused is adopted again", t, func(t *testing.T) {
		w := three(t)
		n := w.nodes["a"]
		for slot := range testSlots {
			if n.Holds(slot) {
				n.Lost(slot)
			}
		}
		w.within(time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
	})
}

// Faults drawn at random: whatever happens, no slot is held twice, and once
// the faults are over every slot is held.
func TestNoSlotIsEverHeldTwice(t *testing.T) {
	for seed := range uint64(10) {
		bubble(fmt.Sprint(seed), t, func(t *testing.T) {
			w := three(t)
			r := rand.New(rand.NewPCG(seed, 7))
			for range 25 {
				name := []string{"a", "b", "c"}[r.IntN(3)]
				switch _, up := w.nodes[name]; {
				case up && r.IntN(2) == 0:
					w.kill(name)
				case up:
					w.net.isolate(name, []string{"a", "b", "c"}, r.IntN(2) == 0)
				default:
					w.start(name)
				}
				w.pass(time.Duration(r.IntN(8000)) * time.Millisecond)
			}
			for _, name := range []string{"a", "b", "c"} {
				w.net.isolate(name, []string{"a", "b", "c"}, false)
				if w.nodes[name] == nil {
					w.start(name)
				}
			}
			w.within(40*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
		})
	}
}
