package house

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryThreatHasItsTest looks for each test that docs/threats.md names:
// what nobody tries any more is not claimed any more.
func TestEveryThreatHasItsTest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "threats.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, f := range sources(t) {
		for _, d := range f.ast.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok && strings.HasSuffix(f.name, "_test.go") {
				tests[decl.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	threats := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "threat" {
			continue
		}
		threats++
		if !strings.Contains(cells[3], "`") {
			t.Errorf("no test is named for %q", strings.TrimSpace(cells[1]))
		}
		for _, m := range named.FindAllStringSubmatch(cells[3], -1) {
			if !tests[m[1]] {
				t.Errorf("%q is to be tried by %s, which there is not", strings.TrimSpace(cells[1]), m[1])
			}
		}
	}
	if threats < 20 {
		t.Errorf("found only %d threats: the test reads the page wrongly", threats)
	}
}
