//go:build packages

package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shells returns an environment in which carillon is on the path.
func shells(t *testing.T) []string {
	t.Helper()
	bin := t.TempDir()
	binary, err := filepath.Abs(serverBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(bin, "carillon")); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+bin, "TERM=dumb")
}

func TestFishCompletes(t *testing.T) {
	env := shells(t)
	for line, want := range map[string]string{
		"carillon se":                          "serve\tRun the server.",
		"carillon serve --log-level ":          "debug\nerror\ninfo\nwarn",
		"carillon serve --log-level=w":         "--log-level=warn",
		"carillon serve --key-file /etc/hostn": "/etc/hostname",
		"carillon serve --key-file=/etc/hostn": "--key-file=/etc/hostname",
		"carillon nothing --no-such":           "",
	} {
		fish := exec.CommandContext(t.Context(), "fish", "--no-config", "-c", "carillon completion fish | source; complete -C $argv[1]", line)
		fish.Env = env
		out, err := fish.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
}

// An interactive zsh, which has the package's file where it looks for functions,
// is typed at: what it adds by itself is not what was typed.
func TestZshCompletes(t *testing.T) {
	const script = `zmodload zsh/zpty
zpty -b z zsh -f -i
wait_for() {
  local all= out
  for i in {1..600}; do
    while zpty -r -t z out; do all+=$out; done
    [[ $all == *$1* ]] && return
    sleep 0.1
  done
  print -r -- "not seen $1: $all"
  exit 1
}
zpty -w z "fpath=($FUNCTIONS \$fpath) PS1=; autoload -U compinit; compinit -u -D; print REA''DY"
wait_for READY
zpty -w -n z $'carillon serve --log-lev\t' && wait_for el
zpty -w -n z $'\x15carillon serve --log-level=w\t' && wait_for arn
zpty -w -n z $'\x15carillon completion b\t' && wait_for ash
zpty -w -n z $'\x15carillon serve --key-file=/etc/hostn\t' && wait_for ame
print seen`
	env, functions := shells(t), t.TempDir()
	text, err := exec.CommandContext(t.Context(), serverBinary(t), "completion", "zsh").Output()
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(functions, "_carillon"), text, 0o644)
	zsh := exec.CommandContext(t.Context(), "zsh", "-f", "-c", script)
	zsh.Env = append(env, "FUNCTIONS="+functions)
	if out, err := zsh.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "seen" {
		t.Errorf("%v: %s", err, out)
	}
}
