package ledger

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// nodeDies has a node of three die without a word, with some of the streams'
// leaders. The owner's writes wait for the elections; none fails, is lost, or is
// stored twice.
func nodeDies(t *testing.T, w *world) {
	l, ctx := w.rig, t.Context()
	var wg sync.WaitGroup
	var acked atomic.Int64
	stop := make(chan struct{})
	type last struct {
		id meeting.ID
		n  int
	}
	lasts := make([]last, 16)
	for i := range lasts {
		lasts[i].id = randomID(t)
		wg.Go(func() {
			var rev Revision
			for {
				select {
				case <-stop:
					return
				default:
				}
				var err error
				if rev, err = l.Append(ctx, lasts[i].id, rev, fmt.Append(nil, lasts[i].n), Ordinary); err != nil {
					t.Errorf("append while a node is away: %v", err)
					return
				}
				lasts[i].n++
				acked.Add(1)
			}
		})
	}
	eventually(t, "writes", func() bool { return acked.Load() > 200 })
	w.nodes[1].engine.server.Shutdown()
	before := acked.Load()
	eventually(t, "every stream has a leader again", func() bool { return acked.Load() > before+500 })
	close(stop)
	wg.Wait()
	_, seen := w.adoptAll(w.nodes[0])
	for _, m := range lasts {
		var want []string
		for n := range m.n {
			want = append(want, fmt.Sprint(n))
		}
		wantTexts(t, seen[m.id], want...)
	}
	t.Logf("%d writes", acked.Load())
}

// adoptAll adopts all slots on another node.
func (w *world) adoptAll(l *Log) ([]*Slot, map[meeting.ID][]Entry) {
	w.t.Helper()
	seen, mu := map[meeting.ID][]Entry{}, sync.Mutex{}
	slots, err := l.Adopt(w.t.Context(), everySlot(), func(id meeting.ID, e Entry) error {
		mu.Lock()
		defer mu.Unlock()
		seen[id] = append(seen[id], e)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return slots, seen
}

// nodesListen looks where the embedded server of a node listens: for the other
// nodes, and for nobody else. What the ledger runs on can be used for messages
// between nodes.
func nodesListen(t *testing.T, w *world) {
	s := w.rig.engine.server
	if s.Addr() != nil {
		t.Errorf("there is a port for clients: %v", s.Addr())
	}
	if got, want := s.ClusterAddr().String(), w.cfgs[0].Cluster.Listen; got != want {
		t.Errorf("listens for nodes on %s, not on %s", got, want)
	}
	conn, err := net.DialTimeout("tcp", w.cfgs[0].Cluster.Listen, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	a := must[*nats.Conn](t)(w.rig.Connect("a"))
	defer a.Close()
	b := must[*nats.Conn](t)(w.nodes[0].Connect("b"))
	defer b.Close()
	if _, err := b.Subscribe("hello", func(m *nats.Msg) { _ = m.Respond([]byte("hello yourself")) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an answer from another node", func() bool {
		m, err := a.Request("hello", nil, time.Second)
		return err == nil && string(m.Data) == "hello yourself"
	})
}
