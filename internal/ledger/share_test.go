package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// somebodysServer starts a NATS that is not ours, and returns its URL.
func somebodysServer(t testing.TB, change func(*server.Options)) string {
	t.Helper()
	return startSomebodys(t, change).ClientURL()
}

func startSomebodys(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: maxPayload,
	}
	if change != nil {
		change(opts)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

// guests are two nodes on a server of somebody else's.
func guests(t testing.TB) *world {
	t.Helper()
	url := somebodysServer(t, nil)
	w := &world{t: t}
	for i := range 2 {
		w.cfgs = append(w.cfgs, Config{Dir: filepath.Join(t.TempDir(), fmt.Sprint("node", i)), Node: fmt.Sprint("n", i), URL: url, Replicas: 1})
	}
	w.start()
	return w
}

func TestAServerThatDoesNotFitIsRefused(t *testing.T) {
	small := somebodysServer(t, func(o *server.Options) { o.MaxPayload = 1 << 20 })
	plain := somebodysServer(t, func(o *server.Options) { o.JetStream = false })
	for name, cfg := range map[string]Config{
		"small messages":   {URL: small, Replicas: 1},
		"no JetStream":     {URL: plain, Replicas: 1},
		"too few replicas": {URL: somebodysServer(t, nil)},
		"nobody":           {URL: "nats://127.0.0.1:1"},
		"two ways":         {URL: small, Cluster: &Cluster{Listen: "127.0.0.1:0"}},
	} {
		cfg.Dir = t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		l, err := Open(ctx, cfg)
		cancel()
		if err == nil {
			_ = l.Close()
		}
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fillMeetings writes n meetings.
func fillMeetings(t *testing.T, l *rig, n int) (ids []meeting.ID, revs []Revision) {
	t.Helper()
	ctx := t.Context()
	for i := range n {
		id := randomID(t)
		rev := must[Revision](t)(l.Append(ctx, id, Revision{}, fmt.Append(nil, "created ", i), Ordinary))
		rev = must[Revision](t)(l.Append(ctx, id, rev, fmt.Append(nil, "more ", i), Ordinary))
		if err := l.AppendFact(ctx, id, []byte("joined")); err != nil {
			t.Fatal(err)
		}
		ids, revs = append(ids, id), append(revs, rev)
	}
	return ids, revs
}

// wantFilled checks what fillMeetings wrote.
func wantFilled(t *testing.T, seen map[meeting.ID][]Entry, ids []meeting.ID) {
	t.Helper()
	for i, id := range ids {
		wantTexts(t, seen[id], fmt.Sprint("created ", i), fmt.Sprint("more ", i), "joined")
	}
	if len(seen) != len(ids) {
		t.Errorf("%d meetings, not %d", len(seen), len(ids))
	}
}

// becomeThree makes one machine the first of three nodes, and the others get its
// meetings, whoever starts first, and its number of streams.
func becomeThree(t *testing.T) *world {
	t.Helper()
	cfgs := clusterConfigs(t, 3)
	dir := cfgs[1].Dir
	l := openTB(t, Config{Dir: dir, Node: "alone"})
	ids, revs := fillMeetings(t, l, 200)
	must[Revision](t)(l.End(t.Context(), ids[0], revs[0], []byte("ended"), time.Hour))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, cfgs: cfgs}
	w.start()
	if n := w.rig.layout.Streams; n != oneMachineStreams {
		t.Errorf("%d streams, not the %d of before", n, oneMachineStreams)
	}
	if list := w.rig.entriesOf(ids[0]); len(list) == 0 || string(list[len(list)-1].Data) != "ended" {
		t.Errorf("the ended meeting came as %q", texts(list))
	}
	for i, id := range ids[1:] {
		wantTexts(t, w.rig.seen[id], fmt.Sprint("created ", i+1), fmt.Sprint("more ", i+1), "joined")
	}
	must[Revision](t)(w.rig.Append(t.Context(), ids[1], w.rig.entriesOf(ids[1])[1].Revision, []byte("in the cluster"), Ordinary))
	if there, _ := os.Stat(filepath.Join(dir, streamsDir)); there != nil {
		t.Error("the streams of one machine are still there")
	}
	cfg := must[Config](t)(Config{Dir: dir}.withDefaults())
	if _, err := loadLayout(cfg); err == nil {
		t.Error("a node's directory would be opened as one machine's")
	}
	return w
}

// The move is cut off, at every place where that leaves something behind, and
// tried again.
func TestAMoveThatIsCutOffBeginsAnew(t *testing.T) {
	dir, url := t.TempDir(), somebodysServer(t, nil)
	l := openTB(t, Config{Dir: dir})
	ids, _ := fillMeetings(t, l, 500)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: dir, URL: url, Replicas: 1}
	for _, after := range []time.Duration{1, 20 * time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if l, err := Open(ctx, cfg); err == nil {
			_ = l.Close() // it was quicker
		}
		cancel()
	}
	r := openTB(t, cfg)
	wantFilled(t, r.seen, ids)
}

// A move got as far as the copy, or so far that only its end was not noted. The
// next start has everything once.
func TestHalfAMoveIsNotCountedTwice(t *testing.T) {
	for _, told := range []bool{false, true} {
		dir, url := t.TempDir(), somebodysServer(t, nil)
		l := openTB(t, Config{Dir: dir})
		ids, _ := fillMeetings(t, l, 100)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		halfMove(t, dir, url, told)
		r := openTB(t, Config{Dir: dir, URL: url, Replicas: 1})
		wantFilled(t, r.seen, ids)
	}
}

// halfMove does what a move does, but for its end; told says whether the cluster
// has been told that it is over.
func halfMove(t *testing.T, dir, url string, told bool) {
	t.Helper()
	cfg := must[Config](t)(Config{Dir: dir, URL: url, Replicas: 1}.withDefaults())
	lay := must[layout](t)(loadLayout(cfg))
	lay.Moving = "half"
	if err := lay.save(dir); err != nil {
		t.Fatal(err)
	}
	from := must[*engine](t)(startEngine(t.Context(), cfg.before(), lay, newTrouble(newFault())))
	defer from.stop()
	to := must[*engine](t)(startEngine(t.Context(), cfg, lay, newTrouble(newFault())))
	defer to.stop()
	if told {
		if err := moveAll(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		return
	}
	js := must[jetstream.JetStream](t)(jetstream.New(to.read))
	for i := range lay.Streams {
		s := must[jetstream.Stream](t)(js.Stream(t.Context(), lay.streamName(i)))
		if err := moveStream(t.Context(), from, to, s); err != nil {
			t.Fatal(err)
		}
	}
}

// A node that brings meetings comes to a cluster that has some already, and one
// comes with another key.
func TestWhoDoesNotFitIntoTheClusterIsRefused(t *testing.T) {
	url := somebodysServer(t, nil)
	first := openTB(t, Config{URL: url, Replicas: 1, KeyCheck: "one"})
	fillMeetings(t, first, 3)
	if _, err := Open(t.Context(), Config{Dir: t.TempDir(), URL: url, Replicas: 1, KeyCheck: "two"}); !errors.Is(err, ErrForeignKey) {
		t.Errorf("another key: %v", err)
	}
	dir := t.TempDir()
	alone := openTB(t, Config{Dir: dir, KeyCheck: "one"})
	ids, _ := fillMeetings(t, alone, 3)
	_ = alone.Close()
	if l, err := Open(t.Context(), Config{Dir: dir, URL: url, Replicas: 1, KeyCheck: "one"}); err == nil {
		_ = l.Close()
		t.Error("meetings of one machine came to others")
	}
	wantFilled(t, openTB(t, Config{Dir: dir, KeyCheck: "one"}).seen, ids) // nothing happened to them
}

// nodeWiped has the disk of one node replaced by an empty one. It comes back with
// a copy of everything, which is good enough when another node goes.
func nodeWiped(t *testing.T, w *world) {
	ids, _ := fillMeetings(t, w.rig, 100)
	if err := w.nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	cfg := w.cfgs[2]
	if err := os.RemoveAll(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	cfg.Streams = 2 // what it would make by itself
	l := must[*Log](t)(Open(w.t.Context(), cfg))
	w.t.Cleanup(func() { _ = l.Close() })
	if l.layout.Streams != w.rig.layout.Streams {
		t.Errorf("%d streams", l.layout.Streams)
	}
	w.waitCurrent(l)
	w.nodes[0], w.nodes[1] = l, w.nodes[0]
	w.cfgs[1], w.cfgs[2] = w.cfgs[2], w.cfgs[1]
	_, seen := w.adoptAll(l)
	for i, id := range ids {
		wantTexts(t, seen[id], fmt.Sprint("created ", i), fmt.Sprint("more ", i), "joined")
	}
	for _, s := range w.nodes[0].owned() {
		_ = s.Release(t.Context())
	}
	w.readopt()
}

// waitCurrent waits until the node's copies of all streams have caught up.
func (w *world) waitCurrent(l *Log) {
	w.t.Helper()
	for i := range l.layout.Streams {
		name := l.layout.streamName(i)
		eventually(w.t, name+" caught up", func() bool {
			return l.engine.server.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, name)
		})
	}
}

// New streams wait for all nodes, one of which may bring meetings.
func TestNewStreamsWaitForAllNodes(t *testing.T) {
	cfgs := clusterConfigs(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for _, cfg := range cfgs[:2] {
		wg.Go(func() {
			l, err := Open(ctx, cfg)
			if err == nil {
				_ = l.Close()
				t.Error("two of three nodes made streams")
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTheListOfNodesMayHoldTheNode(t *testing.T) {
	for _, c := range []struct {
		listen string
		peers  []string
		want   int
	}{
		{"10.0.0.1:7", []string{"10.0.0.1:7", "10.0.0.2:7"}, 2},
		{"10.0.0.1:7", []string{"10.0.0.3:7", "10.0.0.2:7"}, 3},
		{"0.0.0.0:7", []string{"127.0.0.1:7", "10.0.0.2:7"}, 2},
		{":7", []string{"localhost:7", "10.0.0.2:7", "10.0.0.3:7"}, 3},
		{":7", []string{"192.0.2.1:7", "10.0.0.2:7"}, 3},
		{"10.0.0.1:7", []string{"127.0.0.1:7"}, 2},
		{"127.0.0.1:8", []string{"127.0.0.1:7"}, 2},
		{"127.0.0.1:8", nil, 1},
	} {
		if got := (&Cluster{Listen: c.listen, Peers: c.peers}).Nodes(); got != c.want {
			t.Errorf("listening on %s with %v: %d nodes, not %d", c.listen, c.peers, got, c.want)
		}
	}
}
