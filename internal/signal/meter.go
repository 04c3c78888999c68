package signal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one connection may send, counted below the WebSocket: every byte, and
// every frame of whatever kind, so that pings, text, and pieces of a message
// that never ends cost as much as messages do. Clients send about two frames a
// second, and in bursts what their application makes them send.
const (
	frameRate, frameBurst = 300, 3000        // per second
	byteRate, byteBurst   = 1 << 20, 8 << 20 // per second

	// A client that may not join says PING, JOIN and LEAVE.
	refusedFrames, refusedBytes = 32, 64 << 10 // in all
)

// errOverBudget ends the reading of a connection that has sent more than it
// may.
var errOverBudget = errors.New("signal: over budget")

// meter is the connection below a WebSocket. It counts what is read and fails
// when that is too much. Only Close may be called from several goroutines.
type meter struct {
	net.Conn
	frames, bytes *rate.Limiter
	counter       frameCounter
	over          bool // nothing more is read

	closing sync.Once
	closed  chan struct{}
}

// newMeter returns a meter with the budget of a client that may join, or of one
// that may not.
func newMeter(mayJoin bool) *meter {
	m := &meter{closed: make(chan struct{})}
	if mayJoin {
		m.frames, m.bytes = rate.NewLimiter(frameRate, frameBurst), rate.NewLimiter(byteRate, byteBurst)
	} else {
		m.frames, m.bytes = rate.NewLimiter(0, refusedFrames), rate.NewLimiter(0, refusedBytes)
	}
	return m
}

// Read reads from the connection, within the budget. Beyond it, whoever waits
// for the client's half of the closing waits in vain: closing the connection
// at once, with so much unread, would take back what the client was told.
func (m *meter) Read(p []byte) (int, error) {
	if m.over {
		<-m.closed
		return 0, net.ErrClosed
	}
	n, err := m.Conn.Read(p)
	if m.over = !m.allow(p[:n]); m.over {
		return 0, errOverBudget
	}
	return n, err
}

// Close closes the connection.
func (m *meter) Close() error {
	m.closing.Do(func() { close(m.closed) })
	return m.Conn.Close()
}

// allow counts what was read.
func (m *meter) allow(b []byte) bool {
	now := time.Now()
	return m.bytes.AllowN(now, len(b)) && m.frames.AllowN(now, m.counter.count(b))
}

// metered has the connection that is taken over from it read through a meter.
type metered struct {
	http.ResponseWriter
	meter *meter
}

// Hijack implements http.Hijacker.
func (m metered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(m.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	m.meter.Conn = conn
	// What came with the request was read before there was a meter.
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	m.meter.over = !m.meter.allow(early)
	return m.meter, buffered, nil
}

// frameCounter counts the frames in a stream of bytes from a client by their
// headers (RFC 6455, section 5.2). The zero value is at the start of a stream.
type frameCounter struct {
	header [maxHeader]byte
	have   int    // bytes of the header that have come
	skip   uint64 // bytes of the payload that are still to come
}

// The header is two bytes, the length in two or eight more if it does not fit
// into seven bits, and the mask in four.
const (
	minHeader, maxHeader = 2, 2 + 8 + 4

	masked             = 0x80
	shortLength        = 0x7f
	length16, length64 = 126, 127 // in place of a short length
)

// count returns how many frames begin in the bytes.
func (c *frameCounter) count(b []byte) (frames int) {
	for len(b) > 0 {
		if c.skip > 0 {
			n := min(c.skip, uint64(len(b)))
			c.skip -= n
			b = b[n:]
			continue
		}
		if c.have == 0 {
			frames++
		}
		n := copy(c.header[c.have:c.size()], b)
		c.have += n
		b = b[n:]
		if c.have >= minHeader && c.have == c.size() {
			c.skip, c.have = c.payload(), 0
		}
	}
	return frames
}

// size returns how long the header is, as far as its first bytes tell.
func (c *frameCounter) size() int {
	if c.have < minHeader {
		return minHeader
	}
	size := minHeader
	switch c.header[1] & shortLength {
	case length16:
		size += 2
	case length64:
		size += 8
	}
	if c.header[1]&masked != 0 {
		size += 4
	}
	return size
}

// payload returns the length of what follows a complete header.
func (c *frameCounter) payload() uint64 {
	switch n := c.header[1] & shortLength; n {
	case length16:
		return uint64(binary.BigEndian.Uint16(c.header[minHeader:]))
	case length64:
		return binary.BigEndian.Uint64(c.header[minHeader:])
	default:
		return uint64(n)
	}
}
