package clients

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// update has rows of the table written instead of compared.
var update = flag.Bool("update", false, "write the table of clients in docs/compatibility.md")

// writing is held while the page is written: the tests run beside each other.
var writing sync.Mutex

const compatibility = "../docs/compatibility.md"

// succeeded finds the calls in a server's log that were answered well.
var succeeded = regexp.MustCompile(`msg="api request".* operation=(\w+) flavour=(\w+) status=2\d\d `)

// rowsOf returns the rows of a client by the calls of it that a server's log shows
// to have succeeded.
func rowsOf(client, log string) (rows []string) {
	called := map[string][]string{}
	for _, m := range succeeded.FindAllStringSubmatch(log, -1) {
		called[m[2]] = append(called[m[2]], m[1])
	}
	for _, flavour := range []string{"meetings", "legacy"} {
		if operations := called[flavour]; len(operations) > 0 {
			slices.Sort(operations)
			rows = append(rows, "| "+client+" | "+flavour+" | "+strings.Join(slices.Compact(operations), ", ")+" |\n")
		}
	}
	return rows
}

// tabulate compares the rows that docs/compatibility.md has for a client with what
// a server's log shows, whose last lines may come a moment after the answers.
func tabulate(t *testing.T, client string, log func() string) {
	t.Helper()
	patience := time.Minute
	if *update {
		patience = time.Second
	}
	var have, want []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		want = rowsOf(client, log())
		if have = shown(t, client, nil); len(want) > 0 && slices.Equal(have, want) {
			return
		}
	}
	if !*update || len(want) == 0 {
		t.Fatalf("%s has of %s\n%sand the log shows (go test ./clients -update writes it)\n%s", compatibility, client, strings.Join(have, ""), strings.Join(want, ""))
	}
	shown(t, client, want)
}

// shown returns the rows that docs/compatibility.md has for a client, after it has
// written those that are given.
func shown(t *testing.T, client string, want []string) (have []string) {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	text, err := os.ReadFile(compatibility)
	if err != nil {
		t.Fatal(err)
	}
	const first, last = "<!-- clients: written by go test ./clients -update -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(string(text), first)
	table, after, closed := strings.Cut(rest, last)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", compatibility)
	}
	rows := slices.Collect(strings.Lines(table))
	rows = rows[min(2, len(rows)):]
	var others []string
	for _, row := range rows {
		if strings.HasPrefix(row, "| "+client+" | ") {
			have = append(have, row)
		} else {
			others = append(others, row)
		}
	}
	if want == nil {
		return have
	}
	rows = append(others, want...)
	slices.SortStableFunc(rows, func(a, b string) int { return strings.Compare(name(a), name(b)) })
	page := fmt.Sprint(before, first, "| client | flavour | operations that it called, and that succeeded |\n|---|---|---|\n", strings.Join(rows, ""), last, after)
	if err := os.WriteFile(compatibility, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	return want
}

// name is the first cell of a row.
func name(row string) string { return strings.SplitN(row, "|", 3)[1] }
