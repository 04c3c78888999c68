package route

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/internal/unverified"
)

// maxKept bounds all bodies that arrive or are kept at a time, in bytes: nobody
// has looked yet at who sends them.
const maxKept = 256 << 20

// errTooLong: every door refuses the body, which may as well be the one here.
var errTooLong = errors.New("route: the body is longer than any operation takes")

// body is what a request carries. It is read at most once, kept, and put back.
type body struct {
	req    *http.Request
	router *Router
	share  *unverified.Share // what it holds of the memory, unpacked too

	done bool
	data []byte
	err  error
	full bool // there was no room for it
}

// read returns the body; nil when there is none. One that says that it is too
// long is left alone: its sender may wait to hear that it is wanted.
func (b *body) read() ([]byte, error) {
	if b.done || b.req.Body == nil || b.req.Body == http.NoBody {
		return b.data, b.err
	}
	b.done = true
	if b.req.ContentLength > b.router.cfg.MaxBody {
		b.err = errTooLong
		return nil, b.err
	}
	rest, kept := b.req.Body, new(bytes.Buffer)
	b.err = b.share.Read(kept, rest, int(b.router.cfg.MaxBody))
	b.data = kept.Bytes()
	again := io.Reader(io.MultiReader(bytes.NewReader(b.data), rest))
	switch {
	case errors.Is(b.err, unverified.ErrTooLong):
		b.err = errTooLong
	case errors.Is(b.err, unverified.ErrFull):
		b.full = true
	case b.err != nil:
		again = io.MultiReader(bytes.NewReader(b.data), broken{b.err})
	}
	b.req.Body = &replayed{Reader: again, Closer: rest}
	return b.data, b.err
}

// release forgets the body.
func (b *body) release() { b.share.Release() }

// members returns the members of the JSON object that the body is, as their
// names are written; none when it is something else: the door finds out what
// is wrong with it.
func (b *body) members() members {
	data, err := b.read()
	if err != nil {
		return nil
	}
	if strings.EqualFold(b.req.Header.Get("Content-Encoding"), "gzip") {
		plain, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		unpacked := new(bytes.Buffer)
		if err := b.share.Read(unpacked, plain, int(b.router.cfg.MaxBody)); err != nil {
			b.full = errors.Is(err, unverified.ErrFull)
			return nil
		}
		data = unpacked.Bytes()
	}
	var m members
	_ = json.Unmarshal(data, &m)
	return m
}

type members map[string]json.RawMessage

// text returns a member that is a string, or "".
func (m members) text(name string) (s string) {
	_ = json.Unmarshal(m[name], &s)
	return s
}

// object returns a member that is an object; none when it is something else.
func (m members) object(name string) (o members) {
	_ = json.Unmarshal(m[name], &o)
	return o
}

// first returns the first item of a list of objects; none when there is none.
func (m members) first(name string) members {
	var list []members
	if json.Unmarshal(m[name], &list) != nil || len(list) == 0 {
		return nil
	}
	return list[0]
}

// replayed is a body of which a part was read before.
type replayed struct {
	io.Reader
	io.Closer
}

// broken is the rest of a body that could not be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
