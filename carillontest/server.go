package carillontest

import (
	"strings"
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

// Server is a running server, in the eyes of one test.
type Server struct {
	// Endpoint is the base URL of the chime-sdk-meetings API, for BaseEndpoint
	// of an SDK's options or AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS.
	Endpoint string
	// LegacyEndpoint is that of the retired chime API.
	LegacyEndpoint string

	tb testing.TB
	*process
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
// ends; a test that fails has what the server said in its log. A test binary that
// is killed takes the server with it.
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
	args := append([]string{"serve", "--test-mode", "--test-stop-at-eof", "--listen", "127.0.0.1:0", "--media-tcp", "off", "--data", tb.TempDir()}, o.args...)
	for range starts {
		p, endpoint, err := startProcess(path, args)
		if err != nil {
			tb.Fatal(err)
		}
		if p == nil {
			continue
		}
		s := &Server{Endpoint: endpoint, LegacyEndpoint: endpoint + "/legacy", tb: tb, process: p}
		tb.Cleanup(s.end)
		return s
	}
	tb.Fatalf("carillontest: no free port in %d tries", starts)
	return nil
}

// starts is how often a start is tried: the port that was free for HTTP may be
// taken for media, which then has the same number.
const starts = 5

// For returns the same server in the eyes of another test, such as a subtest or
// one of those that share a server from TestMain: its methods end that test when
// they cannot do what they are asked, and what the server says from now on is in
// that test's log if it fails.
func (s *Server) For(tb testing.TB) *Server {
	from := s.said.length()
	tb.Cleanup(func() { logSaid(tb, s.said.since(from)) })
	return &Server{Endpoint: s.Endpoint, LegacyEndpoint: s.LegacyEndpoint, tb: tb, process: s.process}
}

// Close stops the server now, for a test of what an application does without it.
// Otherwise there is no need: a server of Start stops with its test. One of Run
// stops here only. Closing it again does nothing.
func (s *Server) Close() {
	s.tb.Helper()
	if tb, ok := s.tb.(*alone); ok {
		tb.end()
		return
	}
	s.close()
}

func (s *Server) close() {
	s.tb.Helper()
	if err := s.stop(); err != nil {
		s.tb.Errorf("carillontest: the server did not end in good order: %v", err)
	}
}

// end ends the server with its test.
func (s *Server) end() {
	s.close()
	logSaid(s.tb, s.said.since(0))
}

// Log returns the last that the server has said, on its standard output and in
// its log: 64 KiB at least, if there was as much.
func (s *Server) Log() string { return s.said.since(0) }

// logSaid gives a test that failed the last of what the server has said.
func logSaid(tb testing.TB, said string) {
	if tb.Failed() {
		tb.Logf("carillontest: the server said:\n%s", said[max(0, len(said)-maxLogged):])
	}
}

// maxLogged is how much of that is put into the log of a test, in bytes.
const maxLogged = 8 << 10

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
