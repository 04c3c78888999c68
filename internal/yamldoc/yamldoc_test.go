package yamldoc

import (
	"errors"
	"io"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestOneDocumentIsRead(t *testing.T) {
	for text, want := range map[string]error{
		"":                       io.EOF,
		"# nothing\n":            io.EOF,
		"a: 1":                   nil,
		"---\na: 1\n":            nil,
		"a: 1\n...\n":            nil,
		"a: 1\n---\nb: 2\n":      ErrSeveral,
		"a: 1\n---\n":            ErrSeveral,
		"a: 1\n---\n: [broken\n": ErrSeveral,
	} {
		got := map[string]int{}
		err := Decode(yaml.NewDecoder(strings.NewReader(text)), &got)
		if !errors.Is(err, want) || want != io.EOF && got["a"] != 1 {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	if err := Decode(yaml.NewDecoder(strings.NewReader("a: [")), new(map[string]int)); err == nil || errors.Is(err, ErrSeveral) || errors.Is(err, io.EOF) {
		t.Errorf("what is no YAML: %v", err)
	}
}
