package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	ruled = regexp.MustCompile(`^\|(\s*:?-+:?\s*\|)+$`)
	code  = regexp.MustCompile("`[^`]*`")
)

// torn tells what is wrong with the tables of a page: rows without a head, which
// are shown as text, and rows of another width, whose last cells are shown to
// nobody.
func torn(page string) (problems []string) {
	fenced, width := false, 0
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced || !strings.HasPrefix(line, "|") {
			width = 0
			continue
		}
		cells := strings.Count(code.ReplaceAllString(line, ""), "|") - 1
		if width == 0 {
			if i+1 == len(lines) || !ruled.MatchString(lines[i+1]) {
				problems = append(problems, fmt.Sprintf("line %d is a row of no table", i+1))
			}
			width = cells
		} else if cells != width {
			problems = append(problems, fmt.Sprintf("line %d has %d cells, the table's head %d", i+1, cells, width))
		}
	}
	return problems
}

// TestTablesAreWhole looks at every table of the documents.
func TestTablesAreWhole(t *testing.T) {
	got := torn("| a | b |\n|---|---|\n| 1 | `x|y` |\n| 2 |\n\n| 3 | 4 |\n\n```\n| no | table\n```\n")
	if want := []string{"line 4 has 1 cells, the table's head 2", "line 6 is a row of no table"}; !slices.Equal(got, want) {
		t.Fatalf("found %q, want %q", got, want)
	}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md", "clients/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range torn(string(text)) {
				t.Errorf("%s: %s", file, problem)
			}
		}
	}
}
