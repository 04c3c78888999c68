package house

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheVocabularyIsInStep looks for each type that docs/vocabulary.md names:
// whoever renames one renames the word.
func TestTheVocabularyIsInStep(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "vocabulary.md"))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, f := range sources(t).product() {
		for _, d := range f.ast.Decls {
			if decl, ok := d.(*ast.GenDecl); ok {
				for _, spec := range decl.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok {
						types[f.ast.Name.Name+"."+s.Name.Name] = true
					}
				}
			}
		}
	}
	named := regexp.MustCompile("`([a-z0-9]+\\.[A-Za-z0-9]+)`")
	found := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range named.FindAllStringSubmatch(cells[3], -1) {
			found++
			if !types[m[1]] {
				t.Errorf("the vocabulary explains %s by %s, which is no type", strings.TrimSpace(cells[1]), m[1])
			}
		}
	}
	if found < 30 {
		t.Errorf("found only %d types named: the test reads the page wrongly", found)
	}
}
