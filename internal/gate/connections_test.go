package gate_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/gate"
)

// serve runs a server with bounded connections on loopback until the test ends.
func serve(t *testing.T, limits gate.Limits, handler http.Handler) (address string, conns *gate.Connections) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns = gate.NewConnections(limits)
	server := &http.Server{Handler: handler, ConnState: conns.Watch}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(conns.Listen(l)) // ends when the test closes it
	}()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
		if s := conns.Stats(); s.Open != 0 {
			t.Errorf("%d connections are still counted after the server closed", s.Open)
		}
	})
	return l.Addr().String(), conns
}

// client is one connection to a server.
type client struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
}

// dial connects from a loopback address.
func dial(t *testing.T, from, to string) *client {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, read: bufio.NewReader(conn)}
}

// begin sends a request that the handler holds until it is told to go on.
func (c *client) begin() {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// answered reads an answer and reports whether there was one.
func (c *client) answered() bool {
	c.t.Helper()
	answer, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		c.t.Fatal(err)
	}
	return true
}

// rest waits until the server has noticed that so many connections are idle: it
// does so after it has sent the answer.
func rest(conns *gate.Connections, idle int) {
	for conns.Stats().Idle != idle {
		runtime.Gosched()
	}
}

// closed waits until the server has closed the connection.
func (c *client) closed() {
	c.t.Helper()
	if n, err := c.read.Read(make([]byte, 1)); n != 0 {
		c.t.Errorf("read %d bytes of a connection that should be closed, %v", n, err)
	}
}

// holding is a handler that tells when a request is there, and answers it when
// told to.
type holding struct{ there, answer chan struct{} }

func newHolding() holding { return holding{make(chan struct{}, 100), make(chan struct{})} }

func (h holding) ServeHTTP(http.ResponseWriter, *http.Request) {
	h.there <- struct{}{}
	<-h.answer
}

func TestAnIdleConnectionMakesRoomForANewOne(t *testing.T) {
	h := newHolding()
	close(h.answer)
	address, conns := serve(t, gate.Limits{Total: 2}, h)
	first, second := dial(t, "127.0.0.1", address), dial(t, "127.0.0.2", address)
	for _, c := range []*client{first, second, first} { // the second has then been idle for longer
		c.begin()
		if !c.answered() {
			t.Fatal("no answer while there was room")
		}
		rest(conns, 2)
	}
	third := dial(t, "127.0.0.3", address)
	third.begin()
	if !third.answered() {
		t.Error("the newcomer was not served")
	}
	rest(conns, 2)
	second.closed()
	first.begin()
	if !first.answered() {
		t.Error("the wrong connection was closed")
	}
	if s := conns.Stats(); s.Open != 2 || s.Evicted != 1 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAStrangersIdleConnectionsTakeNobodysPlace(t *testing.T) {
	h := newHolding()
	close(h.answer)
	address, conns := serve(t, gate.Limits{Total: 100, PerAddress: 10}, h)
	honest := dial(t, "127.0.0.2", address)
	honest.begin()
	if !honest.answered() {
		t.Fatal("no answer")
	}
	rest(conns, 1)
	for range 50 {
		dial(t, "127.0.0.1", address)
	}
	last := dial(t, "127.0.0.1", address)
	last.begin()
	if !last.answered() {
		t.Error("the newest connection of the full address was not served")
	}
	honest.begin()
	if !honest.answered() {
		t.Error("another address lost its connection")
	}
	if s := conns.Stats(); s.Open != 11 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhenNoneIsIdleTheNewcomerIsSentAway(t *testing.T) {
	var log bytes.Buffer
	h := newHolding()
	address, conns := serve(t, gate.Limits{Total: 3, PerAddress: 2, Logger: slog.New(slog.NewTextHandler(&log, nil))}, h)
	var busy []*client
	for _, from := range []string{"127.0.0.1", "127.0.0.1", "127.0.0.2"} {
		c := dial(t, from, address)
		c.begin()
		<-h.there
		busy = append(busy, c)
	}
	dial(t, "127.0.0.1", address).closed() // its address is full
	dial(t, "127.0.0.3", address).closed() // the server is
	close(h.answer)
	for _, c := range busy {
		if !c.answered() {
			t.Error("a running request was cut off")
		}
	}
	if s := conns.Stats(); s.Open != 3 || s.Refused != 2 || s.Evicted != 0 {
		t.Errorf("%+v", s)
	}
	if n := strings.Count(log.String(), "too many HTTP connections"); n != 1 {
		t.Errorf("the log was told %d times:\n%s", n, &log)
	}
}

func TestTrustedProxiesHaveNoBoundOfTheirOwn(t *testing.T) {
	h := newHolding()
	trusted := clientaddr.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	address, _ := serve(t, gate.Limits{Total: 10, PerAddress: 1, Proxies: trusted}, h)
	var all []*client
	for range 5 {
		c := dial(t, "127.0.0.1", address)
		c.begin()
		<-h.there
		all = append(all, c)
	}
	close(h.answer)
	for _, c := range all {
		if !c.answered() {
			t.Error("a connection of the proxy was refused")
		}
	}
}

func TestATakenOverConnectionNoLongerCounts(t *testing.T) {
	taken := make(chan net.Conn, 1)
	address, conns := serve(t, gate.Limits{Total: 1}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		taken <- c
	}))
	for range 3 {
		c := dial(t, "127.0.0.1", address)
		c.begin()
		mine := <-taken
		if _, err := io.WriteString(mine, "hello"); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(c.read, make([]byte, 5)); err != nil {
			t.Error(err)
		}
		defer mine.Close()
	}
	if s := conns.Stats(); s.Open != 0 || s.Evicted != 0 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}
