package conform

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Connection is a connection to the server with nothing of HTTP in between,
// for what http.Client does not let one do.
type Connection struct {
	t    *T
	net  net.Conn
	read *bufio.Reader
}

// Dial opens a connection to the endpoint of the case's flavour; the case
// closes it.
func (t *T) Dial() *Connection {
	u, err := url.Parse(t.API.base)
	if err != nil {
		t.Fatalf("endpoint: %v", err)
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	address := net.JoinHostPort(u.Hostname(), port)
	conn, err := t.target.opts.Dial(t.ctx, "tcp", address)
	if err == nil && u.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
		conn, err = secure, secure.HandshakeContext(t.ctx)
	}
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	stop := context.AfterFunc(t.ctx, func() { _ = conn.Close() })
	t.Cleanup(func() { stop(); _ = conn.Close() })
	return &Connection{t: t, net: conn, read: bufio.NewReader(conn)}
}

// Write sends bytes as they are.
func (c *Connection) Write(s string) {
	if _, err := io.WriteString(c.net, s); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// Send signs the request, with its body, as the case's client would and sends
// its header with extra lines, then body, which may differ from the signed one.
func (c *Connection) Send(in Request, extra, body string) {
	if !in.Plain {
		// content-length must not be signed: the extra lines decide about it.
		in.Plain = true
		in.Tamper = func(r *http.Request) {
			h := Handwriting{Keys: c.t.API.keys, Region: c.t.API.region}
			if err := h.sign(r); err != nil {
				c.t.Fatalf("signing: %v", err)
			}
		}
	}
	req, err := c.t.API.prepare(c.t.ctx, in)
	if err != nil {
		c.t.Fatalf("preparing: %v", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, req.URL.RequestURI(), req.URL.Host)
	for name, values := range req.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	c.Write(b.String() + extra + "\r\n" + body)
}

// Answer reads one answer, 1xx included, and its body.
func (c *Connection) Answer(method string) *http.Response {
	res, err := http.ReadResponse(c.read, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading an answer: %v", err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		c.t.Fatalf("reading an answer's body: %v", err)
	}
	return res
}

// HalfClose says that nothing more will be sent.
func (c *Connection) HalfClose() {
	type closer interface{ CloseWrite() error }
	if half, ok := c.net.(closer); ok {
		_ = half.CloseWrite()
	}
}

// Drain reads until the server closes and returns how many bytes came. An
// error, such as a reset, ends it too.
func (c *Connection) Drain() int {
	n, _ := io.Copy(io.Discard, c.read)
	return int(n)
}
