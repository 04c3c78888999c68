package notify

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// nodes starts three that share a ledger; the first one has all slots. Events of
// all of them go to the same receiver.
func nodes(t *testing.T, b *inbox) (all []*env) {
	t.Helper()
	peers := freeAddresses(t, 3)
	for i := range peers {
		all = append(all, &env{t: t, cfg: ledger.Config{
			Dir: filepath.Join(t.TempDir(), fmt.Sprint("node", i)), Node: fmt.Sprint("n", i), Ballast: -1,
		}})
	}
	for _, v := range all {
		t.Cleanup(v.crash)
	}
	var wg sync.WaitGroup
	for i, v := range all {
		wg.Go(func() {
			v.cfg.Cluster = &ledger.Cluster{Listen: peers[i], Peers: peers}
			v.open(channel("a", b, nil))
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	if err := all[0].AdoptAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	return all
}

func freeAddresses(t *testing.T, n int) (list []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		list = append(list, l.Addr().String())
	}
	return list
}

// once returns the types of what came of a meeting, each event once, and reports
// what came out of order or with two ids.
func (b *inbox) once(t *testing.T, id meeting.ID) (types []string) {
	t.Helper()
	ids := map[uint64]meeting.ID{}
	for _, e := range b.events() {
		if e.Meeting.ID != id {
			continue
		}
		first, twice := ids[e.Sequence]
		switch {
		case twice && first != e.ID:
			t.Errorf("event %d came as %v and as %v", e.Sequence, first, e.ID)
		case !twice && e.Sequence != uint64(len(types)+1):
			t.Errorf("event %d came after %d", e.Sequence, len(types))
		case !twice:
			types = append(types, e.Type[len("chime:"):])
		}
		ids[e.Sequence] = e.ID
	}
	return types
}

// The owner of all slots dies while events wait, and another node goes on; then
// that one is overtaken without knowing.
func TestTheOwnerDiesWhileEventsWait(t *testing.T) {
	var b inbox
	all := nodes(t, &b)
	first, second, third := all[0], all[1], all[2]
	var told, waiting []meeting.ID
	for i := range 5 {
		id, people := first.create(fmt.Sprint("told-", i), "ann", "bob")
		first.fact(id, people[0], meeting.Joined)
		told = append(told, id)
	}
	first.written()
	before := len(b.events())
	b.set(down)
	people := map[meeting.ID]meeting.ID{}
	for i := range 5 {
		id, list := first.create(fmt.Sprint("waiting-", i), "ann", "bob")
		first.fact(id, list[1], meeting.Joined)
		waiting, people[id] = append(waiting, id), list[1]
	}
	first.end(waiting[0])
	first.crash()
	if err := second.AdoptAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	second.fact(waiting[1], people[waiting[1]], meeting.Left)
	if err := third.AdoptAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.set(nil)
	third.end(waiting[2])
	base := []string{"MeetingStarted", "AttendeeAdded", "AttendeeAdded", "AttendeeJoined"}
	want := map[meeting.ID][]string{
		waiting[0]: slices.Concat(base, []string{"AttendeeLeft", "MeetingEnded"}), waiting[1]: slices.Concat(base, []string{"AttendeeLeft"}),
		waiting[2]: slices.Concat(base, []string{"AttendeeDropped", "MeetingEnded"}), waiting[3]: base, waiting[4]: base,
	}
	for id, types := range want {
		eventually(t, fmt.Sprintf("%v has %v", id, types), func() bool { return len(b.once(t, id)) >= len(types) })
		if got := b.once(t, id); !slices.Equal(got, types) {
			t.Errorf("got %v, want %v", got, types)
		}
	}
	for _, id := range told {
		if got := b.types(id); !slices.Equal(got, base) {
			t.Errorf("what was told before came again: %v", got)
		}
	}
	t.Logf("%d events came before, %d after", before, len(b.events())-before)
}
