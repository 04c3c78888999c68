package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// contractor is what a ledger has to do, whatever it is built on.
type contractor interface {
	Append(ctx context.Context, id meeting.ID, expected uint64, data []byte, u Urgency) (uint64, error)
	End(ctx context.Context, id meeting.ID, expected uint64, data []byte, keep time.Duration) (uint64, error)
	Load(ctx context.Context, id meeting.ID, after uint64) ([]Entry, error)
	Scan(ctx context.Context, fn func(meeting.ID, Entry) error) error
	AppendFact(ctx context.Context, id meeting.ID, data []byte) error
	LoadFacts(ctx context.Context, id meeting.ID) ([]Entry, error)
	ScanFacts(ctx context.Context, fn func(meeting.ID, Entry) error) error
	Fault() <-chan error
	Close() error
}

// opener opens the contractor's ledger in a directory, again if it was closed.
type opener func(t *testing.T, dir string) contractor

func openLog(t *testing.T, dir string) contractor {
	t.Helper()
	return openTB(t, Config{Dir: dir})
}

func TestJetStreamKeepsTheContract(t *testing.T) { testContract(t, openLog) }

// testContract is the contract of a ledger as a test: any contractor must pass it.
func testContract(t *testing.T, open opener) {
	for name, body := range map[string]func(*testing.T, opener){
		"entries come back as written":           contractRoundTrip,
		"a wrong revision stores nothing":        contractExpected,
		"of two writers one wins":                contractConcurrency,
		"the end replaces and vanishes":          contractEnd,
		"an end outlived by new entries":         contractEndThenNew,
		"a restart keeps everything":             contractRestart,
		"scan shows all, in order":               contractScan,
		"scan stops at an error":                 contractScanStops,
		"facts are a log of their own":           contractFacts,
		"a cancelled call stores nothing":        contractCancelled,
		"a closed ledger is unavailable":         contractClosed,
		"large entries pass, too large ones not": contractLarge,
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) { body(t, open) })
	}
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
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("timed out: %s", what)
		}
	}
}

func contractRoundTrip(t *testing.T, open opener) {
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	if got := must[[]Entry](t)(l.Load(ctx, id, 0)); got != nil {
		t.Fatalf("unknown meeting has entries %v", got)
	}
	data := [][]byte{{}, []byte("one"), {0, 1, 2, 255}, bytes.Repeat([]byte("x"), 30_000)}
	var revs []uint64
	var rev uint64
	before := time.Now()
	for _, d := range data {
		next := must[uint64](t)(l.Append(ctx, id, rev, d, Ordinary))
		if next <= rev {
			t.Fatalf("revision %d after %d", next, rev)
		}
		rev = next
		revs = append(revs, rev)
	}
	after := time.Now()
	for from := range len(data) + 1 {
		var loadAfter uint64
		if from > 0 {
			loadAfter = revs[from-1]
		}
		got := must[[]Entry](t)(l.Load(ctx, id, loadAfter))
		if len(got) != len(data)-from {
			t.Fatalf("after %d: %d entries, want %d", loadAfter, len(got), len(data)-from)
		}
		for i, e := range got {
			if e.Revision != revs[from+i] || !bytes.Equal(e.Data, data[from+i]) {
				t.Fatalf("entry %d came back as revision %d, %d bytes", from+i, e.Revision, len(e.Data))
			}
			if e.Time.Before(before) || e.Time.After(after) {
				t.Fatalf("entry written between %v and %v has time %v", before, after, e.Time)
			}
		}
	}
}

func contractExpected(t *testing.T, open opener) {
	l, ctx, id, other := open(t, t.TempDir()), t.Context(), randomID(t), randomID(t)
	first := must[uint64](t)(l.Append(ctx, id, 0, []byte("first"), Ordinary))
	foreign := must[uint64](t)(l.Append(ctx, other, 0, []byte("foreign"), Ordinary))
	second := must[uint64](t)(l.Append(ctx, id, first, []byte("second"), Ordinary))
	for _, wrong := range []uint64{0, first, second + 1, second + 1000, foreign} {
		if wrong == second {
			continue
		}
		if _, err := l.Append(ctx, id, wrong, []byte("wrong"), Ordinary); !errors.Is(err, ErrStale) {
			t.Errorf("append expecting %d: %v, want ErrStale", wrong, err)
		}
		if _, err := l.End(ctx, id, wrong, []byte("wrong"), time.Hour); !errors.Is(err, ErrStale) {
			t.Errorf("end expecting %d: %v, want ErrStale", wrong, err)
		}
	}
	if _, err := l.Append(ctx, randomID(t), second, nil, Ordinary); !errors.Is(err, ErrStale) {
		t.Errorf("append to an empty meeting expecting %d: %v, want ErrStale", second, err)
	}
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "first", "second")
}

func contractConcurrency(t *testing.T, open opener) {
	const writers, each = 8, 12
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	var wonBy sync.Map // expected revision → who wrote on it
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				if err := writeOnLatest(ctx, l, id, fmt.Sprintf("%d/%d", w, n), &wonBy); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got := texts(must[[]Entry](t)(l.Load(ctx, id, 0)))
	if len(got) != writers*each {
		t.Fatalf("%d entries, want %d", len(got), writers*each)
	}
	next := map[string]int{}
	for _, who := range got {
		w, n, _ := strings.Cut(who, "/")
		if n != fmt.Sprint(next[w]) {
			t.Fatalf("writer %s: entry %s where %d was due", w, n, next[w])
		}
		next[w]++
	}
}

// writeOnLatest appends who's name until it is not stale, and notes on which
// revision it was.
func writeOnLatest(ctx context.Context, l contractor, id meeting.ID, who string, wonBy *sync.Map) error {
	for {
		entries, err := l.Load(ctx, id, 0)
		if err != nil {
			return err
		}
		var expected uint64
		if len(entries) > 0 {
			expected = entries[len(entries)-1].Revision
		}
		_, err = l.Append(ctx, id, expected, []byte(who), Ordinary)
		if errors.Is(err, ErrStale) {
			continue
		}
		if err != nil {
			return err
		}
		if winner, lost := wonBy.LoadOrStore(expected, who); lost {
			return fmt.Errorf("%s and %s both wrote on revision %d", winner, who, expected)
		}
		return nil
	}
}

func contractEnd(t *testing.T, open opener) {
	l, ctx, id, other := open(t, t.TempDir()), t.Context(), randomID(t), randomID(t)
	rev := must[uint64](t)(l.Append(ctx, id, 0, []byte("created"), Ordinary))
	rev = must[uint64](t)(l.Append(ctx, id, rev, []byte("more"), Ordinary))
	must[uint64](t)(l.Append(ctx, other, 0, []byte("other"), Ordinary))
	for _, of := range []meeting.ID{id, other} {
		if err := l.AppendFact(ctx, of, []byte("joined")); err != nil {
			t.Fatal(err)
		}
	}
	const keep = 150 * time.Millisecond
	ended := time.Now()
	rev = must[uint64](t)(l.End(ctx, id, rev, []byte("ended"), keep))
	if got := must[[]Entry](t)(l.Load(ctx, id, 0)); len(got) == 1 {
		wantTexts(t, got, "ended")
		if got[0].Revision != rev {
			t.Errorf("end has revision %d, was told %d", got[0].Revision, rev)
		}
	} else if time.Since(ended) < keep {
		t.Fatalf("after the end: %q", texts(got))
	}
	eventually(t, "end vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id, 0))) == 0 })
	if age := time.Since(ended); age < keep {
		t.Errorf("end vanished after %v, was to be kept %v", age, keep)
	}
	eventually(t, "facts vanish", func() bool { return len(must[[]Entry](t)(l.LoadFacts(ctx, id))) == 0 })
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, other, 0)), "other")
	wantTexts(t, must[[]Entry](t)(l.LoadFacts(ctx, other)), "joined")
	must[uint64](t)(l.Append(ctx, id, 0, []byte("created again"), Ordinary))
}

func contractEndThenNew(t *testing.T, open opener) {
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	rev := must[uint64](t)(l.Append(ctx, id, 0, []byte("created"), Ordinary))
	rev = must[uint64](t)(l.End(ctx, id, rev, []byte("ended"), 50*time.Millisecond))
	rev = must[uint64](t)(l.Append(ctx, id, rev, []byte("again"), Ordinary))
	if err := l.AppendFact(ctx, id, []byte("joined")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id, 0))) == 1 })
	wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), "again")
	must[uint64](t)(l.Append(ctx, id, rev, []byte("and on"), Ordinary))
	wantTexts(t, must[[]Entry](t)(l.LoadFacts(ctx, id)), "joined")
}

func contractRestart(t *testing.T, open opener) {
	dir, ctx := t.TempDir(), t.Context()
	l := open(t, dir)
	ids := make([]meeting.ID, 40)
	revs := make([]uint64, len(ids))
	for i := range ids {
		ids[i] = randomID(t)
		revs[i] = must[uint64](t)(l.Append(ctx, ids[i], 0, fmt.Append(nil, "created ", i), Ordinary))
		revs[i] = must[uint64](t)(l.Append(ctx, ids[i], revs[i], fmt.Append(nil, "more ", i), Ordinary))
	}
	if err := l.AppendFact(ctx, ids[0], []byte("joined")); err != nil {
		t.Fatal(err)
	}
	revs[1] = must[uint64](t)(l.End(ctx, ids[1], revs[1], []byte("ended"), 300*time.Millisecond))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if err := l.Scan(ctx, func(meeting.ID, Entry) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if i == 1 {
			continue
		}
		wantTexts(t, must[[]Entry](t)(l.Load(ctx, id, 0)), fmt.Sprint("created ", i), fmt.Sprint("more ", i))
		if _, err := l.Append(ctx, id, 0, nil, Ordinary); !errors.Is(err, ErrStale) {
			t.Errorf("append expecting nothing: %v, want ErrStale", err)
		}
		must[uint64](t)(l.Append(ctx, id, revs[i], []byte("after"), Ordinary))
	}
	wantTexts(t, must[[]Entry](t)(l.LoadFacts(ctx, ids[0])), "joined")
	eventually(t, "end from before the restart vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, ids[1], 0))) == 0 })
}

func contractScan(t *testing.T, open opener) {
	l, ctx := open(t, t.TempDir()), t.Context()
	want := map[meeting.ID][]string{}
	for i := range 60 {
		id := randomID(t)
		var rev uint64
		for n := range 1 + i%4 {
			text := fmt.Sprintf("%d/%d", i, n)
			rev = must[uint64](t)(l.Append(ctx, id, rev, []byte(text), Ordinary))
			want[id] = append(want[id], text)
		}
	}
	var mu sync.Mutex
	got, last := map[meeting.ID][]string{}, map[meeting.ID]uint64{}
	err := l.Scan(ctx, func(id meeting.ID, e Entry) error {
		mu.Lock()
		defer mu.Unlock()
		if e.Revision <= last[id] {
			t.Errorf("meeting %v: revision %d after %d", id, e.Revision, last[id])
		}
		last[id] = e.Revision
		got[id] = append(got[id], string(e.Data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("scan showed %d meetings, want %d", len(got), len(want))
	}
	for id, texts := range want {
		if !slices.Equal(got[id], texts) {
			t.Errorf("meeting %v: scan showed %q, want %q", id, got[id], texts)
		}
	}
}

func contractScanStops(t *testing.T, open opener) {
	l, ctx := open(t, t.TempDir()), t.Context()
	for range 20 {
		must[uint64](t)(l.Append(ctx, randomID(t), 0, nil, Ordinary))
	}
	enough := errors.New("enough")
	if err := l.Scan(ctx, func(meeting.ID, Entry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("scan returned %v, want fn's error", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	err := l.Scan(ctx, func(meeting.ID, Entry) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("scan with a cancelled context returned %v", err)
	}
}

func contractCancelled(t *testing.T, open opener) {
	l, id := open(t, t.TempDir()), randomID(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, id, 0, nil, Ordinary); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	if err := l.AppendFact(ctx, id, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("append fact: %v", err)
	}
	if got := must[[]Entry](t)(l.Load(t.Context(), id, 0)); len(got) != 0 {
		t.Errorf("a cancelled append stored %q", texts(got))
	}
}

func contractClosed(t *testing.T, open opener) {
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, appended := l.Append(ctx, id, 0, nil, Ordinary)
	_, ended := l.End(ctx, id, 0, nil, time.Hour)
	_, loaded := l.Load(ctx, id, 0)
	scanned := l.Scan(ctx, func(meeting.ID, Entry) error { return nil })
	for i, err := range []error{appended, ended, loaded, scanned, l.AppendFact(ctx, id, nil)} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("call %d on a closed ledger: %v, want ErrUnavailable", i, err)
		}
	}
	select {
	case err := <-l.Fault():
		t.Errorf("closing is no fault: %v", err)
	default:
	}
}

func contractLarge(t *testing.T, open opener) {
	dir := t.TempDir()
	l, ctx, id := open(t, dir), t.Context(), randomID(t)
	largest := bytes.Repeat([]byte{7}, MaxEntry)
	const many = 8 // together more than a scan has under way
	rev := uint64(0)
	for range many {
		rev = must[uint64](t)(l.Append(ctx, id, rev, largest, Ordinary))
	}
	same := func(how string, list []Entry) {
		t.Helper()
		if len(list) != many || !bytes.Equal(list[many-1].Data, largest) {
			t.Errorf("%s: the largest entries came back changed, or %d of %d", how, len(list), many)
		}
	}
	same("load", must[[]Entry](t)(l.Load(ctx, id, 0)))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	var scanned []Entry
	if err := l.Scan(ctx, func(_ meeting.ID, e Entry) error { scanned = append(scanned, e); return nil }); err != nil {
		t.Fatal(err)
	}
	same("scan", scanned)
	for _, err := range []error{
		func() error { _, err := l.Append(ctx, randomID(t), 0, append(largest, 0), Ordinary); return err }(),
		l.AppendFact(ctx, id, append(largest, 0)),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("an entry too large: %v", err)
		}
	}
}

func contractFacts(t *testing.T, open opener) {
	l, ctx, id := open(t, t.TempDir()), t.Context(), randomID(t)
	must[uint64](t)(l.Append(ctx, id, 0, []byte("created"), Ordinary))
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
}
