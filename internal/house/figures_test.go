package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// The greatest lengths, in lines, of files and functions that are neither
// tests nor generated. Every line of a file counts; a function counts from
// its func to its closing brace, without the comment above.
const (
	longestFile     = 400
	longestFunction = 50
)

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, f := range sources(t).product().written() {
		if f.lines > longestFile {
			t.Errorf("%s has %d lines, at most %d are allowed", f, f.lines, longestFile)
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > longestFunction {
					t.Errorf("%s:%d: %s has %d lines, at most %d are allowed", f, f.line(fn.Pos()), fn.Name.Name, n, longestFunction)
				}
			}
		}
	}
}

// role says what a file is for: "test", "load" or "product". Tests are not
// only what is named so: the conformance suite, the clients that are driven
// and what only tests import are tests by role, although the suite ships.
// Load generators are neither.
func role(f *sourceFile) string {
	support := []string{"conform", "clients", "internal/media/client", "internal/house"}
	switch {
	case f.test || strings.HasSuffix(f.dir, "test") || slices.ContainsFunc(support, func(dir string) bool { return f.dir == dir || strings.HasPrefix(f.dir, dir+"/") }):
		return "test"
	case strings.HasPrefix(f.dir, "internal/load/"):
		return "load"
	}
	return "product"
}

// TestThereIsALineOfTestForEachOfProduct counts by role. The browser suites in
// JavaScript come on top.
func TestThereIsALineOfTestForEachOfProduct(t *testing.T) {
	lines := map[string]int{}
	for _, f := range sources(t).written() {
		lines[role(f)] += f.lines
	}
	t.Logf("lines by role: %v, %.2f of test for each of product", lines, float64(lines["test"])/float64(lines["product"]))
	if lines["test"] < lines["product"] {
		t.Errorf("%d lines of test for %d of product", lines["test"], lines["product"])
	}
}
