// Package completion tells a shell how a command line may go on.
//
// A shell has a short script (Script), which asks the program itself: it calls
// it with Ask and the words so far, and Complete answers from the same model of
// the command line that parses it. So there is nothing to be kept up to date.
package completion

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Ask is the first argument of a program that is asked. The words of the command
// line follow, without the program's own name; the last is the one that is being
// typed, and may be empty.
const Ask = "__complete"

// files is the line that stands for the names of files.
const files = ":files"

//go:embed carillon.bash carillon.fish carillon.zsh
var scripts embed.FS

// Script returns what a shell loads: that of bash, fish or zsh.
func Script(shell string) (string, error) {
	text, err := scripts.ReadFile("carillon." + shell)
	if err != nil {
		return "", fmt.Errorf("there is no completion for %q: bash, fish or zsh", shell)
	}
	return string(text), nil
}

// Complete writes the words that may stand where the last of words stands, one a
// line, each with a tab and what it is; or the single line ":files" where a file
// belongs. It writes nothing where anything may stand.
func Complete(w io.Writer, app *kong.Application, words []string) error {
	typed, before := "", words
	if n := len(words); n > 0 {
		typed, before = words[n-1], words[:n-1]
	}
	if typed == "=" { // bash takes --flag=value for three words
		typed = ""
	}
	at, value := walk(app.Node, before)
	prefix := ""
	if name, rest, ok := strings.Cut(typed, "="); ok && value == nil {
		if value = flagOf(at, name); value != nil {
			prefix, typed = name+"=", rest
		}
	}
	var out bytes.Buffer
	if value != nil {
		values(&out, value, prefix, typed)
	} else {
		next(&out, at, typed)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// walk follows the words from a command to the last that they name. value is the
// flag whose value comes next; nil for none.
func walk(at *kong.Node, words []string) (last *kong.Node, value *kong.Flag) {
	for _, word := range words {
		switch {
		case word == "=":
		case value != nil:
			value = nil
		case strings.HasPrefix(word, "-"):
			if flag := flagOf(at, word); flag != nil && !flag.IsBool() && !flag.IsCounter() {
				value = flag
			}
		default:
			child := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return n.Name == word })
			if child >= 0 {
				at = at.Children[child]
			}
		}
	}
	return at, value
}

// flagOf finds a flag of a command, or of one above it, by --name.
func flagOf(at *kong.Node, word string) *kong.Flag {
	for _, group := range at.AllFlags(true) {
		for _, flag := range group {
			if word == "--"+flag.Name {
				return flag
			}
		}
	}
	return nil
}

// values writes what a flag takes.
func values(out *bytes.Buffer, flag *kong.Flag, prefix, typed string) {
	switch {
	case flag.Enum != "":
		for _, one := range flag.EnumSlice() {
			offer(out, prefix+one, "", prefix+typed)
		}
	case flag.PlaceHolder == "FILE" || flag.PlaceHolder == "DIR":
		fmt.Fprintln(out, files)
	}
}

// next writes the commands and the positional words that may follow, or the flags
// when one is begun.
func next(out *bytes.Buffer, at *kong.Node, typed string) {
	if !strings.HasPrefix(typed, "-") {
		for _, child := range at.Children {
			if !child.Hidden {
				offer(out, child.Name, child.Help, typed)
			}
		}
		for _, word := range at.Positional {
			for _, one := range word.EnumSlice() {
				offer(out, one, word.Help, typed)
			}
		}
		return
	}
	for _, group := range at.AllFlags(true) {
		for _, flag := range group {
			offer(out, "--"+flag.Name, flag.Help, typed)
			if flag.Tag.Negatable != "" {
				offer(out, "--no-"+flag.Name, "Off: "+flag.Help, typed)
			}
		}
	}
}

func offer(out *bytes.Buffer, word, help, typed string) {
	if word != "" && strings.HasPrefix(word, typed) {
		fmt.Fprintf(out, "%s\t%s\n", word, help)
	}
}
