package signal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

const (
	// maxQueued and maxQueuedBytes bound what waits for a client that does not
	// read. Whoever exceeds them is cut off and, if still there, reconnects.
	maxQueued      = 2048
	maxQueuedBytes = 2 << 20
)

// conn is one WebSocket: a reader, which is whoever calls read, and a writer
// goroutine with a bounded queue in front. send and close never block, so they
// may be called with any lock held.
type conn struct {
	ws     *websocket.Conn
	below  io.Closer // the network connection
	timers *Timers
	prefix byte            // of what is sent
	ctx    context.Context // ends when the connection is to be cut
	cut    context.CancelFunc
	limit  int64         // bytes of one message; the reader's
	heard  atomic.Int64  // when something last arrived, Unix nanoseconds
	gone   chan struct{} // closed when the writer has ended

	mu    sync.Mutex
	queue [][]byte
	bytes int
	final *farewell     // set by close: written after the queue
	wake  chan struct{} // capacity 1
}

// farewell is how a connection is to be closed.
type farewell struct {
	code   websocket.StatusCode
	reason string
}

// newConn starts the writer on an accepted WebSocket.
func newConn(ws *websocket.Conn, below io.Closer, timers *Timers, prefix byte) *conn {
	ws.SetReadLimit(-1) // it would close the connection without a word: see read
	ctx, cut := context.WithCancel(context.Background())
	c := &conn{ws: ws, below: below, timers: timers, prefix: prefix, limit: maxBeforeJoin, ctx: ctx, cut: cut, gone: make(chan struct{}), wake: make(chan struct{}, 1)}
	c.touch()
	go c.write()
	return c
}

// touch notes that the client is alive.
func (c *conn) touch() { c.heard.Store(time.Now().UnixNano()) }

// errTooLarge ends the reading of a connection with a message above its limit.
var errTooLarge = errors.New("signal: message too large")

// errFraming ends the reading of a connection that has been closed because what
// came is not what RFC 6455 calls frames.
var errFraming = errors.New("signal: broken frames")

// read returns the next binary message. Text messages are skipped.
func (c *conn) read() ([]byte, error) {
	for {
		kind, r, err := c.ws.Reader(c.ctx)
		if err != nil {
			return nil, c.broke(err)
		}
		msg, err := io.ReadAll(io.LimitReader(r, c.limit+1))
		switch {
		case err != nil:
			return nil, c.broke(err)
		case int64(len(msg)) > c.limit:
			return nil, errTooLarge
		}
		c.touch()
		if kind == websocket.MessageBinary {
			return msg, nil
		}
		if !utf8.Valid(msg) {
			c.close(websocket.StatusInvalidFramePayloadData, "")
			return nil, errFraming
		}
	}
}

// broke closes the connection with the code for it if an error of reading is of
// the client's frames, and not of the way to the client. For most of them the
// library has sent the code by then; it has no word for a frame that is not
// masked.
func (c *conn) broke(err error) error {
	var network net.Error
	switch {
	case websocket.CloseStatus(err) != -1, c.ctx.Err() != nil, errors.Is(err, errOverBudget), errors.As(err, &network),
		errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	c.close(websocket.StatusProtocolError, "")
	return fmt.Errorf("%w: %w", errFraming, err)
}

// send queues a message. A client that lets too much pile up is cut off.
func (c *conn) send(msg []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.final != nil {
		return
	}
	if len(c.queue) >= maxQueued || c.bytes+len(msg) > maxQueuedBytes {
		c.cut()
		return
	}
	c.queue = append(c.queue, msg)
	c.bytes += len(msg)
	c.wakeWriterLocked()
}

// close closes the connection with a code once everything queued has been
// written. Only the first call counts.
func (c *conn) close(code websocket.StatusCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.final == nil {
		c.final = &farewell{code, reason}
		c.wakeWriterLocked()
	}
}

// wakeWriterLocked wakes the writer.
func (c *conn) wakeWriterLocked() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// wait returns when the writer has ended and the connection is closed.
func (c *conn) wait() { <-c.gone }

// take returns everything that waits to be written.
func (c *conn) take() (batch [][]byte, final *farewell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch, c.queue, c.bytes = c.queue, nil, 0
	return batch, c.final
}

// write is the writer goroutine.
func (c *conn) write() {
	defer close(c.gone)
	defer c.ws.CloseNow()
	defer c.cut()
	stall := time.AfterFunc(c.timers.Write, c.cut)
	stall.Stop()
	alive := time.NewTimer(c.timers.KeepAlive)
	defer alive.Stop()
	var pings sync.WaitGroup
	defer pings.Wait()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-alive.C:
			alive.Reset(c.keepAlive(&pings))
			continue
		case <-c.wake:
		}
		batch, final := c.take()
		for _, msg := range batch {
			stall.Reset(c.timers.Write)
			err := c.ws.Write(c.ctx, websocket.MessageBinary, c.prefixed(msg))
			stall.Stop()
			if err != nil {
				return
			}
		}
		if final != nil {
			c.sayGoodbye(final)
			return
		}
	}
}

// prefixed returns the message with the prefix of this client. Messages are
// shared between connections, so another prefix needs a copy.
func (c *conn) prefixed(msg []byte) []byte {
	if msg[0] == c.prefix {
		return msg
	}
	msg = slices.Clone(msg)
	msg[0] = c.prefix
	return msg
}

// sayGoodbye closes the WebSocket. The library gives the client's answer a time,
// but not what a client sends before it.
func (c *conn) sayGoodbye(f *farewell) {
	limit := time.AfterFunc(c.timers.Close, func() { c.below.Close() })
	defer limit.Stop()
	c.ws.Close(f.code, f.reason)
}

// keepAlive pings a client that has been silent, and returns when to look
// again. Joined clients send a frame of their own every few seconds, so this
// concerns sockets opened early and clients that have vanished.
func (c *conn) keepAlive(pings *sync.WaitGroup) time.Duration {
	silent := time.Since(time.Unix(0, c.heard.Load()))
	if rest := c.timers.KeepAlive - silent; rest > 0 {
		return rest
	}
	pings.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, c.timers.Pong)
		defer cancel()
		if err := c.ws.Ping(ctx); err != nil {
			c.cut()
			return
		}
		c.touch()
	})
	return c.timers.KeepAlive
}
