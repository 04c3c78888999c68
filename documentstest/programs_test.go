package documentstest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/carillontest"
)

// TestTheTestInTheDocuments runs the test that docs/testing-your-app.md begins
// with, as a test of a package of this module.
func TestTheTestInTheDocuments(t *testing.T) {
	t.Parallel()
	blocks := pages(t)["docs/testing-your-app.md"]
	at := slices.IndexFunc(blocks, func(b block) bool { return b.language == "go" })
	if at < 0 {
		t.Fatal("the page has no test")
	}
	dir := t.TempDir()
	there, err := filepath.Abs("app/app_test.go")
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(dir, "app_test.go"), filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {there: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{file: blocks[at].text, overlay: string(replaced)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "app.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-c", "-o", program, "-overlay", overlay, "./app").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TESTED_CARILLON="+carillontest.BinaryPath(t))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: ") {
		t.Fatalf("%v\n%s", err, out)
	}
}
