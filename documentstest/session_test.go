package documentstest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/carillontest"
)

// asWritten has loads and suites last as long as the pages have them.
var asWritten = flag.Bool("as-written", false, "shorten nothing")

// patience bounds a session. It is long: it only tells a hang from a busy machine.
const patience = 5 * time.Minute

// begins is what every session begins with: a network of its own, whose loopback
// is all there is, and programs that are looked for beside the server first.
const begins = `ip link set lo up
answers() {
  for _ in {1..1200}; do
    curl --silent --output /dev/null --fail "$1" && return
    [ ! -e "$SESSION_DIR/failed" ] || break
    sleep 0.1
  done
  echo "$1 does not answer"
  return 1
}
`

// session is a page as it is typed.
type session struct {
	t *testing.T
	// dir is where it is typed, an empty folder at first, and own is beside it.
	dir, own string
	script   strings.Builder
}

// begin makes a session's folders.
func begin(t *testing.T) *session {
	t.Helper()
	s := &session{t: t, dir: t.TempDir(), own: t.TempDir()}
	wrapper, err := filepath.Abs("testdata/carillon")
	if err != nil {
		t.Fatal(err)
	}
	// The real program has the name that pages look for it by (pidof).
	for _, link := range [][2]string{{wrapper, filepath.Join(s.own, "path", "carillon")}, {carillontest.BinaryPath(t), filepath.Join(s.own, "real", "carillon")}} {
		if err := os.MkdirAll(filepath.Dir(link[1]), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(link[0], link[1]); err != nil {
			t.Fatal(err)
		}
	}
	s.script.WriteString(begins)
	return s
}

// mark begins what the session says of a step.
func mark(step int) string { return fmt.Sprintf("@@@@ step %d", step) }

// add adds a step: what the reader has done before it, the block itself, and what
// must be so afterwards.
func (s *session) add(number int, st step, b block) {
	s.t.Helper()
	pairs := slices.Clone(st.replace)
	if !*asWritten {
		pairs = append(pairs, st.shorten...)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(b.text, pairs[i]) {
			s.t.Errorf("line %d: %q is no longer there to be replaced", b.line, pairs[i])
		}
	}
	moved := strings.NewReplacer("/var/lib/carillon", s.own+"/lib", "/etc/carillon", s.own+"/etc", "/tmp/recordings", s.own+"/recordings")
	text := moved.Replace(strings.NewReplacer(pairs...).Replace(b.text))
	name := filepath.Join(s.own, fmt.Sprintf("step-%d.sh", number))
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	typed := ". " + name
	if st.checks != "" {
		typed = st.checks + " " + name
	} else if st.like != "" {
		typed = st.like
	}
	if st.serves != "" {
		typed = fmt.Sprintf("( trap '[ $? = 0 ] || touch \"$SESSION_DIR/failed\"' EXIT; %s ) &\nanswers %s", typed, st.serves)
	}
	fmt.Fprintf(&s.script, "echo '%s'\n%s\n%s\n%s\n", mark(number), moved.Replace(st.before), typed, moved.Replace(st.after))
}

// run types all of it and returns what was said in each step.
func (s *session) run() (map[int]string, error) {
	s.t.Helper()
	file := filepath.Join(s.own, "session.sh")
	if err := os.WriteFile(file, []byte(s.script.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	apart := []string{"--net", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Getuid() != 0 {
		apart = append([]string{"--user", "--map-root-user"}, apart...)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "unshare", append(apart, "true")...).CombinedOutput(); err != nil {
		s.t.Fatalf("the documents are tried in network namespaces, which only root may make here: %v %s", err, out)
	}
	cmd := exec.CommandContext(ctx, "unshare", append(apart, "bash", "-eu", "-o", "pipefail", file)...)
	cmd.Dir = s.dir
	cmd.WaitDelay = 10 * time.Second
	// Debian's AWS CLI comes first: newer ones lack the legacy calls.
	cmd.Env = append(os.Environ(),
		"PATH="+filepath.Join(s.own, "path")+":/usr/bin:"+os.Getenv("PATH"), "SESSION_DIR="+s.own, "SESSION_BINARY="+filepath.Join(s.own, "real", "carillon"),
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "MAKEFLAGS=", "MAKELEVEL=")
	out, err := cmd.CombinedOutput()
	said := map[int]string{}
	for _, part := range strings.Split(string(out), "@@@@ step ")[1:] {
		var number int
		head, rest, _ := strings.Cut(part, "\n")
		if _, err := fmt.Sscan(head, &number); err == nil {
			said[number] = rest
		}
	}
	if err != nil {
		err = fmt.Errorf("%w; the session said, until the step that failed:\n%s", errors.Join(err, ctx.Err()), out)
	}
	return said, err
}
