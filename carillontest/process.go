package carillontest

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is the process of a server.
type process struct {
	client *http.Client
	cmd    *exec.Cmd
	stdin  io.Closer     // open for as long as the server is to run
	ended  chan struct{} // closed when the process is gone
	err    error         // how it ended; valid once ended is closed
	said   output

	stopping sync.Once
	stopped  error // what stop found
}

// startProcess starts the server and waits for the line in which it says where it
// serves. It returns nil without an error if a port was taken.
func startProcess(path string, args []string) (p *process, endpoint string, err error) {
	p = &process{client: &http.Client{Transport: &http.Transport{}}, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Stderr = &p.said
	stdout, err := p.cmd.StdoutPipe()
	if err == nil {
		p.stdin, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, "", fmt.Errorf("carillontest: starting the server: %w", err)
	}
	address := make(chan string, 1)
	go p.follow(stdout, address)
	select {
	case endpoint = <-address:
		return p, endpoint, nil
	case <-p.ended:
		if strings.Contains(p.said.since(0), "address already in use") {
			return nil, "", nil
		}
		return nil, "", fmt.Errorf("carillontest: the server ended at once: %w\n%s", p.err, p.said.since(0))
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // fails only when it has just ended
		<-p.ended
		return nil, "", fmt.Errorf("carillontest: the server did not start serving\n%s", p.said.since(0))
	}
}

// follow reads what the server says until it has ended.
func (p *process) follow(stdout io.Reader, address chan<- string) {
	defer close(p.ended)
	ready := regexp.MustCompile(`ready in .*API (https?://[^\s,]+)`)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			address <- m[1]
		}
		_, _ = p.said.Write([]byte(lines.Text() + "\n")) // never fails
	}
	p.err = p.cmd.Wait()
}

// stop ends the process and returns what was not in order about its end.
func (p *process) stop() error {
	p.stopping.Do(func() {
		p.client.CloseIdleConnections()
		asked := p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(patience):
			asked = cmp.Or(asked, p.cmd.Process.Kill(), errors.New("it did not end when it was asked to"))
			<-p.ended
		}
		_ = p.stdin.Close() // Wait has closed it already
		if p.err != nil {
			p.stopped = errors.Join(p.err, asked)
		}
	})
	return p.stopped
}

// output keeps the end of what a server says.
type output struct {
	mu   sync.Mutex
	text []byte
	gone int // bytes before text
}

// maxOutput is how much of it is kept at least, in bytes.
const maxOutput = 64 << 10

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if len(o.text) > 2*maxOutput {
		over := len(o.text) - maxOutput
		o.text, o.gone = append([]byte(nil), o.text[over:]...), o.gone+over
	}
	return len(p), nil
}

// length returns how many bytes there were.
func (o *output) length() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gone + len(o.text)
}

// since returns what is kept of what came after the first n bytes.
func (o *output) since(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text[min(max(0, n-o.gone), len(o.text)):])
}
