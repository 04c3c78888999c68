package cases

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/conform"
)

// update has the table written instead of compared.
var update = flag.Bool("update", false, "write the table of docs/compatibility.md")

const (
	tablePage   = "../../docs/compatibility.md"
	tableBegins = "<!-- behaviours: written by go test ./conform/cases -run TestConform -update -->\n"
	tableEnds   = "<!-- end -->\n"
)

// tally counts, by subject and flavour, which behaviours held.
type tally struct {
	mu    sync.Mutex
	tried map[string]map[conform.Flavour][2]int // held, and tried
	all   int
}

func (n *tally) count(o conform.Outcome) {
	subject, _, _ := strings.Cut(o.Case, "_")
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tried == nil {
		n.tried = map[string]map[conform.Flavour][2]int{}
	}
	if n.tried[subject] == nil {
		n.tried[subject] = map[conform.Flavour][2]int{}
	}
	c := n.tried[subject][o.Flavour]
	if c[1]++; o.Held {
		c[0]++
	}
	n.tried[subject][o.Flavour] = c
	n.all++
}

func (n *tally) table() string {
	var b strings.Builder
	b.WriteString("| subject | meetings | legacy |\n|---|---|---|\n")
	subjects := make([]string, 0, len(n.tried))
	for s := range n.tried {
		subjects = append(subjects, s)
	}
	slices.Sort(subjects)
	cell := func(c [2]int) string {
		if c[1] == 0 {
			return "–"
		}
		return fmt.Sprintf("%d of %d", c[0], c[1])
	}
	for _, s := range subjects {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s, cell(n.tried[s][conform.Meetings]), cell(n.tried[s][conform.Legacy]))
	}
	return b.String()
}

// check compares docs/compatibility.md with what was tried, if that was
// everything.
func (n *tally) check(t *testing.T) {
	t.Helper()
	all := 0
	for _, c := range All() {
		all += len(c.In)
	}
	if n.all != all {
		return // some were picked
	}
	page, err := os.ReadFile(tablePage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), tableBegins)
	have, after, closed := strings.Cut(rest, tableEnds)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", tablePage)
	}
	if have == n.table() {
		return
	}
	if !*update {
		t.Fatalf("%s does not have what was found: go test ./conform/cases -run TestConform -update writes it", tablePage)
	}
	if err := os.WriteFile(tablePage, []byte(before+tableBegins+n.table()+tableEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
