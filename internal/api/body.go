package api

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/unverified"
)

// MaxBody is the longest body of any operation, as sent and decompressed, in
// bytes: a legacy batch of a hundred attendees with ten tags each passes 4.5 MiB.
const MaxBody = 5 << 20

// The sizes of other request bodies. Each holds the longest legal body of its
// operations with every character escaped.
const (
	meetingBody  = 1 << 20   // of those that make a meeting
	tagsBody     = 256 << 10 // of those that take a list of tags or keys
	pipelineBody = 256 << 10 // of those that make a media pipeline
	smallBody    = 64 << 10  // of the rest
)

// maxUnverified bounds the bytes of all bodies that are being received and
// whose sender is not known yet, so that strangers cannot fill the memory.
const maxUnverified = 64 << 20

// keepBuffer is the largest buffer kept for reuse: one huge body must not pin
// its memory.
const keepBuffer = 256 << 10

// bufferPool keeps buffers between requests. The zero value is ready.
type bufferPool struct {
	pool sync.Pool
}

func (p *bufferPool) take() *bytes.Buffer {
	if b, ok := p.pool.Get().(*bytes.Buffer); ok {
		b.Reset()
		return b
	}
	return new(bytes.Buffer)
}

func (p *bufferPool) put(b *bytes.Buffer) {
	if b.Cap() <= keepBuffer {
		p.pool.Put(b)
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

func (c *call) takeBuffer() *bytes.Buffer {
	b := c.pool.take()
	c.buffers = append(c.buffers, b)
	return b
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// maxBody is the longest body that the operation takes; not before its flavour
// is known, since that takes the body.
func (c *call) maxBody() int {
	limit := 0
	for _, r := range [...]*route{c.current, c.legacyRoute, c.pipelines} {
		if r != nil {
			limit = max(limit, r.op.maxBody)
		}
	}
	return cmp.Or(limit, smallBody)
}

// readBody reads the body exactly as it was sent, within the share.
func (c *call) readBody(share *unverified.Share) ([]byte, error) {
	if !hasBody(c.r) {
		return nil, nil
	}
	b, limit := c.takeBuffer(), c.maxBody()
	err := share.Read(b, c.r.Body, limit)
	switch {
	case err == nil:
		c.body = b.Bytes()
		return c.body, nil
	case errors.Is(err, unverified.ErrTooLong):
		return nil, tooLarge(limit)
	case errors.Is(err, unverified.ErrFull):
		return nil, errBusy
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errTooSlow
	}
	return nil, errBrokenBody
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
	b, limit := c.takeBuffer(), c.maxBody()
	z, err := gzip.NewReader(bytes.NewReader(c.body))
	if err == nil {
		_, err = b.ReadFrom(io.LimitReader(z, int64(limit)+1))
	}
	if b.Len() > limit {
		return tooLarge(limit)
	}
	if err != nil {
		c.bodyFault = &restjson.Error{Message: "The request body is not valid gzip."}
	}
	c.body = b.Bytes()
	return nil
}
