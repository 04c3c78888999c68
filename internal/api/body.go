package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
)

// maxBody bounds request bodies, as sent and decompressed, in bytes. A legal
// batch with escaped tags can pass 2 MiB.
const maxBody = 5 << 20

// buffer is a reusable piece of memory for one body.
type buffer struct {
	bytes []byte
}

// keepBuffer is the largest buffer kept for reuse: one huge body must not pin
// its memory.
const keepBuffer = 256 << 10

// bufferPool keeps buffers between requests. The zero value is ready.
type bufferPool struct {
	pool sync.Pool
}

func (p *bufferPool) take() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{bytes: make([]byte, 0, 4<<10)}
}

func (p *bufferPool) put(b *buffer) {
	if cap(b.bytes) <= keepBuffer {
		p.pool.Put(b)
	}
}

// readFrom fills the buffer with everything r has, or returns errTooLarge.
func (b *buffer) readFrom(r io.Reader, expected int64) error {
	b.bytes = b.bytes[:0]
	if int64(cap(b.bytes)) <= expected { // one more, so that the end is seen without growing
		b.bytes = make([]byte, 0, expected+1)
	}
	for {
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case len(b.bytes) > maxBody:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if len(b.bytes) == cap(b.bytes) {
			b.bytes = append(b.bytes, 0)[:len(b.bytes)]
		}
	}
}

// release gives the call's memory back. Nothing may point into the body then:
// the reader of bodies copies what it returns.
func (c *call) release() {
	for _, b := range c.buffers {
		c.pool.put(b)
	}
	c.body, c.buffers = nil, nil
}

func (c *call) takeBuffer() *buffer {
	b := c.pool.take()
	c.buffers = append(c.buffers, b)
	return b
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// limitArrival gives the body this long to arrive, also when nobody but the
// server, cleaning up, reads it. arrived must be called once the body was read:
// the deadline would end the wait for a client that goes away.
func limitArrival(w http.ResponseWriter, r *http.Request, d time.Duration) (arrived func()) {
	if !hasBody(r) {
		return func() {}
	}
	// A writer without deadlines, as in tests without a connection, has no
	// slow client either: the error means nothing.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(d))
	return func() { _ = rc.SetReadDeadline(time.Time{}) }
}

// readBody reads the body exactly as it was sent.
func (c *call) readBody() ([]byte, error) {
	if !hasBody(c.r) {
		return nil, nil
	}
	b := c.takeBuffer()
	switch err := b.readFrom(c.r.Body, c.r.ContentLength); {
	case err == nil:
		c.body = b.bytes
		return b.bytes, nil
	case errors.Is(err, errTooLarge):
		return nil, errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errTooSlow
	default:
		return nil, errBrokenBody
	}
}

// decompress unpacks a body sent with Content-Encoding: gzip (API decision
// D-63). What is wrong with the encoding is not said before it is known what
// was called.
func (c *call) decompress() error {
	switch strings.ToLower(c.r.Header.Get("Content-Encoding")) {
	case "", "identity":
		return nil
	case "gzip":
	default:
		c.bodyFault = &restjson.Error{Message: "The request body has an encoding other than gzip."}
		return nil
	}
	b := c.takeBuffer()
	z, err := gzip.NewReader(bytes.NewReader(c.body))
	if err == nil {
		err = b.readFrom(z, int64(len(c.body)))
	}
	if errors.Is(err, errTooLarge) {
		return errTooLarge
	}
	if err != nil {
		c.bodyFault = &restjson.Error{Message: "The request body is not valid gzip."}
	}
	c.body = b.bytes
	return nil
}
