package carillontest

import (
	"bufio"
	"cmp"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What clients may sign with. A server of this package accepts anything; an
// access key id of twelve digits is an account of its own.
const (
	AccessKey = "test"
	SecretKey = "test"
	Region    = "us-east-1"
)

// patience bounds how long a server may take to start, to stop and to answer. It
// is long: it only tells a server that hangs from a busy machine.
const patience = time.Minute

// Server is a server that runs until its test ends.
type Server struct {
	// Endpoint is the base URL of the chime-sdk-meetings API, for BaseEndpoint
	// of an SDK's options or AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS.
	Endpoint string
	// LegacyEndpoint is that of the retired chime API.
	LegacyEndpoint string

	tb     testing.TB
	client *http.Client
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process is gone
	err    error         // how it ended; valid once ended is closed
	said   output
}

// Option changes how Start starts a server.
type Option func(*options)

type options struct {
	binary string
	args   []string
}

// Binary has Start run the binary of that path instead of building one.
func Binary(path string) Option { return func(o *options) { o.binary = path } }

// Args gives `carillon serve` further arguments, such as "--limits=amazon".
func Args(args ...string) Option {
	return func(o *options) { o.args = append(o.args, args...) }
}

// Start starts a server and waits until it serves. It is stopped when the test
// ends; a test that fails has what the server said in its log.
func Start(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	path, err := binary(o.binary)
	if err != nil {
		tb.Fatal(err)
	}
	args := append([]string{"serve", "--test-mode", "--listen", "127.0.0.1:0", "--media-tcp", "off", "--data", tb.TempDir()}, o.args...)
	for range starts {
		s := &Server{tb: tb, client: &http.Client{Transport: &http.Transport{}}, cmd: exec.Command(path, args...), ended: make(chan struct{})}
		if s.start() {
			tb.Cleanup(s.stop)
			s.LegacyEndpoint = s.Endpoint + "/legacy"
			return s
		}
	}
	tb.Fatalf("carillontest: no free port in %d tries", starts)
	return nil
}

// starts is how often a start is tried: the port that was free for HTTP may be
// taken for media, which then has the same number.
const starts = 5

// start starts the process and waits for the line in which it says where it
// serves. It returns false if a port was taken.
func (s *Server) start() (served bool) {
	s.tb.Helper()
	s.cmd.Stderr = &s.said
	stdout, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.tb.Fatalf("carillontest: starting the server: %v", err)
	}
	address := make(chan string, 1)
	go s.follow(stdout, address)
	select {
	case s.Endpoint = <-address:
		return true
	case <-s.ended:
		if !strings.Contains(s.said.String(), "address already in use") {
			s.tb.Fatalf("carillontest: the server ended at once: %v\n%s", s.err, s.said.String())
		}
	case <-time.After(patience):
		_ = s.cmd.Process.Kill() // fails only when it has just ended
		<-s.ended
		s.tb.Fatalf("carillontest: the server did not start serving\n%s", s.said.String())
	}
	return false
}

// follow reads what the server says until it has ended.
func (s *Server) follow(stdout io.Reader, address chan<- string) {
	defer close(s.ended)
	ready := regexp.MustCompile(`ready in .*API (https?://[^\s,]+)`)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			address <- m[1]
		}
		_, _ = s.said.Write([]byte(lines.Text() + "\n")) // never fails
	}
	s.err = s.cmd.Wait()
}

// stop ends the server with its test.
func (s *Server) stop() {
	s.client.CloseIdleConnections()
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		err = cmp.Or(err, s.cmd.Process.Kill())
		<-s.ended
		s.tb.Error("carillontest: the server did not end when it was asked to")
	}
	if s.err != nil {
		s.tb.Errorf("carillontest: the server did not end in good order: %v, %v", s.err, err)
	}
	if s.tb.Failed() {
		s.tb.Logf("carillontest: the server said:\n%s", s.said.tail())
	}
}

// Environ returns the environment variables, as "NAME=value", that lead AWS SDKs
// and the AWS CLI of a program under test to the server.
func (s *Server) Environ() []string {
	return []string{
		"AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=" + s.Endpoint, "AWS_ENDPOINT_URL_CHIME=" + s.LegacyEndpoint,
		"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey, "AWS_SESSION_TOKEN=",
		"AWS_REGION=" + Region, "AWS_DEFAULT_REGION=" + Region, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// Setenv sets these variables for the rest of the test, so that clients which
// read the environment, as config.LoadDefaultConfig does, find the server.
// Parallel tests cannot use it.
func (s *Server) Setenv() {
	s.tb.Helper()
	setenv, ok := s.tb.(interface{ Setenv(name, value string) })
	if !ok {
		s.tb.Fatal("carillontest: this test has no Setenv")
	}
	for _, variable := range s.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		setenv.Setenv(name, value)
	}
}

// output keeps what a server says.
type output struct {
	mu   sync.Mutex
	text []byte
}

// maxOutput is how much of it is kept, in bytes: the end.
const maxOutput = 64 << 10

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if over := len(o.text) - 2*maxOutput; over > 0 {
		o.text = append([]byte(nil), o.text[len(o.text)-maxOutput:]...)
	}
	return len(p), nil
}

// String returns what is kept.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// tail returns the last of it, enough for a test's log.
func (o *output) tail() string {
	text := o.String()
	return text[max(0, len(text)-8<<10):]
}
