package carillontest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A module of somebody else, which imports this package and nothing else of ours,
// has a server in one line; its go.mod and go.sum stay as they are.
func TestAnotherModuleNeedsOneLine(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const module = "github.com/carillon-meetings/carillon"
	for name, content := range map[string]string{
		"go.mod": "module example.org/stranger\n\ngo 1.26.8\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n",
		"app_test.go": `package stranger

import (
	"testing"
	"time"

	"` + module + `/carillontest"
)

func TestApp(t *testing.T) {
	srv := carillontest.Start(t)
	srv.Advance(time.Minute)
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TESTED_CARILLON=", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("mod", "tidy")
	sums := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := sums()
	if out := run("test", "-count=1", "-v", "./..."); !strings.Contains(out, "--- PASS: TestApp") {
		t.Errorf("the test of the module did not run:\n%s", out)
	}
	if sums() != before {
		t.Error("its go.sum was changed")
	}
}
