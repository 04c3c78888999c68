package gate_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/gate"
)

// pipes is a listener whose connections stay inside a test and its clock.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// bubble is a server on pipes, and its clients, with a clock of their own.
type bubble struct {
	*testing.T
	listener *pipes
	server   *http.Server
	conns    *gate.Connections
	running  sync.WaitGroup // the server, and what clients do beside the test
	clients  []net.Conn
}

// inBubble runs a test in a bubble and ends what it leaves.
func inBubble(t *testing.T, test func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{
			T: t, listener: &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}, conns: gate.NewConnections(gate.Limits{}),
		}
		b.server = &http.Server{ConnState: b.conns.Watch, ReadHeaderTimeout: 10 * time.Second}
		test(b)
		for _, c := range b.clients {
			c.Close()
		}
		if err := b.server.Close(); err != nil {
			t.Error(err)
		}
		b.running.Wait()
		time.Sleep(time.Second) // of the bubble: the server lingers before it closes
	})
}

// serve starts the server and returns a connection to it.
func (b *bubble) serve(handler http.HandlerFunc) net.Conn {
	b.server.Handler = gate.Handler(handler, gate.Rules{Body: 20 * time.Second})
	b.running.Go(func() {
		_ = b.server.Serve(b.conns.Listen(b.listener)) // ends when it is closed
	})
	near, far := net.Pipe()
	b.listener.incoming <- far
	b.clients = append(b.clients, near)
	return near
}

// trickle sends n bytes, one each interval, until the server closes the
// connection or all are sent.
func trickle(c net.Conn, n int, piece string, every time.Duration) {
	for range n {
		time.Sleep(every)
		if _, err := io.WriteString(c, piece); err != nil {
			return
		}
	}
}

// A handler that reads all there is and tells what became of it.
func readAll(out chan<- error) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		out <- err
	}
}

func TestABodyMustArriveAtAPace(t *testing.T) {
	for name, c := range map[string]struct {
		length int
		piece  string
		every  time.Duration
		ok     bool
		within time.Duration
	}{
		"a byte every five seconds": {1000, "x", 5 * time.Second, false, 6 * time.Second},
		"a byte a second":           {1000, "x", time.Second, false, 6 * time.Second},
		"nothing":                   {10, "x", time.Hour, false, 6 * time.Second},
		"fast enough, too long":     {1 << 20, strings.Repeat("x", 2048), time.Second, false, 21 * time.Second},
		"slow and steady":           {16 << 10, strings.Repeat("x", 1024), time.Second, true, 21 * time.Second},
		"late":                      {3, "abc", 4 * time.Second, true, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				read := make(chan error, 1)
				conn := b.serve(readAll(read))
				began := time.Now()
				fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", c.length)
				b.running.Go(func() { trickle(conn, c.length/len(c.piece), c.piece, c.every) })
				b.running.Go(func() { _, _ = io.Copy(io.Discard, conn) }) // until it is closed
				err := <-read
				if (err == nil) != c.ok || !c.ok && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the body ended with %v", err)
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Nobody reads the body, but the server does, to find the next request.
func TestABodyNobodyReadsHoldsNoConnection(t *testing.T) {
	inBubble(t, func(b *bubble) {
		conn := b.serve(func(http.ResponseWriter, *http.Request) {})
		began := time.Now()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
		b.running.Go(func() { trickle(conn, 1000, "x", 4*time.Second) })
		_, _ = io.Copy(io.Discard, conn) // until it is closed
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the connection was held for %v", took)
		}
	})
}

// After a body has arrived, an answer may take its time.
func TestAnAnswerMayTakeLongerThanTheBodyMay(t *testing.T) {
	inBubble(t, func(b *bubble) {
		conn := b.serve(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			select {
			case <-r.Context().Done():
				t.Error("the request was given up")
			case <-time.After(time.Hour):
			}
		})
		read := bufio.NewReader(conn)
		for range 2 {
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
			answer, err := http.ReadResponse(read, nil)
			if err != nil || answer.StatusCode != 200 {
				t.Fatalf("%v", err)
			}
		}
	})
}

func TestAClientThatDoesNotReadIsGivenUp(t *testing.T) {
	write := func(done chan<- error) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 1<<20))
			done <- err
		}
	}
	inBubble(t, func(b *bubble) {
		done := make(chan error, 1)
		conn := b.serve(write(done))
		began := time.Now()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if err := <-done; err == nil {
			t.Error("a megabyte was written to a client that reads nothing")
		}
		if took := time.Since(began); took > gate.WriteStall+time.Second {
			t.Errorf("it took %v", took)
		}
	})
	inBubble(t, func(b *bubble) {
		done := make(chan error, 1)
		conn := b.serve(write(done))
		began := time.Now()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		b.running.Go(func() { // slow, but steady
			for piece := make([]byte, 16<<10); ; time.Sleep(10 * time.Second) {
				if _, err := io.ReadFull(conn, piece); err != nil {
					return
				}
			}
		})
		if err := <-done; err != nil {
			t.Errorf("a slow reader was given up after %v: %v", time.Since(began), err)
		}
	})
}

// A handler's own deadline holds for its answer and not for the next one.
func TestAHandlersOwnWriteDeadlineEndsWithItsAnswer(t *testing.T) {
	inBubble(t, func(b *bubble) {
		first := true
		conn := b.serve(func(w http.ResponseWriter, _ *http.Request) {
			if first {
				if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
					t.Error(err)
				}
			}
			first = false
		})
		read := bufio.NewReader(conn)
		for range 2 {
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if _, err := http.ReadResponse(read, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestUnknownHostsAreRefusedBeforeAnyDoor(t *testing.T) {
	var log bytes.Buffer
	served := 0
	h := gate.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }), gate.Rules{
		Hosts: gate.Hosts{Names: []string{"meet.example.org"}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	address, _ := serve(t, gate.Limits{}, h)
	ask := func(host string) *http.Response {
		c := dial(t, "127.0.0.1", address)
		fmt.Fprintf(c.conn, "GET /operator/api/session HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		answer, err := http.ReadResponse(c.read, nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for range 3 {
		answer := ask("evil.example:8480")
		var body struct{ Message string }
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(body.Message, `"evil.example:8480"`) || !strings.Contains(body.Message, "--allowed-hosts") {
			t.Errorf("%d %q", answer.StatusCode, body.Message)
		}
	}
	if served != 0 {
		t.Errorf("%d requests came in", served)
	}
	if n := strings.Count(log.String(), "evil.example"); n != 1 {
		t.Errorf("the log was told %d times:\n%s", n, &log)
	}
	if ask("meet.example.org").StatusCode != 200 || ask("127.0.0.1").StatusCode != 200 || served != 2 {
		t.Errorf("the server's own names: %d served", served)
	}
}

// What a proxy in front may have cut into other requests is not read on.
func TestAmbiguousRequestsEndTheirConnection(t *testing.T) {
	const next = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, request := range map[string]string{
		"both lengths":           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"both, the other way":    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
		"chunked alone":          "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunked in HTTP/1.0":    "POST / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a refused host as well": "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
		"two encodings":          "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := serve(t, gate.Limits{}, gate.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/smuggled" {
					t.Error("what followed was served")
				}
			}), gate.Rules{}))
			c := dial(t, "127.0.0.1", address)
			if _, err := io.WriteString(c.conn, request+next); err != nil {
				t.Fatal(err)
			}
			if !c.answered() {
				t.Error("no answer")
			}
			if c.answered() {
				t.Error("a second answer")
			}
		})
	}
}

func TestPlainRequestsKeepTheirConnection(t *testing.T) {
	address, _ := serve(t, gate.Limits{}, gate.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), gate.Rules{}))
	c := dial(t, "127.0.0.1", address)
	for range 3 {
		if _, err := io.WriteString(c.conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		if !c.answered() {
			t.Fatal("the connection was closed")
		}
	}
}

// A reader of a body that a test made by hand has no connection behind it.
func TestABodyWithoutAConnectionIsReadAsItIs(t *testing.T) {
	r, err := http.NewRequestWithContext(context.Background(), "POST", "http://localhost/", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	gate.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err != nil || string(b) != "abc" {
			t.Errorf("%q %v", b, err)
		}
	}), gate.Rules{}).ServeHTTP(discard{}, r)
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// An answer that is given before the body has arrived must not be lost in the
// reset that follows unread bytes.
func TestAnEarlyAnswerReachesAClientThatIsStillSending(t *testing.T) {
	address, conns := serve(t, gate.Limits{}, gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}), gate.Rules{}))
	for range 20 {
		c := dial(t, "127.0.0.1", address)
		const size = 5 << 20
		fmt.Fprintf(c.conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size)
		var sending sync.WaitGroup
		sending.Go(func() { _, _ = c.conn.Write(make([]byte, size)) }) // fails when it is refused
		answer, err := http.ReadResponse(c.read, nil)
		if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Fatalf("%v", err)
		}
		c.conn.Close()
		sending.Wait()
	}
	for conns.Stats().Open > 0 { // the server waits a little before it closes
		runtime.Gosched()
	}
}
