package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

const (
	// MaxSDP is the longest session description accepted, in bytes.
	MaxSDP = 512 << 10
	// maxDictionary is how much of the previous description primes the next
	// one: its first 31 KiB. Clients count characters; see dictionary.
	maxDictionary = 31 << 10
	// sdpLevel trades size for time. Repeat answers are nearly all dictionary
	// and compress to a hundred bytes at any level.
	sdpLevel = 3
)

// The ways a compressed description is refused.
var (
	ErrInflate     = errors.New("wire: malformed compressed description")
	ErrSDPTooLarge = errors.New("wire: session description too large")
)

// Pool keeps the working memory of DEFLATE (several hundred kB per
// compressor) for reuse between the connections of one server. It is safe for
// concurrent use. The zero value is ready.
type Pool struct {
	writers sync.Pool // of *flate.Writer
	readers sync.Pool // of io.ReadCloser that is a flate.Resetter
}

// Deflater compresses the answers sent on one connection. Each answer is
// primed with the one before it, which the client has kept. It is used by one
// goroutine at a time.
type Deflater struct {
	pool *Pool
	prev []byte // dictionary for the next answer; nil before the first
}

// NewDeflater returns a Deflater without history. Clients forget theirs at
// every JOIN, and a connection has one JOIN.
func (p *Pool) NewDeflater() *Deflater { return &Deflater{pool: p} }

// Deflate returns sdp as raw DEFLATE and remembers it as dictionary.
func (d *Deflater) Deflate(sdp string) ([]byte, error) {
	if len(sdp) > MaxSDP {
		return nil, fmt.Errorf("%w: %d bytes", ErrSDPTooLarge, len(sdp))
	}
	w, err := d.pool.writer()
	if err != nil {
		return nil, err
	}
	defer d.pool.writers.Put(w)
	var out bytes.Buffer
	w.ResetDict(&out, d.prev)
	if _, err := io.WriteString(w, sdp); err != nil {
		return nil, fmt.Errorf("wire: deflate: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("wire: deflate: %w", err)
	}
	d.prev = dictionary(sdp)
	return out.Bytes(), nil
}

// Inflater decompresses the offers received on one connection. It is used by
// one goroutine at a time.
type Inflater struct {
	pool *Pool
	prev []byte // the previous offer, as dictionary
}

// NewInflater returns an Inflater without history.
func (p *Pool) NewInflater() *Inflater { return &Inflater{pool: p} }

// Inflate returns the description in b, at most MaxSDP bytes of it. Current
// clients compress every offer by itself; older ones may prime it with their
// previous offer, so that is tried when the first reading fails. The error is
// ErrInflate or ErrSDPTooLarge, wrapped.
func (in *Inflater) Inflate(b []byte) (string, error) {
	sdp, err := in.pool.inflate(b, nil)
	if err != nil && in.prev != nil && errors.Is(err, ErrInflate) {
		sdp, err = in.pool.inflate(b, in.prev)
	}
	if err != nil {
		return "", err
	}
	in.prev = dictionary(sdp)
	return sdp, nil
}

// dictionary returns the part of a description that primes the next one.
// Clients cut by UTF-16 units. The two agree on ASCII, which is all that
// descriptions hold in practice; for anything else nil is returned, because a
// stream made without a dictionary inflates correctly with any.
func dictionary(sdp string) []byte {
	head := sdp[:min(len(sdp), maxDictionary)]
	for i := range len(head) {
		if head[i] >= utf8.RuneSelf {
			return nil
		}
	}
	return []byte(head)
}

// writer takes a compressor from the pool or makes one.
func (p *Pool) writer() (*flate.Writer, error) {
	if w, ok := p.writers.Get().(*flate.Writer); ok {
		return w, nil
	}
	w, err := flate.NewWriter(nil, sdpLevel)
	if err != nil {
		return nil, fmt.Errorf("wire: deflate: %w", err)
	}
	return w, nil
}

// inflate reads the whole of b, primed with dict.
func (p *Pool) inflate(b, dict []byte) (string, error) {
	r, ok := p.readers.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReader(nil)
	}
	defer p.readers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(b), dict); err != nil {
		return "", fmt.Errorf("%w: %w", ErrInflate, err)
	}
	var out bytes.Buffer
	// One byte beyond the limit tells a description that is too large from
	// one that just fits.
	n, err := io.Copy(&out, io.LimitReader(r, MaxSDP+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrInflate, err)
	case n > MaxSDP:
		return "", fmt.Errorf("%w: over %d bytes inflated", ErrSDPTooLarge, MaxSDP)
	case !utf8.Valid(out.Bytes()):
		return "", fmt.Errorf("%w: not UTF-8", ErrInflate)
	}
	return out.String(), nil
}
