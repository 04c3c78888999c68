package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// pages returns the documents that people read, by name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../examples/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(file)] = string(text)
		}
	}
	return found
}

var (
	// codeIn finds code: whole blocks, and what stands within a line.
	codeIn = regexp.MustCompile("(?s)\n```[a-z ]*\n.*?\n```|`[^`\n]+`")
	// word is one word of a shell's command, or a mark that ends it.
	word = regexp.MustCompile(`(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'#|&;>)])+|[#|&;>)]`)
	// elision marks what a document leaves out.
	elision = regexp.MustCompile(`…|\.\.\.|\[|COMMAND`)
	// computed is what a shell would put in the place of a command.
	computed = regexp.MustCompile(`\$\([^)]*\)`)
)

// shown is a command in a document. A mention stands within a line and may leave
// out what the command needs.
type shown struct {
	words   []string
	mention bool
}

// commandsIn returns the commands in a document that begin with a program's name;
// those of which something is left out are not among them.
func commandsIn(text, program string) (found []shown) {
	begins := regexp.MustCompile(`(?:^|[(;&|] ?)(?:[\w./]*/)?` + program + ` `)
	for _, code := range codeIn.FindAllString(text, -1) {
		mention := !strings.HasPrefix(code, "\n")
		code = strings.ReplaceAll(strings.Trim(code, "`\n"), "\\\n", " ")
		for line := range strings.Lines(code) {
			line = strings.TrimSpace(line)
			at := begins.FindStringIndex(line)
			if at == nil || elision.MatchString(line) {
				continue
			}
			c := shown{mention: mention}
			for _, w := range word.FindAllString(line[at[1]:], -1) {
				if strings.ContainsAny(w[:1], "#|&;>)") {
					break
				}
				c.words = append(c.words, computed.ReplaceAllString(strings.Trim(w, `"'`), "1"))
			}
			found = append(found, c)
		}
	}
	return found
}

// Every command that a document shows is one, with the flags that it shows.
func TestTheDocumentsShowCommandsThereAre(t *testing.T) {
	const many = 40
	seen := 0
	for page, text := range pages(t) {
		for _, c := range commandsIn(text, "carillon") {
			seen++
			if err := parses(c); err != nil {
				t.Errorf("%s: carillon %s: %v", page, strings.Join(c.words, " "), err)
			}
		}
	}
	if seen < many {
		t.Errorf("only %d commands were found", seen)
	}
	for _, bad := range []shown{{words: []string{"serv"}}, {words: []string{"serve", "--lisen", "x"}}, {words: []string{"events", "resume"}}, {words: []string{"events", "resum"}, mention: true}} {
		if parses(bad) == nil {
			t.Errorf("%q is taken for a command", bad.words)
		}
	}
}

// parses tells whether the command line takes a command.
func parses(c shown) error {
	if c.words[0] == "help" || c.words[0] == "--version" {
		return nil
	}
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""}, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	args := slices.DeleteFunc(slices.Clone(c.words), func(w string) bool { return w == "--help" })
	_, err = parser.Parse(args)
	if err != nil && (c.mention || len(args) < len(c.words)) {
		for _, short := range []string{"missing flags: ", `expected "<`, "expected one of "} {
			if strings.HasPrefix(err.Error(), short) {
				return nil
			}
		}
	}
	return err
}

// Every target of make that a document names is one, and every folder that one
// has people change to is there.
func TestTheDocumentsNameTargetsThereAre(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range pages(t) {
		for _, c := range commandsIn(text, "make") {
			if target := c.words[0]; !strings.Contains(string(makefile), "\n"+target+":") {
				t.Errorf("%s: make %s", page, target)
			}
		}
		for _, c := range commandsIn(text, "cd") {
			if _, err := os.Stat(filepath.Join("../..", c.words[0])); err != nil {
				t.Errorf("%s: cd %s: %v", page, c.words[0], err)
			}
		}
	}
}
