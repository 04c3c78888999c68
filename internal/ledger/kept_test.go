package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// preserved returns what a node finds behind the sequence, as ids and data, and
// the last sequence.
func preserved(t *testing.T, l *Log, after uint64) (all []string, last uint64) {
	t.Helper()
	err := l.Preserved(t.Context(), after, func(seq uint64, id meeting.ID, data []byte) error {
		if seq <= last || seq <= after {
			t.Errorf("%d comes after %d", seq, max(last, after))
		}
		last = seq
		all = append(all, id.String()+string(data))
		return nil
	})
	if err != nil {
		t.Logf("not read: %v", err)
	}
	return all, last
}

// contractKept has each node keep meetings: all nodes have all of them, in one
// order, and of each meeting what came first.
func contractKept(t *testing.T, w *world) {
	nodes := append([]*Log{w.rig.Log}, w.nodes...)
	for i, l := range nodes {
		eventually(t, fmt.Sprintf("node %d opens it", i), func() bool { return l.OpenKept(t.Context()) == nil })
	}
	var want []string
	for n := range 7 {
		id := randomID(t)
		for i := range 2 { // the second comes too late
			if err := nodes[(n+i)%len(nodes)].Preserve(t.Context(), id, fmt.Append(nil, " told ", i)); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, id.String()+" told 0")
	}
	big := randomID(t)
	if err := w.rig.Preserve(t.Context(), big, make([]byte, MaxEntry+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	data := bytes.Repeat([]byte("x"), MaxEntry)
	if err := w.rig.Preserve(t.Context(), big, data); err != nil {
		t.Fatal(err)
	}
	want = append(want, big.String()+string(data))
	for i, l := range nodes {
		first, last, err := l.PreservedRange(t.Context())
		if err != nil || first != 1 || last != 8 {
			t.Errorf("node %d says that there are %d to %d: %v", i, first, last, err)
		}
		eventually(t, fmt.Sprintf("node %d has all", i), func() bool { all, _ := preserved(t, l, 0); return slices.Equal(all, want) })
		eventually(t, "the rest", func() bool { all, last := preserved(t, l, 5); return slices.Equal(all, want[5:]) && last == 8 })
	}
	stopped := errors.New("enough")
	if err := w.rig.Preserved(t.Context(), 0, func(uint64, meeting.ID, []byte) error { return stopped }); !errors.Is(err, stopped) {
		t.Errorf("a reader that stops hears %v", err)
	}
}

func TestWhatIsKeptIsBoundedAndTheOldestGoes(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), KeptBytes: 64 << 10}
	l := openTB(t, cfg)
	if _, _, err := l.PreservedRange(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("before it was opened: %v", err)
	}
	if err := l.OpenKept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, last, err := l.PreservedRange(t.Context()); err != nil || first > 1 || last != 0 {
		t.Errorf("nothing is kept from %d to %d: %v", first, last, err)
	}
	var newest meeting.ID
	for range 100 {
		newest = randomID(t)
		if err := l.Preserve(t.Context(), newest, make([]byte, 2000)); err != nil {
			t.Fatal(err)
		}
	}
	all, last := preserved(t, l.Log, 0)
	first, ends, err := l.PreservedRange(t.Context())
	if err != nil || last != 100 || ends != 100 || first < 60 || len(all) != int(last-first)+1 || all[len(all)-1][:36] != newest.String() {
		t.Errorf("%d meetings from %d to %d, read to %d: %v", len(all), first, ends, last, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.KeptBytes = 16 << 10
	l = openTB(t, cfg)
	if err := l.OpenKept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if less, ends, err := l.PreservedRange(t.Context()); err != nil || ends != 100 || less < first+20 {
		t.Errorf("with a smaller bound there are %d to %d: %v", less, ends, err)
	}
}
