package carillontest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/carillontest"
)

// observed is a test that has failed; what is put into its log is kept.
type observed struct {
	testing.TB
	cleanups []func()
	log      []string
}

func (o *observed) Helper()                   {}
func (o *observed) Failed() bool              { return true }
func (o *observed) Cleanup(fn func())         { o.cleanups = append(o.cleanups, fn) }
func (o *observed) Logf(f string, a ...any)   { o.log = append(o.log, fmt.Sprintf(f, a...)) }
func (o *observed) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (o *observed) Errorf(f string, a ...any) { o.TB.Errorf(f, a...) }

// ended does what is done at the end of the test and returns its log.
func (o *observed) ended() string {
	for len(o.cleanups) > 0 {
		last := len(o.cleanups) - 1
		fn := o.cleanups[last]
		o.cleanups = o.cleanups[:last]
		fn()
	}
	return strings.Join(o.log, "\n")
}

// Of a shared server each test that fails sees what was said during it, and what
// cannot be done ends that test and nobody else's.
func TestTestsThatShareAServer(t *testing.T) {
	shared := carillontest.Start(t)
	first := &observed{TB: t}
	srv := shared.For(first)
	srv.Throttle("GetMeeting", 1)
	said := waitForLine(t, srv, "path=/test/v1/faults")
	second := &observed{TB: t}
	shared.For(second).Advance(time.Second)
	waitForLine(t, srv, "path=/test/v1/clock")
	if log := first.ended(); !strings.Contains(log, said) {
		t.Errorf("the first test's log: %s", log)
	}
	if log := second.ended(); strings.Contains(log, said) || !strings.Contains(log, "path=/test/v1/clock") {
		t.Errorf("the second test's log: %s", log)
	}
	refusal := func() (words any) {
		defer func() { words = recover() }()
		srv.EndMeeting("standup")
		return nil
	}()
	if words := fmt.Sprint(refusal); !strings.Contains(words, `"standup\" is not an id`) {
		t.Errorf("refused with %s", words)
	}
}

// waitForLine waits for a line of the server's log that has the words in it.
func waitForLine(t *testing.T, srv *carillontest.Server, words string) (line string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(srv.Log()) {
			if strings.Contains(line, words) {
				return strings.TrimSpace(line)
			}
		}
	}
	t.Fatalf("the server did not say %s:\n%s", words, srv.Log())
	return ""
}

func TestAServerIsClosedBeforeItsTestEnds(t *testing.T) {
	srv := carillontest.Start(t)
	create(t, sdk(srv), "standup-1")
	srv.Close()
	srv.Close()
	if _, err := http.Get(srv.Endpoint); err == nil {
		t.Error("it is still there")
	}
}

// parentEnv has TestARunnerThatIsKilled be the runner that is killed.
const parentEnv = "CARILLONTEST_IS_KILLED"

// A test binary that ends without its cleanups, because it is killed or its time
// is up, leaves no server behind.
func TestARunnerThatIsKilled(t *testing.T) {
	if os.Getenv(parentEnv) != "" {
		fmt.Println("endpoint", carillontest.Start(t).Endpoint)
		select {}
	}
	dir, err := os.MkdirTemp("", "carillontest-killed-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // once the server has ended, which nobody here can wait for
		for deadline := time.Now().Add(time.Minute); os.RemoveAll(dir) != nil && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		}
	})
	runner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	runner.Env = append(os.Environ(), parentEnv+"=yes", "TESTED_CARILLON="+carillontest.BinaryPath(t), "TMPDIR="+dir)
	stdout, err := runner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	for lines := bufio.NewScanner(stdout); address == "" && lines.Scan(); {
		if endpoint, found := strings.CutPrefix(lines.Text(), "endpoint http://"); found {
			address = endpoint
		}
	}
	if c, err := net.Dial("tcp", address); err != nil {
		t.Errorf("it does not serve: %v", err)
	} else {
		_ = c.Close()
	}
	if err := runner.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = runner.Wait() // killed
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server has outlived its runner by a minute")
		}
	}
}
