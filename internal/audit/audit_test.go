package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// book is an account of a test's own, at a time that the test sets.
type book struct {
	*testing.T
	*Log
	dir string
	now time.Time
}

func (b *book) config() Config {
	return Config{Dir: b.dir, Node: "a", Age: 30 * 24 * time.Hour, Bytes: 64 << 10, Now: func() time.Time { return b.now }}
}

func open(t *testing.T) *book {
	t.Helper()
	b := &book{T: t, dir: filepath.Join(t.TempDir(), "audit"), now: start}
	b.reopen()
	t.Cleanup(func() { b.Close() })
	return b
}

func (b *book) reopen() {
	b.Helper()
	var err error
	if b.Log, err = Open(b.config()); err != nil {
		b.Fatal(err)
	}
}

func (b *book) write(n int) {
	for range n {
		b.now = b.now.Add(time.Second)
		b.Write(Entry{Via: Console, Who: "operator:alice", From: "192.0.2.1", Action: "end meeting", Outcome: Done, Target: fmt.Sprint("n", b.now.Unix()-start.Unix())})
	}
}

// targets reads the whole account, page by page.
func (b *book) targets(q Query) (all []string) {
	b.Helper()
	for {
		page, err := b.Read(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		if len(page.Entries) > q.Limit && q.Limit > 0 {
			b.Fatalf("%d entries, at most %d were asked for", len(page.Entries), q.Limit)
		}
		for _, e := range page.Entries {
			all = append(all, e.Target)
		}
		if q.Before = page.Next; q.Before == "" {
			return all
		}
	}
}

// descending is n, n-1, … 1 as targets.
func descending(n int) (list []string) {
	for ; n > 0; n-- {
		list = append(list, fmt.Sprint("n", n))
	}
	return list
}

func (b *book) wantTargets(q Query, want []string) {
	b.Helper()
	if got := b.targets(q); strings.Join(got, " ") != strings.Join(want, " ") {
		b.Errorf("%+v: %d entries\n%v\nwant %d\n%v", q, len(got), got, len(want), want)
	}
}

func TestEntriesAreReadNewestFirst(t *testing.T) {
	b := open(t)
	b.wantTargets(Query{}, nil)
	b.write(10)
	page, err := b.Read(t.Context(), Query{Limit: 1})
	if err != nil || len(page.Entries) != 1 || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	want := Entry{At: b.now, Node: "a", Via: Console, Who: "operator:alice", From: "192.0.2.1", Action: "end meeting", Target: "n10", Outcome: Done}
	if page.Entries[0] != want {
		t.Errorf("%+v, want %+v", page.Entries[0], want)
	}
	for limit := range 12 {
		b.wantTargets(Query{Limit: limit}, descending(10))
	}
}

func TestEntriesAreFiltered(t *testing.T) {
	b := open(t)
	for i, e := range []Entry{
		{Via: Console, Who: "operator:alice", Action: "end meeting", Outcome: Done},
		{Via: App, Who: "key:AKID", Action: "MuteAttendee", Outcome: Refused, Error: "ForbiddenException", Reason: "The key may not do \"that\" & more."},
		{Via: Console, Who: "operator:bob", Action: "end meeting", Outcome: Refused, From: "192.0.2.77"},
		{Via: Server, Action: "read again", Target: "x", Outcome: Done},
	} {
		b.now = start.Add(time.Duration(i) * time.Hour)
		e.Target = strings.TrimSpace(e.Target + fmt.Sprint("n", i))
		b.Write(e)
	}
	for name, c := range map[string]struct {
		q    Query
		want []string
	}{
		"via":           {Query{Via: Console}, []string{"n2", "n0"}},
		"who":           {Query{Who: "operator:bob"}, []string{"n2"}},
		"not a part":    {Query{Who: "operator:b"}, nil},
		"outcome":       {Query{Outcome: Refused}, []string{"n2", "n1"}},
		"since":         {Query{Since: start.Add(2 * time.Hour)}, []string{"xn3", "n2"}},
		"text":          {Query{Text: "END meet"}, []string{"n2", "n0"}},
		"an address":    {Query{Text: "0.2.77"}, []string{"n2"}},
		"an error":      {Query{Text: "forbidden"}, []string{"n1"}},
		"odd text":      {Query{Text: `"that" &`}, []string{"n1"}},
		"no field name": {Query{Text: "outcome"}, nil},
		"both":          {Query{Text: "meeting", Outcome: Done}, []string{"n0"}},
		"a page each":   {Query{Via: Console, Limit: 1}, []string{"n2", "n0"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &book{T: t, Log: b.Log}
			b.wantTargets(c.q, c.want)
		})
	}
}

// The account goes through many files and stays within its bounds.
func TestTheAccountIsBounded(t *testing.T) {
	b := open(t)
	const all = 2000
	b.write(all)
	files, err := b.files()
	if err != nil || len(files) < parts-2 || len(files) > parts+1 {
		t.Fatalf("files %v, %v", files, err)
	}
	var size int64
	for _, seq := range files {
		info, err := os.Stat(b.path(seq))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 64<<10 || size < 48<<10 {
		t.Errorf("%d bytes are kept", size)
	}
	kept := b.targets(Query{Limit: 7})
	if len(kept) < 200 || strings.Join(kept, " ") != strings.Join(descending(all)[:len(kept)], " ") {
		t.Errorf("%d entries are kept: %v", len(kept), kept)
	}
}

func TestOldFilesGo(t *testing.T) {
	b := open(t)
	b.write(3)
	b.now = b.now.Add(25 * time.Hour)
	b.write(1)
	if files, _ := b.files(); len(files) != 2 {
		t.Fatalf("a file is written to for longer than a day: %v", files)
	}
	if err := os.Chtimes(b.path(1), start, start); err != nil { // when it was written to last
		t.Fatal(err)
	}
	b.now = start.Add(29 * 24 * time.Hour)
	tidy := func() (left int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if err := b.tidyLocked(); err != nil {
			t.Fatal(err)
		}
		files, _ := b.files()
		return len(files)
	}
	if n := tidy(); n != 2 {
		t.Errorf("%d files, the older is not too old", n)
	}
	b.now = start.Add(31 * 24 * time.Hour)
	if n := tidy(); n != 1 {
		t.Errorf("%d files, the older is too old", n)
	}
}

// Whatever the end of the process or the power left, the next start goes on.
func TestACutLineIsPassedOver(t *testing.T) {
	b := open(t)
	b.write(2)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(b.path(1), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, "{\"at\":\"2026-05-01T12:00:03Z\",\"via\":\"con")
	f.Close()
	b.reopen()
	b.write(2)
	b.wantTargets(Query{Limit: 1}, descending(4))
	raw, err := os.ReadFile(b.path(1))
	if err != nil || bytes.Count(raw, []byte("\n")) != 5 || !bytes.HasSuffix(raw, []byte("}\n")) {
		t.Errorf("%v\n%s", err, raw)
	}
	if info, err := os.Stat(b.path(1)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
}

func TestPlacesThatMakeNoSense(t *testing.T) {
	b := open(t)
	b.write(3)
	for _, before := range []string{"x", "1-2", "eyJ", "W10", strings.Repeat("e", maxCursor+4)} {
		if _, err := b.Read(t.Context(), Query{Before: before}); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v", before, err)
		}
	}
	for at, want := range map[Place]int{{1, -5}: 0, {1, 999999}: 3, {99, 0}: 3, {}: 0} {
		b.wantTargets(Query{Before: cursor{Places: map[string]Place{"a": at}}.String()}, descending(want))
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Read(over, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader who has gone away: %v", err)
	}
}

func TestWhatCannotBeWrittenIsCounted(t *testing.T) {
	var log bytes.Buffer
	b := open(t)
	b.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	b.mu.Lock()
	b.file.Close() // as a disk that has gone
	b.mu.Unlock()
	b.write(3)
	if b.Lost() != 3 || strings.Count(log.String(), "cannot be written") != 1 {
		t.Errorf("%d are lost:\n%s", b.Lost(), log.String())
	}
}

func TestLongTextsAreCut(t *testing.T) {
	b := open(t)
	b.Write(Entry{Via: App, Reason: strings.Repeat("x", 10_000)})
	page, err := b.Read(t.Context(), Query{})
	if err != nil || len(page.Entries) != 1 || len(page.Entries[0].Reason) != maxText {
		t.Errorf("%v, %v", page, err)
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	b := open(t)
	b.cfg.Bytes = 64 << 20
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				b.Write(Entry{Via: App, Action: "x", Target: "t"})
				if err := b.sync(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(b.targets(Query{Limit: 50})); n != 400 {
		t.Errorf("%d entries", n)
	}
}

func TestTargetsAreIdsOnly(t *testing.T) {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	for want, pairs := range map[string][]string{
		"":                                  {"meeting", "", "attendee", "ada@example.org"},
		"meeting " + id:                     {"meeting", id, "attendee", ""},
		"meeting " + id + " attendee " + id: {"meeting", id, "attendee", id},
		" ":                                 {"meeting", "{" + id + "}"},
	} {
		if got := Target(pairs...); got != strings.TrimSpace(want) {
			t.Errorf("%q: %q, want %q", pairs, got, want)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	l, err := Open(Config{Dir: b.TempDir(), Age: time.Hour, Bytes: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e := Entry{Via: API, Who: "key:AKIAEXAMPLE", From: "192.0.2.1", Action: "CreateAttendee", Target: "meeting 01234567-89ab-cdef-0123-456789abcdef", Outcome: Done, Request: "01234567-89ab-cdef-0123-456789abcdef"}
	for b.Loop() {
		l.Write(e)
	}
}
