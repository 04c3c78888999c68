// Package servertest builds the real server and starts it for tests that look at
// it from outside, as its users do: one process per Server, on a free port of
// the loopback interface, with a data directory of its own. Tests that were
// built with the race detector get a server that was built with it too.
package servertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

// Credentials every Server accepts unless its arguments say otherwise.
const (
	AccessKey = "AKIDCONFORM"
	SecretKey = "a-secret-key-that-must-reach-no-log"
	Account   = "210987654321"
)

// patience bounds how long a server may take to start or to stop. It is long:
// it only tells a hanging server from a busy machine.
const patience = 3 * time.Minute

// built is the path of the server's binary, built once per test process.
var built = sync.OnceValues(build)

// build compiles the server, or takes the one TESTED_CARILLON names.
func build() (string, error) {
	if path := os.Getenv("TESTED_CARILLON"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(workshop(), "carillon")
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/carillon")...)
	cmd.Dir = root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%s", err, out)
	}
	return path, nil
}

// workshop returns the folder that the server is built in, one for each test
// process.
func workshop() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("carillon-servertest-%d", os.Getpid()))
}

// root returns the repository's root folder.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Main runs the tests of a package that starts servers and removes what was
// built for them. Call it from TestMain.
func Main(m *testing.M) int {
	code := m.Run()
	if err := os.RemoveAll(workshop()); err != nil {
		fmt.Fprintln(os.Stderr, "removing the server that was built:", err)
	}
	return code
}

// Server is a server that runs until its test ends.
type Server struct {
	// Endpoint is its base URL, such as http://127.0.0.1:40123.
	Endpoint string
	// Dir is its data directory.
	Dir string

	tb     testing.TB
	args   []string
	listen string // host and port; port 0 until the first start
	cmd    *exec.Cmd
	out    *logtest.Buffer // what it wrote to both outputs
	done   chan struct{}
	err    error // how it ended, once done is closed

	terminated bool // since it was launched
}

// Start starts a server with a data directory of its own and further
// arguments of `carillon serve`, and waits until it serves. It is stopped, and
// must then end in good order, when the test ends.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s := &Server{tb: tb, Dir: tb.TempDir(), args: args, listen: "127.0.0.1:0", out: &logtest.Buffer{}}
	s.Restart()
	tb.Cleanup(func() {
		s.Stop()
		if tb.Failed() {
			tb.Logf("the server wrote:\n%s", s.tail())
		}
	})
	return s
}

// Restart starts the server again on its data directory and its port; it must
// not be running.
func (s *Server) Restart() {
	s.tb.Helper()
	s.await(s.launch())
}

// launch starts the process and returns what will tell its address.
func (s *Server) launch() (address <-chan string) {
	s.tb.Helper()
	path, err := built()
	if err != nil {
		s.tb.Fatal(err)
	}
	base := []string{"serve", "--listen", s.listen, "--media-tcp", "off", "--data", s.Dir, "--log-level", "debug"}
	if !strings.Contains(strings.Join(s.args, " "), "--key-file") {
		base = append(base, "--access-key", AccessKey, "--secret-key", SecretKey, "--account", Account)
	}
	s.cmd = exec.Command(path, append(base, s.args...)...)
	s.cmd.Stderr = s.out
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.done, s.terminated = make(chan struct{}), false
	said := make(chan string, 1)
	go s.follow(stdout, said)
	return said
}

// await waits until the server serves.
func (s *Server) await(address <-chan string) {
	s.tb.Helper()
	select {
	case s.Endpoint = <-address:
		_, s.listen, _ = strings.Cut(s.Endpoint, "://")
	case <-s.done:
		s.tb.Fatalf("the server ended at once: %v\n%s", s.err, s.tail())
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		s.tb.Fatalf("the server did not start serving\n%s", s.tail())
	}
}

// follow reads the server's standard output, finds its address on the line
// that says it is ready, and waits for its end.
func (s *Server) follow(stdout io.Reader, address chan<- string) {
	defer close(s.done)
	ready := regexp.MustCompile(`ready.*?(https?://[^\s,]+)`)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case address <- strings.TrimSuffix(m[1], "/"):
			default:
			}
		}
		fmt.Fprintln(s.out, lines.Text())
	}
	s.err = s.cmd.Wait()
}

// Stop asks the server to end and waits until it did, which must be in good
// order. Stopping a server that is not running does nothing.
func (s *Server) Stop() {
	s.tb.Helper()
	select {
	case <-s.done:
		return
	default:
	}
	s.terminate()
	s.wait()
	if s.err != nil {
		s.tb.Errorf("the server did not end in good order: %v\n%s", s.err, s.tail())
	}
}

// terminate has a server that runs begin to stop. It is said once: a second time
// would end a server that is about to.
func (s *Server) terminate() {
	s.tb.Helper()
	if s.terminated {
		return
	}
	s.terminated = true
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.tb.Errorf("stopping the server: %v", err)
	}
}

// Kill ends the server as a power cut of the process would: kill -9.
func (s *Server) Kill() {
	s.tb.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.tb.Fatalf("killing the server: %v", err)
	}
	s.wait()
}

// wait waits for the process to be gone.
func (s *Server) wait() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-s.done:
	case <-ctx.Done():
		_ = s.cmd.Process.Kill()
		s.tb.Errorf("the server did not end\n%s", s.tail())
		<-s.done
	}
}

// PID is the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Signal sends the process a signal.
func (s *Server) Signal(sig os.Signal) error { return s.cmd.Process.Signal(sig) }

// Output returns everything the server wrote so far.
func (s *Server) Output() string { return s.out.String() }

// tail returns the end of what the server wrote.
func (s *Server) tail() string {
	out := s.out.String()
	return out[max(0, len(out)-4000):]
}
