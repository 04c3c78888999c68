package turn

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/strangers"
)

func TestConnectionLimit(t *testing.T) {
	s := start(t, func(c *Config) { c.MaxConns, c.IdleTimeout = 1, time.Minute })
	first := client(t, s, "tcp", s.Credentials("a"))
	conn := allocate(t, first)
	second := client(t, s, "tcp", s.Credentials("b"))
	got := make(chan error, 1)
	go func() {
		relay, err := second.Allocate()
		if err == nil {
			relay.Close()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("the second connection was served: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	conn.Close()
	s.conns[0].mu.Lock()
	var one *boundedConn
	for _, one = range s.conns[0].open {
	}
	s.conns[0].mu.Unlock()
	one.Close()
	if err := <-got; err != nil {
		t.Errorf("the second connection was not served after the first ended: %v", err)
	}
}

// Whoever opens connections and says nothing on them, or only half a request,
// keeps nobody else out: it is the oldest of them that go, and who has an
// allocation stays.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		t.Run(kind, func(t *testing.T) {
			s := start(t, nil)
			early := client(t, s, kind, s.Credentials("early"))
			kept := allocate(t, early)
			silent := make([]net.Conn, strangers.MostFrom)
			for i := range silent {
				silent[i] = dial(t, address(t, s, kind))
				defer silent[i].Close()
				if _, err := silent[i].Write([]byte{0, 3, 0}); err != nil { // the beginning of an Allocate
					t.Fatal(err)
				}
			}
			allocate(t, client(t, s, kind, s.Credentials("late")))
			// The kernel hands connections over in their order: at least the
			// first one had to go for the late client.
			silent[0].SetReadDeadline(time.Now().Add(30 * time.Second))
			if _, err := silent[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the oldest stranger read %v, want its end", err)
			}
			if _, err := kept.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(s.cfg.Announced[0])); err != nil {
				t.Error(err)
			}
			kept.SetReadDeadline(time.Now().Add(30 * time.Second))
			if _, _, err := kept.ReadFrom(make([]byte, 1500)); err != nil {
				t.Errorf("a client with an allocation had to go: %v", err)
			}
		})
	}
}

// A connection on which a byte comes now and then is not idle, but has to get an
// allocation in time.
func TestASlowStrangerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := &pipes{conns: make(chan net.Conn, 1)}
		l := newBoundedListener(listener, nil, &Config{MaxConns: 1, IdleTimeout: time.Minute, ProveTimeout: 10 * time.Second})
		ours, theirs := net.Pipe()
		listener.conns <- ours
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for err := error(nil); err == nil; {
				time.Sleep(3 * time.Second)
				_, err = theirs.Write([]byte{0})
			}
		}()
		begun := time.Now()
		for {
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				break
			}
		}
		conn.Close()
		if lasted := time.Since(begun); lasted != 10*time.Second {
			t.Errorf("ended after %v, want 10 s", lasted)
		}
		<-done
	})
}

// pipes is a listener that first fails as one does without file descriptors,
// and then has what is put into conns.
type pipes struct {
	net.Listener
	failed bool
	conns  chan net.Conn
}

func (p *pipes) Accept() (net.Conn, error) {
	if !p.failed {
		p.failed = true
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return <-p.conns, nil
}

// Without file descriptors nobody can be let in; afterwards the port has to
// serve again. The protocol server gives a listener up at its first error.
func TestAPortOutlivesALackOfDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := &pipes{conns: make(chan net.Conn, 1)}
		l := newBoundedListener(listener, nil, &Config{MaxConns: 1, IdleTimeout: time.Minute, ProveTimeout: time.Second})
		ours, theirs := net.Pipe()
		defer theirs.Close()
		listener.conns <- ours
		conn, err := l.Accept()
		if err != nil {
			t.Fatalf("Accept = %v after one that failed", err)
		}
		conn.Close()
	})
}
