package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Requests to a web hook are many, small and all alike, and each waits for the
// one before it. So they do not go through http.Client, whose two goroutines for
// each connection, header maps and timers cost several times as much as the rest
// of an attempt: who sends writes the bytes and reads the answer. HTTP/1.1 is
// spoken; parsing is net/http's.

// idleMost is how long a connection that nothing is sent on is kept.
const idleMost = time.Minute

// informationalMost is how many answers of the class 1xx are passed over.
const informationalMost = 5

// lines are the connections to one endpoint.
type lines struct {
	dial func(ctx context.Context) (net.Conn, error)
	most int // that are kept idle

	mu     sync.Mutex
	idle   []*line     // the one used last comes last; guarded by mu
	timer  *time.Timer // closes them; guarded by mu
	closed bool        // guarded by mu
}

// line is one connection. One request at a time uses it.
type line struct {
	net.Conn
	in    *bufio.Reader
	limit io.LimitedReader // bounds an answer
	used  bool             // it has carried an answer
}

// take returns a connection, or opens one until the deadline. fresh asks for one
// that was not used yet.
func (p *lines) take(ctx context.Context, deadline time.Time, fresh bool) (*line, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 && !fresh {
		l := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return l, nil
	}
	p.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	c, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := &line{Conn: c}
	l.limit.R = c
	l.in = bufio.NewReader(&l.limit)
	return l, nil
}

// give keeps a connection for the next request.
func (p *lines) give(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.most {
		_ = l.Close()
		return
	}
	p.idle = append(p.idle, l)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleMost, p.closeIdle)
	} else {
		p.timer.Reset(idleMost)
	}
}

func (p *lines) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.idle {
		_ = l.Close()
	}
	p.idle = nil
}

// close closes those that nothing is sent on, and from now on every one when it
// is given back.
func (p *lines) close() {
	p.closeIdle()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed = true; p.timer != nil {
		p.timer.Stop()
	}
}

// dialing returns what opens connections to an address; encryption, which is
// asked for each of them, is nil for none.
func dialing(d *net.Dialer, address string, encryption func() *tls.Config) func(context.Context) (net.Conn, error) {
	if encryption == nil {
		return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }
	}
	return func(ctx context.Context) (net.Conn, error) {
		secure := tls.Dialer{NetDialer: d, Config: encryption()}
		return secure.DialContext(ctx, "tcp", address)
	}
}

// post sends a request and returns the answer's head, which has to come until the
// deadline; of its body as much was read as anybody looks at. An endpoint may close a connection at any moment
// between two requests: then another one is opened, once.
func (p *lines) post(ctx context.Context, deadline time.Time, request []byte) (*http.Response, error) {
	for fresh := false; ; fresh = true {
		l, err := p.take(ctx, deadline, fresh)
		if err != nil {
			return nil, err
		}
		reused := l.used
		answer, heard, err := l.exchange(ctx, deadline, request)
		if err == nil {
			if answer.Close {
				_ = l.Close()
			} else {
				p.give(l)
			}
			return answer, nil
		}
		_ = l.Close()
		if !reused || heard || ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return answer, err
		}
	}
}

// exchange sends a request and reads the answer. heard says whether any of it
// came.
func (l *line) exchange(ctx context.Context, deadline time.Time, request []byte) (answer *http.Response, heard bool, err error) {
	if err := l.SetDeadline(deadline); err != nil {
		return nil, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && err == nil {
			answer.Close = true // its deadline may be about to be set
		}
	}()
	if _, err := l.Write(request); err != nil {
		return nil, false, err
	}
	l.limit.N = 2 * answerMost // head and body
	if _, err := l.in.Peek(1); err != nil {
		return nil, false, err
	}
	for range informationalMost {
		if answer, err = http.ReadResponse(l.in, nil); err != nil {
			return nil, true, err
		}
		if answer.StatusCode/100 != 1 {
			break
		}
	}
	l.used = true
	n, err := io.CopyN(io.Discard, answer.Body, answerMost)
	switch {
	case err == io.EOF: // all of it was read
		return answer, true, nil
	case err == nil && n == answerMost: // nobody wants the rest
		answer.Close = true
		return answer, true, nil
	}
	return answer, true, err
}
