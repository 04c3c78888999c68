package house

import (
	"flag"
	"fmt"
	"go/doc"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// update has the table of packages written instead of compared.
var update = flag.Bool("update", false, "write the table of packages into docs/architecture.md")

// TestArchitectureShowsTheTable compares the table of packages in
// docs/architecture.md with what the packages say of themselves and import.
// go test ./internal/house -update writes it.
func TestArchitectureShowsTheTable(t *testing.T) {
	const begin, end = "<!-- table of packages: go test ./internal/house -update -->\n", "<!-- end of table -->"
	page := filepath.Join(root, "docs", "architecture.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table: %q and %q", page, begin, end)
	}
	want := before + begin + table(sources(t).packages()) + end + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("the table in %s is not up to date: go test ./internal/house -update writes it", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table returns the packages, ground floor first, each with the first sentence
// of its comment, what it imports of ours, and what of others.
func table(packages map[string]files) string {
	floors := map[string]int{}
	for dir := range packages {
		floor(dir, packages, floors)
	}
	dirs := slices.SortedFunc(maps.Keys(packages), func(a, b string) int {
		if d := floors[a] - floors[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	b.WriteString("| floor | package | what it is | imports of ours | of others |\n|---|---|---|---|---|\n")
	for _, dir := range dirs {
		var ours, others []string
		for path := range targets(packages[dir]) {
			switch our, ok := strings.CutPrefix(path, module); {
			case ok:
				ours = append(ours, strings.TrimPrefix(our, "internal/"))
			case strings.Contains(path, "."):
				others = append(others, strings.TrimPrefix(project(path), "github.com/"))
			}
		}
		slices.Sort(ours)
		slices.Sort(others)
		fmt.Fprintf(&b, "| %d | [%s](../%s) | %s | %s | %s |\n", floors[dir], strings.TrimPrefix(dir, "internal/"), explained(packages[dir]),
			synopsis(packages[dir]), strings.Join(ours, ", "), strings.Join(slices.Compact(others), ", "))
	}
	return b.String()
}

// floor returns how high a package stands: one above the highest it imports.
func floor(dir string, packages map[string]files, known map[string]int) int {
	if known[dir] == 0 {
		below := 0
		for path := range targets(packages[dir]) {
			if our, ok := strings.CutPrefix(path, module); ok {
				below = max(below, floor(our, packages, known))
			}
		}
		known[dir] = below + 1
	}
	return known[dir]
}

// targets returns what a package imports.
func targets(list files) map[string]bool {
	paths := map[string]bool{}
	for _, f := range list {
		for _, path := range f.imports() {
			paths[path] = true
		}
	}
	return paths
}

// explained returns the path of the file that has the package's comment.
func explained(list files) string {
	for _, f := range list {
		if f.ast.Doc != nil {
			return f.String()
		}
	}
	return list[0].String()
}

// synopsis returns the first sentence of a package's comment, without the
// words every such comment begins with.
func synopsis(list files) string {
	for _, f := range list {
		if f.ast.Doc != nil {
			sentence := new(doc.Package).Synopsis(f.ast.Doc.Text())
			_, rest, ok := strings.Cut(sentence, "Package "+f.ast.Name.Name+" ")
			if !ok {
				return sentence
			}
			return strings.TrimSuffix(rest, ".")
		}
	}
	return ""
}

// TestMakeListsItsTargets checks that make alone tells of every target.
func TestMakeListsItsTargets(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), ".PHONY: ")
		if ok && name != "help" && name != "announce" && !strings.Contains(string(text), "@echo 'make "+name+" ") {
			t.Errorf("make help does not list %s", name)
		}
	}
}
