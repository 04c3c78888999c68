package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// plain is an endpoint that answers as it is told, byte for byte. A request whose
// answer is "" is not answered: its connection is closed.
type plain struct {
	net.Listener
	mu      sync.Mutex
	answers []string // to the requests in their order; the last repeats
	opened  int
	got     []string
	open    []net.Conn
}

func startPlain(t *testing.T, answers ...string) *plain {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &plain{Listener: l, answers: answers}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.opened++
			p.open = append(p.open, c)
			p.mu.Unlock()
			served.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.hangUp()
		served.Wait()
	})
	return p
}

func (p *plain) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.got = append(p.got, string(body))
		answer := p.answers[0]
		if len(p.answers) > 1 {
			p.answers = p.answers[1:]
		}
		p.mu.Unlock()
		if answer == "" {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// hangUp closes all connections.
func (p *plain) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		_ = c.Close()
	}
}

func (p *plain) counts() (opened, requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened, len(p.got)
}

func (p *plain) sender(t *testing.T) *Sender {
	return newSender(t, "http://"+p.Addr().String()+"/hook", nil)
}

const thanks = "HTTP/1.1 204 No Content\r\n\r\n"

func TestRequestsShareAConnection(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		opened int
	}{
		"no body":             {thanks, 1},
		"a body":              {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1},
		"in chunks":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1},
		"after others":        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + thanks, 1},
		"that is closed":      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 3},
		"of an older version": {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 3},
		"with too much":       {"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000), 3},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPlain(t, c.answer)
			s := p.sender(t)
			for range 3 {
				if err := s.Send(t.Context(), sample(), 1); err != nil {
					t.Fatal(err)
				}
			}
			if opened, requests := p.counts(); opened != c.opened || requests != 3 {
				t.Errorf("%d connections for %d requests, want %d", opened, requests, c.opened)
			}
		})
	}
}

// An endpoint closes a connection that nothing was sent on for a while: that is no
// failed attempt.
func TestAConnectionThatWasClosedMeanwhile(t *testing.T) {
	p := startPlain(t, thanks)
	s := p.sender(t)
	for range 3 {
		if err := s.Send(t.Context(), sample(), 1); err != nil {
			t.Fatal(err)
		}
		p.hangUp()
	}
	if opened, requests := p.counts(); opened != 3 || requests != 3 {
		t.Errorf("%d connections and %d requests", opened, requests)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		answers  []string
		requests int
	}{
		"none, on a new connection":   {[]string{""}, 1},
		"none, on one that was used":  {[]string{thanks, "", ""}, 3}, // it might have been closed before
		"half of one":                 {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ""}, 1},
		"no HTTP":                     {[]string{"220 mail.example.org ESMTP\r\n"}, 1},
		"a head without end":          {[]string{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Long: "+strings.Repeat("y", 1000)+"\r\n", 200)}, 1},
		"nothing but interim answers": {[]string{strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 10)}, 1},
		"another protocol":            {[]string{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPlain(t, c.answers...)
			s := newSender(t, "http://"+p.Addr().String(), func(c *Config) { c.Timeout = 2 * time.Second })
			if len(c.answers) > 1 && c.answers[0] == thanks {
				if err := s.Send(t.Context(), sample(), 1); err != nil {
					t.Fatal(err)
				}
			}
			var r *outbox.Refusal
			sent := make(chan error, 1)
			go func() { sent <- s.Send(t.Context(), sample(), 1) }()
			if name == "half of one" {
				time.AfterFunc(50*time.Millisecond, p.hangUp)
			}
			if err := <-sent; !errors.As(err, &r) || r.Class != outbox.Passing {
				t.Errorf("got %+v", err)
			}
			if _, requests := p.counts(); requests != c.requests {
				t.Errorf("%d requests, want %d", requests, c.requests)
			}
		})
	}
}

// When a slot moves away, what is under way for it ends, and the connection is
// not used again.
func TestAnAttemptThatIsCalledOff(t *testing.T) {
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-hold
	}))
	defer server.Close()
	defer close(hold)
	s := newSender(t, server.URL, nil)
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	go func() { sent <- s.Send(ctx, sample(), 1) }()
	time.Sleep(50 * time.Millisecond)
	cancel()
	if err := <-sent; err == nil {
		t.Error("it was taken")
	}
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	if n := len(s.lines.idle); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

func TestConnectionsThatAreKept(t *testing.T) {
	together := make(chan struct{})
	var arrived sync.WaitGroup
	arrived.Add(6)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived.Done()
		<-together
	}))
	defer server.Close()
	s := newSender(t, server.URL, func(c *Config) { c.Width = 2 })
	var done sync.WaitGroup
	for range 6 {
		done.Go(func() {
			if err := s.Send(t.Context(), sample(), 1); err != nil {
				t.Error(err)
			}
		})
	}
	arrived.Wait()
	close(together)
	done.Wait()
	kept := func() int {
		s.lines.mu.Lock()
		defer s.lines.mu.Unlock()
		return len(s.lines.idle)
	}
	if n := kept(); n != 2 {
		t.Errorf("%d connections are kept, want 2", n)
	}
	if s.Close(); kept() != 0 {
		t.Error("some are kept after the end")
	}
}

// BenchmarkSend measures an attempt with its receiver, in one process.
func BenchmarkSend(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusNoContent)
		}))
	}()
	u := "http://" + l.Addr().String()
	s := newSender(b, u, nil)
	e := sample()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Send(b.Context(), e, 1); err != nil {
			b.Fatal(fmt.Errorf("%s: %w", u, err))
		}
	}
}
