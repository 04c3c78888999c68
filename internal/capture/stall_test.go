package capture

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// brief is for how long connections may stand still in tests.
const brief = 400 * time.Millisecond

func someS3(endpoint string) *S3 {
	return newS3(S3Config{Endpoint: endpoint, Region: "us-east-1", AccessKey: "a", SecretKey: "s", PathStyle: true}, brief)
}

// large does not fit into what a network keeps of it under way, and is put in one
// request.
const large = 7 << 20

// An S3 server that hangs takes connections, and does not even read.
func TestAStoreThatHangsIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan []net.Conn)
	go func() {
		var taken []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				done <- taken
				return
			}
			taken = append(taken, c)
		}
	}()
	s := someS3("http://" + l.Addr().String())
	for what, ask := range map[string]func(ctx context.Context) error{
		"a large object": func(ctx context.Context) error {
			return s.Put(ctx, Object{Bucket: "b", Key: "k"}, bytes.NewReader(make([]byte, large)), large)
		},
		"a small object": func(ctx context.Context) error {
			return s.Put(ctx, Object{Bucket: "b", Key: "k"}, bytes.NewReader([]byte("x")), 1)
		},
		"a list": func(ctx context.Context) error { _, err := s.List(ctx, "b", "p"); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := ask(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v", what, err)
		}
		cancel()
	}
	must(t, l.Close())
	for _, c := range <-done {
		_ = c.Close()
	}
}

// hall is a server that answers as slowly as can be without standing still, and
// hangs in the middle of an answer when it is told to.
type hall struct {
	hangs bool
	over  chan struct{}
}

const answerParts = 8

func (h *hall) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(answerParts))
	for range answerParts {
		_, _ = w.Write([]byte("x"))
		_ = http.NewResponseController(w).Flush()
		if h.hangs {
			<-h.over
			return
		}
		time.Sleep(brief / 4)
	}
}

func TestASlowAnswerIsWaitedFor(t *testing.T) {
	server := httptest.NewServer(&hall{})
	defer server.Close()
	content, err := someS3(server.URL).Open(t.Context(), "b", "k")
	must(t, err)
	got, err := io.ReadAll(content)
	if must(t, content.Close()); err != nil || len(got) != answerParts {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestASlowReaderIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := &steadyConn{near, stalledAfter}
		read := make(chan int64)
		go func() {
			n := int64(0)
			for buffer := make([]byte, 10); ; time.Sleep(stalledAfter * 3 / 4) {
				m, err := far.Read(buffer)
				if n += int64(m); err != nil {
					read <- n
					return
				}
			}
		}()
		for range 10 {
			_, err := c.Write(make([]byte, 10))
			must(t, err)
		}
		must(t, c.Close())
		if n := <-read; n != 100 {
			t.Errorf("%d bytes", n)
		}
	})
}

func TestAnAnswerThatHangsIsGivenUp(t *testing.T) {
	h := &hall{hangs: true, over: make(chan struct{})}
	server := httptest.NewServer(h)
	defer server.Close()
	defer close(h.over)
	content, err := someS3(server.URL).Open(t.Context(), "b", "k")
	must(t, err)
	if _, err := io.ReadAll(content); err == nil {
		t.Error("it has ended well")
	}
	must(t, content.Close())
}
