package ledger

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// record collects what a follower saw.
type record struct {
	mu   sync.Mutex
	seen map[meeting.ID][]Entry
	n    atomic.Int64
}

func (r *record) add(id meeting.ID, e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[meeting.ID][]Entry{}
	}
	r.seen[id] = append(r.seen[id], e)
	r.n.Add(1)
}

func (r *record) of(id meeting.ID) []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen[id])
}

func contractFollow(t *testing.T, open opener) {
	const meetings, each = 16, 25
	l, ctx := open(t, t.TempDir()), t.Context()
	old := randomID(t)
	must[uint64](t)(l.Append(ctx, old, 0, []byte("before")))
	var one, two record
	defer l.Follow(one.add)()
	defer l.Follow(two.add)()
	ids := make([]meeting.ID, meetings)
	var wg sync.WaitGroup
	for i := range ids {
		ids[i] = randomID(t)
		wg.Go(func() { writeForFollowers(t, l, ids[i], each) })
	}
	wg.Wait()
	for _, r := range []*record{&one, &two} {
		eventually(t, "follower sees all", func() bool { return r.n.Load() >= meetings*(each+1) })
		for _, id := range ids {
			got := r.of(id)
			var want []string
			for n := range each {
				want = append(want, fmt.Sprint(n))
			}
			wantTexts(t, got, append(want, "end")...)
			if stored := must[[]Entry](t)(l.Load(ctx, id, 0)); stored[0].Revision != got[each].Revision || !stored[0].Time.Equal(got[each].Time) {
				t.Errorf("followed entry %v differs from the stored one %v", got[each], stored[0])
			}
		}
		if got := r.of(old); len(got) != 0 {
			t.Errorf("follower saw entries from before: %q", texts(got))
		}
	}
}

func contractFollowStops(t *testing.T, open opener) {
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	var stopped, kept record
	stop := l.Follow(stopped.add)
	defer l.Follow(kept.add)()
	rev := must[uint64](t)(l.Append(ctx, id, 0, []byte("one")))
	eventually(t, "both see the first", func() bool { return stopped.n.Load() == 1 && kept.n.Load() == 1 })
	stop()
	stop() // harmless
	must[uint64](t)(l.Append(ctx, id, rev, []byte("two")))
	eventually(t, "the other sees the second", func() bool { return kept.n.Load() == 2 })
	wantTexts(t, stopped.of(id), "one")
}

func contractFacts(t *testing.T, open opener) {
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	var entries, facts record
	defer l.Follow(entries.add)()
	defer l.FollowFacts(facts.add)()
	must[uint64](t)(l.Append(ctx, id, 0, []byte("created")))
	for _, fact := range []string{"joined", "left", "joined"} {
		if err := l.AppendFact(ctx, id, []byte(fact)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.AppendFact(ctx, randomID(t), []byte("elsewhere")); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, must[[]Entry](t)(l.LoadFacts(ctx, id)), "joined", "left", "joined")
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "created")
	var scanned []string
	if err := l.ScanFacts(ctx, func(_ meeting.ID, e Entry) error {
		scanned = append(scanned, string(e.Data))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"joined", "left", "joined", "elsewhere"}; !slices.Equal(scanned, want) {
		t.Errorf("scanned facts are %q, want %q", scanned, want)
	}
	eventually(t, "followers see theirs", func() bool { return facts.n.Load() == 4 && entries.n.Load() == 1 })
	wantTexts(t, facts.of(id), "joined", "left", "joined")
	wantTexts(t, entries.of(id), "created")
}

// writeForFollowers appends to a meeting, tries to append on old revisions, and
// ends it.
func writeForFollowers(t *testing.T, l engine, id meeting.ID, entries int) {
	var rev uint64
	for n := range entries {
		next, err := l.Append(t.Context(), id, rev, fmt.Append(nil, n))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := l.Append(t.Context(), id, rev, []byte("refused")); !errors.Is(err, ErrStale) {
			t.Errorf("append on an old revision: %v", err)
		}
		rev = next
	}
	if _, err := l.End(t.Context(), id, rev, []byte("end"), time.Hour); err != nil {
		t.Error(err)
	}
}
