package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/carillontest"
)

// A real bash loads the script and completes as if somebody had typed and pressed
// the tabulator key. The settings of a server that are wrong do not matter to it.
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(carillontest.BinaryPath(t), filepath.Join(bin, "carillon")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "my keys.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := exec.CommandContext(t.Context(), filepath.Join(bin, "carillon"), "completion", "bash").Output()
	if err != nil {
		t.Fatal(err)
	}
	const script = `set -eu
source <(printf '%s' "$LOADED")
export CARILLON_LISTEN=nowhere CARILLON_NO_SUCH=1
complete -p carillon >/dev/null
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_carillon carillon "${COMP_WORDS[COMP_CWORD]}"
printf '%s\n' "${COMPREPLY[@]}"`
	for line, want := range map[string]string{
		"carillon se":                      "serve",
		"carillon check ":                  "config\nhealth",
		"carillon completion ":             "bash\nfish\nzsh",
		"carillon serve --log-l":           "--log-level",
		"carillon serve --no-con":          "--no-console",
		"carillon serve --log-level ":      "debug\ninfo\nwarn\nerror",
		"carillon serve --log-level = war": "warn",
		"carillon serve --key-file my":     "my keys.yaml",
		"carillon admin list --ext":        "--external",
		"carillon nothing --no-such":       "",
	} {
		bash := exec.CommandContext(t.Context(), "bash", append([]string{"-c", script, "bash"}, strings.Split(line, " ")...)...)
		bash.Dir, bash.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "LOADED="+string(loaded))
		out, err := bash.CombinedOutput()
		if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
}
