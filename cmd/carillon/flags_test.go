package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// update has docs/commands.md written instead of compared.
var update = flag.Bool("update", false, "write docs/commands.md")

// TestEveryFlagStandsInTheDocs compares docs/commands.md with what the command
// line takes. go test ./cmd/carillon -run EveryFlag -update writes it.
func TestEveryFlagStandsInTheDocs(t *testing.T) {
	const page = "../../docs/commands.md"
	parser, err := kong.New(&commandLine{})
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("# Every command and flag\n\n" +
		"As `carillon COMMAND --help` prints them; `go test ./cmd/carillon -run EveryFlag -update` writes this page. What the settings of a\n" +
		"server are for, and how they are given in a file or by the environment, is in [operations.md](operations.md).\n")
	for _, node := range parser.Model.Leaves(true) {
		if strings.HasPrefix(node.Path(), "check ") || node.Path() == "env" {
			fmt.Fprintf(&want, "\n## carillon %s\n\n%s Its flags are those of `carillon serve`%s.\n", node.Path(), node.Help, besides(parser.Model, node))
			if node.Detail != "" {
				fmt.Fprintf(&want, "\n%s\n", node.Detail)
			}
			continue
		}
		describe(&want, node)
	}
	have, err := os.ReadFile(page)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if string(have) == want.String() {
		return
	}
	if !*update {
		t.Fatalf("%s does not have the flags that there are: go test ./cmd/carillon -run EveryFlag -update writes it", page)
	}
	if err := os.WriteFile(page, []byte(want.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// besides names the flags of a command that serve does not have.
func besides(app *kong.Application, node *kong.Node) (text string) {
	serve := map[string]bool{"help": true}
	for _, leaf := range app.Leaves(true) {
		for _, f := range leaf.Flags {
			serve[f.Name] = serve[f.Name] || leaf.Path() == "serve"
		}
	}
	for _, f := range node.Flags {
		if !serve[f.Name] {
			text += fmt.Sprintf(", and `--%s`: %s", f.Name, strings.TrimSuffix(f.Help, "."))
		}
	}
	return text
}

// describe writes a command with its flags.
func describe(b *strings.Builder, node *kong.Node) {
	fmt.Fprintf(b, "\n## carillon %s\n\n%s\n", node.Path(), node.Help)
	first := true
	for _, f := range node.Flags {
		if f.Hidden || f.Name == "help" {
			continue
		}
		if first {
			b.WriteString("\n| flag | default | what it is |\n|---|---|---|\n")
			first = false
		}
		name := "--" + f.Name
		if f.Tag.Negatable != "" {
			name = "--[no-]" + f.Name
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, f.Default, strings.ReplaceAll(f.Help, "|", "\\|"))
	}
}
