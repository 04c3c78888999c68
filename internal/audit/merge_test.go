package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// shelf is the accounts of a cluster's nodes, read as one.
type shelf struct {
	*testing.T
	books  map[string]*book
	silent map[string]bool
}

func shelve(t *testing.T, nodes ...string) *shelf {
	t.Helper()
	s := &shelf{T: t, books: map[string]*book{}, silent: map[string]bool{}}
	for _, node := range nodes {
		b := &book{T: t, dir: filepath.Join(t.TempDir(), node), now: start}
		cfg := b.config()
		cfg.Node = node
		var err error
		if b.Log, err = Open(cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		s.books[node] = b
	}
	return s
}

// write has a node write down an entry at so many seconds after the start.
func (s *shelf) write(node string, second int) {
	s.books[node].now = start.Add(time.Duration(second) * time.Second)
	s.books[node].Write(Entry{Via: API, Target: fmt.Sprint(node, second)})
}

func (s *shelf) read(q Query) Page {
	s.Helper()
	var parts []Part
	for node, b := range s.books {
		if s.silent[node] {
			continue
		}
		part, err := b.Part(s.Context(), q)
		if err != nil {
			s.Fatal(err)
		}
		parts = append(parts, part)
	}
	page, err := q.Merge(parts...)
	if err != nil {
		s.Fatal(err)
	}
	return page
}

func targetsOf(page Page) string {
	var all []string
	for _, e := range page.Entries {
		all = append(all, e.Target)
	}
	return strings.Join(all, " ")
}

// Pages of any size, one after the other, have each entry once, newest first,
// whoever wrote how much when, and whatever is written meanwhile.
func TestTheAccountsOfAllNodesAreOne(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for limit := 1; limit <= 17; limit++ {
		s := shelve(t, "a", "b", "c")
		var want []string
		for second := range 40 {
			node := string("aabc"[draw.IntN(4)])
			s.write(node, second)
			want = append([]string{fmt.Sprint(node, second)}, want...)
		}
		var got []string
		for q := (Query{Limit: limit}); ; {
			page := s.read(q)
			if len(page.Entries) > limit {
				t.Fatalf("%d entries, at most %d were asked for", len(page.Entries), limit)
			}
			for _, e := range page.Entries {
				got = append(got, e.Target)
			}
			if q.Before = page.Next; q.Before == "" {
				break
			}
			s.write(string("abc"[draw.IntN(3)]), 100+len(got)) // is on no page of those who have begun
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d:\n%v\nwant\n%v", limit, got, want)
		}
	}
}

func TestEntriesOfOneMomentAreEachThereOnce(t *testing.T) {
	s := shelve(t, "a", "b")
	for range 3 {
		s.write("a", 7)
		s.write("b", 7)
	}
	for limit := 1; limit < 7; limit++ {
		count := map[string]int{}
		for q := (Query{Limit: limit}); ; {
			page := s.read(q)
			for _, e := range page.Entries {
				count[e.Node]++
			}
			if q.Before = page.Next; q.Before == "" {
				break
			}
		}
		if count["a"] != 3 || count["b"] != 3 {
			t.Errorf("pages of %d have %v", limit, count)
		}
	}
}

// A node that is silent for a page goes on where it was, and one that was silent
// from the first on begins at the time where the others are.
func TestANodeThatComesBackIsReadOn(t *testing.T) {
	s := shelve(t, "a", "b", "c")
	for second := range 12 {
		s.write(string("abc"[second%3]), second)
	}
	s.silent["c"] = true
	first := s.read(Query{Limit: 4})
	if got := targetsOf(first); got != "b10 a9 b7 a6" {
		t.Fatal(got)
	}
	s.silent = map[string]bool{"b": true}
	second := s.read(Query{Limit: 2, Before: first.Next})
	if got := targetsOf(second); got != "c5 a3" { // not c11 and c8: pages go back in time
		t.Fatal(got)
	}
	s.silent = nil
	third := s.read(Query{Before: second.Next})
	if got := targetsOf(third); got != "b4 c2 b1 a0" || third.Next != "" {
		t.Fatalf("%s, next %q", got, third.Next)
	}
}

// A clock that was set back confuses the order in time, and nothing else.
func TestANodesOwnOrderStays(t *testing.T) {
	s := shelve(t, "a", "b")
	for _, second := range []int{1, 9, 3} {
		s.write("a", second)
	}
	s.write("b", 5)
	var got []string
	for q := (Query{Limit: 1}); ; {
		page := s.read(q)
		got = append(got, targetsOf(page))
		if q.Before = page.Next; q.Before == "" {
			break
		}
	}
	if strings.Join(got, " ") != "b5 a3 a9 a1" {
		t.Errorf("%v", got)
	}
}

// Whatever somebody puts into the address of a page is a place or is refused.
func FuzzCursor(f *testing.F) {
	f.Add(cursor{Until: start.UnixNano(), Places: map[string]Place{"a": {1, 20}, "b": {}}}.String())
	f.Add("eyJuIjp7ImEiOnsiZiI6MSwibyI6LTF9fX0")
	f.Add("%%%")
	l, err := Open(Config{Dir: f.TempDir(), Node: "a", Age: time.Hour, Bytes: 64 << 10})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	for range 5 {
		l.Write(Entry{Via: API, Action: "CreateMeeting"})
	}
	f.Fuzz(func(t *testing.T, before string) {
		page, err := l.Read(t.Context(), Query{Before: before, Limit: 3})
		if err != nil && !errors.Is(err, ErrCursor) {
			t.Fatal(err)
		}
		if page.Next == "" {
			return
		}
		if again, err := l.Read(t.Context(), Query{Before: page.Next, Limit: 5}); err != nil || again.Next != "" {
			t.Fatalf("after %q: %+v, %v", page.Next, again, err)
		}
	})
}
