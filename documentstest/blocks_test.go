package documentstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a page.
type block struct {
	// line is that of its opening fence.
	line int
	// language is what stands behind the fence: the first word, and all of it.
	language, info string
	text           string
}

// commands tells whether a block is for a shell.
func (b block) commands() bool { return b.language == "sh" }

// first returns its first line.
func (b block) first() string {
	line, _, _ := strings.Cut(b.text, "\n")
	return line
}

// texts returns the pages that people read, by their path from the repository's
// root.
func texts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md", "clients/*.md"} {
		files, err := filepath.Glob(filepath.Join("..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel("..", file)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = string(text)
		}
	}
	if len(found) < 25 {
		t.Fatalf("found %d pages only", len(found))
	}
	return found
}

// pages returns the blocks of all pages, and says what is wrong with one.
func pages(t *testing.T) map[string][]block {
	t.Helper()
	found := map[string][]block{}
	for name, text := range texts(t) {
		blocks, problems := read(text)
		for _, problem := range problems {
			t.Errorf("%s: %s", name, problem)
		}
		found[name] = blocks
	}
	return found
}

// fence opens or closes a block, of a list's item too.
var fence = regexp.MustCompile("^( *)```(.*)$")

// read returns the blocks of a page, and what keeps one from being told for what
// it is.
func read(page string) (blocks []block, problems []string) {
	var open *block
	indent, blank, list := "", true, false
	for i, text := range strings.Split(page, "\n") {
		m := fence.FindStringSubmatch(text)
		switch {
		case m != nil && open == nil:
			open, indent = &block{line: i + 1, info: strings.TrimSpace(m[2])}, m[1]
			open.language, _, _ = strings.Cut(open.info, " ")
			if open.language == "" {
				problems = append(problems, line(i+1, "this block has no language: say sh, or text when it is nothing to be typed"))
			}
		case m != nil:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += strings.TrimPrefix(text, indent) + "\n"
		case strings.HasPrefix(text, "    ") && blank && !list:
			problems = append(problems, line(i+1, "code has to stand between fences"))
		case strings.TrimSpace(text) != "" && !strings.HasPrefix(text, " "):
			list = strings.HasPrefix(text, "- ") || strings.HasPrefix(text, "* ") || numbered.MatchString(text)
		}
		blank = strings.TrimSpace(text) == ""
	}
	if open != nil {
		problems = append(problems, line(open.line, "this block has no end"))
	}
	return blocks, problems
}

var numbered = regexp.MustCompile(`^\d+\. `)

func TestBlocksAreRead(t *testing.T) {
	blocks, problems := read("# A page\n\n```sh\none\ntwo\n```\n\n1. first:\n\n   ```sh backup\n   three\n   ```\n\n    four\n\nfive:\n\n    six\n\n```\nseven\n```\n\n```json\n")
	if len(blocks) != 3 || blocks[0].text != "one\ntwo\n" || blocks[1].text != "three\n" || blocks[1].info != "sh backup" || !blocks[1].commands() || blocks[2].commands() {
		t.Errorf("blocks %+v", blocks)
	}
	if len(problems) != 3 || !strings.HasPrefix(problems[0], "line 18: ") || !strings.HasPrefix(problems[1], "line 20: ") || !strings.HasPrefix(problems[2], "line 24: ") {
		t.Errorf("problems %q", problems)
	}
}
