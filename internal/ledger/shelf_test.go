package ledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func shelved(t *testing.T, l *rig) (all []string) {
	t.Helper()
	err := l.Shelved(t.Context(), func(key string, at time.Time, data []byte) error {
		if time.Since(at) > time.Minute {
			t.Errorf("%s was put there at %v", key, at)
		}
		all = append(all, key+"="+string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheShelfKeepsThingsByTheirKey(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	l := openTB(t, cfg)
	if all := shelved(t, l); all != nil {
		t.Errorf("on a new shelf lies %q", all)
	}
	for i, key := range []string{"a.1", "b.1", "a.1", "c"} {
		if err := l.Shelve(t.Context(), key, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Unshelve(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if all, want := shelved(t, openTB(t, cfg)), []string{"b.1=1", "a.1=2"}; !slices.Equal(all, want) {
		t.Errorf("on the shelf lies %q, want %q", all, want)
	}
}

func TestAFullShelfSaysSo(t *testing.T) {
	l := openTB(t, Config{ShelfBytes: 4096})
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = l.Shelve(t.Context(), fmt.Sprint("k", i), make([]byte, 500))
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("a full shelf answers %v", err)
	}
}

func TestTheNextOwnerFindsTheNewestMemo(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	l := openTB(t, cfg)
	const slot = 5
	if m := l.held[slot].Memo(); m != nil {
		t.Errorf("a new slot has the memo %q", m)
	}
	for i := range 3*memoSweep + 2 {
		if err := l.held[slot].SetMemo(t.Context(), fmt.Append(nil, "memo ", i)); err != nil {
			t.Fatal(err)
		}
	}
	id := meeting.ID{1}.InSlot(slot)
	r, err := l.Append(t.Context(), id, Revision{}, []byte("created"), Ordinary)
	if err != nil || r.Seq <= l.held[slot].Through() {
		t.Fatalf("the entry lies at %v, %v; the slot was adopted at %d", r, err, l.held[slot].Through())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTB(t, cfg)
	if got, want := string(l.held[slot].Memo()), fmt.Sprint("memo ", 3*memoSweep+1); got != want {
		t.Errorf("the next owner finds %q, want %q", got, want)
	}
	if through := l.held[slot].Through(); through < r.Seq {
		t.Errorf("adopted at %d, but an entry of before lies at %d", through, r.Seq)
	}
}

func TestEntriesThatAreNeededStay(t *testing.T) {
	needed := make(chan bool, 1)
	needed <- true
	l := openTB(t, Config{Needed: func(meeting.ID) bool {
		still := <-needed
		needed <- still
		return still
	}})
	id := meeting.ID{2}
	r, err := l.Append(t.Context(), id, Revision{}, []byte("created"), Ordinary)
	if err != nil {
		t.Fatal(err)
	}
	end, err := l.End(t.Context(), id, r, []byte("ended"), 0)
	if err != nil {
		t.Fatal(err)
	}
	x := l.expiryOf(l.slot(id))
	held := func() bool { // both removals were asked for and put off
		x.mu.Lock()
		defer x.mu.Unlock()
		return len(x.due) == 2 && time.Until(x.due[0].at) > 0
	}
	for !held() {
		time.Sleep(time.Millisecond)
	}
	e := l.engine
	count := func() (n int) {
		err := e.load(t.Context(), l.layout.streamOf(id.Slot()), entrySubject(id), 0, func(subject, stored) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 2 {
		t.Errorf("%d of two entries are left while they are needed", n)
	}
	<-needed
	needed <- false
	x.mu.Lock()
	x.due = nil
	x.mu.Unlock()
	x.ended(l.slot(id), id, end.Seq, time.Now())
	for count() != 0 {
		time.Sleep(time.Millisecond)
	}
}
