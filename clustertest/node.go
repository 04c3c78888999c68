package clustertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Ports of every node.
const (
	apiPort     = "8480"
	clusterPort = "7480"
)

// patience bounds how long a node may take to start or to end. It only tells a
// hanging node from a busy machine.
const patience = 90 * time.Second

// Node is one process of the server, on a host of its own.
type Node struct {
	// Name is the node's, as in --node.
	Name string
	// Dir is its data directory.
	Dir string

	host
	tb   testing.TB
	path string   // of the program
	args []string // all of them
	log  string   // file that it writes to

	mu     sync.Mutex
	cmd    *exec.Cmd     // guarded by mu; nil while it does not run
	gone   chan struct{} // guarded by mu; closed when cmd has ended
	ended  error         // how it ended; set before gone is closed
	frozen bool          // guarded by mu
}

// Endpoint is the base URL of the node's own API.
func (n *Node) Endpoint() string { return "http://" + n.address + ":" + apiPort }

// ClusterAddress is where the other nodes reach it.
func (n *Node) ClusterAddress() string { return n.address + ":" + clusterPort }

// Start starts the process. It does not wait for anything.
func (n *Node) Start() {
	n.tb.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		n.tb.Fatalf("node %s runs already", n.Name)
	}
	out, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.tb.Fatal(err)
	}
	defer func() { _ = out.Close() }() // the process has its own
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.namespace, n.path}, n.args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		n.tb.Fatal(err)
	}
	gone := make(chan struct{})
	n.cmd, n.gone, n.frozen = cmd, gone, false
	go func() {
		n.ended = cmd.Wait()
		close(gone)
	}()
}

// running returns the process, nil when there is none.
func (n *Node) running() (cmd *exec.Cmd, gone chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd, n.gone
}

// Running tells whether the process was started and not ended by the test.
func (n *Node) Running() bool {
	cmd, _ := n.running()
	return cmd != nil
}

// Pid is the process's id, 0 when there is none.
func (n *Node) Pid() int {
	if cmd, _ := n.running(); cmd != nil {
		return cmd.Process.Pid // `ip netns exec` becomes the server
	}
	return 0
}

// Kill ends the process as kill -9 does. One that does not run stays so.
func (n *Node) Kill() {
	n.tb.Helper()
	if err := n.end(syscall.SIGKILL); err != nil && !strings.Contains(err.Error(), "killed") {
		n.tb.Errorf("node %s ended before it was killed: %v\n%s", n.Name, err, n.tail())
	}
}

// Stop asks the process to end, which it has to do in good order.
func (n *Node) Stop() {
	n.tb.Helper()
	if err := n.end(syscall.SIGTERM); err != nil {
		n.tb.Errorf("node %s did not end in good order: %v\n%s", n.Name, err, n.tail())
	}
}

func (n *Node) end(s syscall.Signal) error {
	cmd, gone := n.running()
	if cmd == nil {
		return nil
	}
	_ = cmd.Process.Signal(s)               // it may have ended
	_ = cmd.Process.Signal(syscall.SIGCONT) // a frozen one hears of it when thawed
	select {
	case <-gone:
	case <-time.After(patience):
		_ = cmd.Process.Signal(syscall.SIGQUIT) // shows what it waits for
		time.Sleep(time.Second)
		_ = cmd.Process.Kill()
		<-gone
		return fmt.Errorf("it had to be killed: %w", n.ended)
	}
	n.mu.Lock()
	n.cmd, n.frozen = nil, false
	n.mu.Unlock()
	return n.ended
}

// Freeze stops the process where it stands; its connections stay open.
func (n *Node) Freeze() { n.signal(syscall.SIGSTOP, true) }

// Thaw lets a frozen process go on.
func (n *Node) Thaw() { n.signal(syscall.SIGCONT, false) }

func (n *Node) signal(s syscall.Signal, frozen bool) {
	n.tb.Helper()
	cmd, _ := n.running()
	if cmd == nil {
		n.tb.Fatalf("node %s does not run", n.Name)
	}
	if err := cmd.Process.Signal(s); err != nil {
		n.tb.Fatalf("node %s: %v", n.Name, err)
	}
	n.mu.Lock()
	n.frozen = frozen
	n.mu.Unlock()
}

// Wipe removes everything the node has on its disk. It must not run.
func (n *Node) Wipe() {
	n.tb.Helper()
	if n.Running() {
		n.tb.Fatalf("node %s runs", n.Name)
	}
	entries, err := os.ReadDir(n.Dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(n.Dir, e.Name())))
	}
	if err != nil {
		n.tb.Fatal(err)
	}
}

// Ready tells whether the node says that it takes calls.
func (n *Node) Ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.Endpoint()+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := onlyOnce.RoundTrip(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// onlyOnce opens a connection for each request.
var onlyOnce = &http.Transport{DisableKeepAlives: true}

// WaitReady waits until the node is ready.
func (n *Node) WaitReady() {
	n.tb.Helper()
	_, gone := n.running()
	for end := time.Now().Add(patience); !n.Ready(context.Background()); time.Sleep(50 * time.Millisecond) {
		select {
		case <-gone:
			n.tb.Fatalf("node %s ended: %v\n%s", n.Name, n.ended, n.tail())
		default:
		}
		if time.Now().After(end) {
			n.tb.Fatalf("node %s is not ready after %v\n%s", n.Name, patience, n.tail())
		}
	}
}

// With makes the process have further arguments at its next start, in place of
// those of the same names.
func (n *Node) With(args ...string) {
	for i := 0; i+1 < len(args); i += 2 {
		if at := slices.Index(n.args, args[i]); at >= 0 {
			n.args = slices.Delete(n.args, at, at+2)
		}
	}
	n.args = append(n.args, args...)
}

// tailLines is how many lines of a node are shown when a test fails.
const tailLines = 200

// tail returns the last lines that the process wrote, each marked as a node's so
// that a digest can leave it out. What the store says of its connections and calls
// that went well would push everything else out.
func (n *Node) tail() string {
	text, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool {
		return strings.Contains(line, "level=DEBUG") && strings.Contains(line, "from=jetstream") ||
			strings.Contains(line, `msg="api request"`) && strings.Contains(line, " status=2")
	})
	lines = lines[max(0, len(lines)-tailLines):]
	mark := n.Name + " | "
	return mark + strings.Join(lines, "\n"+mark)
}
