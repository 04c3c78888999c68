package audit

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// spoil writes over the beginning of lines in a file, counted from 0.
func (b *book) spoil(seq uint64, lines ...int) {
	b.Helper()
	raw, err := os.ReadFile(b.path(seq))
	if err != nil {
		b.Fatal(err)
	}
	all := bytes.SplitAfter(raw, []byte("\n"))
	for _, n := range lines {
		copy(all[n], "\x00\xff{")
	}
	if err := os.WriteFile(b.path(seq), bytes.Join(all, nil), 0o600); err != nil {
		b.Fatal(err)
	}
}

// unreadable reads page after page and returns the sum of what they could not
// read.
func unreadable(t *testing.T, read func(Query) Page, q Query) (lines int) {
	t.Helper()
	for {
		page := read(q)
		lines += page.Unreadable
		if q.Before = page.Next; q.Before == "" {
			return lines
		}
	}
}

// Whatever spoilt them, lines that cannot be read hide no others, and are told,
// each once, however many pages there are and whatever is looked for.
func TestSpoiltLinesAreCounted(t *testing.T) {
	var log bytes.Buffer
	b := open(t)
	b.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	b.write(12)
	b.spoil(1, 0, 4, 5, 11)
	for limit := range 14 {
		q := Query{Limit: limit}
		b.wantTargets(q, []string{"n11", "n10", "n9", "n8", "n7", "n4", "n3", "n2"})
		for _, q := range []Query{q, {Text: "n8", Limit: limit}, {Text: "nobody", Limit: limit}, {Who: "nobody"}, {Since: b.now, Limit: limit}} {
			lines := unreadable(t, func(q Query) Page {
				page, err := b.Read(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				return page
			}, q)
			if lines != 4 {
				t.Errorf("%+v: %d lines cannot be read, want 4", q, lines)
			}
		}
	}
	if text := log.String(); strings.Count(text, "cannot be read") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, "audit-0000000001.jsonl") {
		t.Errorf("the log says\n%s", text)
	}
}

func TestALineThatIsBeingWrittenIsNotSpoilt(t *testing.T) {
	b := open(t)
	b.write(2)
	f, err := os.OpenFile(b.path(1), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, "{\"at\":\"2026-05-01T12:00:03Z\",\"via\":\"con")
	if page, err := b.Read(t.Context(), Query{}); err != nil || len(page.Entries) != 2 || page.Unreadable != 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestWhatHasNoTimeIsNoEntry(t *testing.T) {
	b := open(t)
	if err := os.WriteFile(b.path(1), []byte("{}\nnull\n[]\n7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if page, err := b.Read(t.Context(), Query{}); err != nil || len(page.Entries) != 0 || page.Unreadable != 4 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestSpoiltLinesOfAllNodesAreCounted(t *testing.T) {
	s := shelve(t, "a", "b", "c")
	for second := range 30 {
		s.write(string("abc"[second%3]), second)
	}
	s.books["a"].spoil(1, 9, 3)
	s.books["b"].spoil(1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	for limit := 1; limit < 20; limit++ {
		if lines := unreadable(t, s.read, Query{Limit: limit}); lines != 12 {
			t.Errorf("pages of %d could not read %d lines, want 12", limit, lines)
		}
	}
}
