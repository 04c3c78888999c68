package clustertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// novelty is what the next version adds to everything it writes. It is looked for
// on the disks of the nodes.
const novelty = "a field of the next version"

// nextRelease is the version that the next version calls itself.
const nextRelease = "99.0.0"

// edit changes a file of the server's sources.
type edit struct {
	file        string // from the repository's root
	is, becomes string // each occurrence; "" is the whole file
}

// edits make another version of the server.
type edits []edit

// nextVersion is a version after this one, as far as a rolling restart is
// concerned: whatever it stores, and whatever it tells other nodes, has parts
// that this version does not know. Records, profiles, attendees and facts end in
// a further field, the heads of stored messages are longer, and markers and what
// a node says of itself have a further member.
func nextVersion() edits {
	extra := fmt.Sprintf(`"\x01\xe8\x07\x%02x%s"`, len(novelty), novelty) // one field, its key 1000
	return edits{
		{"cmd/carillon/VERSION", "", nextRelease + "\n"},
		{"internal/meeting/codec.go", "w.fields(r.Body, r.Extra)", "w.fields(r.Body, " + extra + ")"},
		{"internal/meeting/codec_body.go", "w.extra(p.Extra)", "w.extra(" + extra + ")"},
		{"internal/meeting/codec_body.go", `w.extra("")`, "w.extra(" + extra + ")"},
		{"internal/meeting/codec_body.go", "if !a.Pipeline.IsZero() {", "if true {"},
		{"internal/meeting/codec_body.go", "w.uint(1)\n\tw.uint(keyPipeline)",
			fmt.Sprintf("w.uint(2)\n\tw.uint(1000)\n\tw.string(%q)\n\tw.uint(keyPipeline)", novelty)},
		{"internal/ledger/message.go", "return append(b, m.data...)",
			fmt.Sprintf("b[1] += %d\n\treturn append(append(b, %q...), m.data...)", len(novelty), novelty)},
		{"internal/ledger/message.go", "Node  string `json:\"node\"`", "Node string `json:\"node\"`\n\tNovelty [3]int `json:\"novelty\"`"},
		{"internal/cluster/message.go", "Address   string `json:\"address\"`", "Novelty [3]int `json:\"novelty\"`\n\tAddress string `json:\"address\"`"},
	}
}

// overlay writes the changed files into a folder and returns the path of the file
// that has `go build -overlay` take them.
func (list edits) overlay(root, dir string) (string, error) {
	changed, replaced := map[string]string{}, map[string]string{}
	for _, e := range list {
		path := filepath.Join(root, e.file)
		text, ok := changed[path]
		if !ok {
			raw, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			text = string(raw)
		}
		if !strings.Contains(text, e.is) {
			return "", fmt.Errorf("%s has no %q any more: say how the next version differs there", e.file, e.is)
		}
		if e.is == "" {
			e.is = text
		}
		changed[path] = strings.ReplaceAll(text, e.is, e.becomes)
	}
	for path, text := range changed {
		replaced[path] = filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root+"/"), "/", "-"))
		if err := os.WriteFile(replaced[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	content, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, content, 0o600)
}
