package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A decision that the code names by its number is explained in docs/api.md
// under that very number, so that a search for it finds the reason.
func TestDecisionsAreWrittenDown(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join(root, "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`\bD-\d\d\b`)
	written := map[string]bool{}
	for _, row := range strings.Split(string(docs), "\n") {
		if strings.HasPrefix(row, "| D-") {
			for _, n := range number.FindAllString(row, -1) {
				written[n] = true
			}
		}
	}
	for _, f := range sources(t) {
		if f.dir == "internal/house" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, f.String()))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range number.FindAllString(string(text), -1) {
			if !written[n] {
				t.Errorf("%s names %s, which docs/api.md does not explain", f, n)
			}
		}
	}
}
