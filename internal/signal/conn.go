package signal

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

// read returns the next binary message. Text messages are skipped.
func (c *conn) read() ([]byte, error) {
	for {
		kind, r, err := c.ws.Reader(c.ctx)
		if err != nil {
			return nil, err
		}
		msg, err := io.ReadAll(io.LimitReader(r, c.limit+1))
		switch {
		case err != nil:
			return nil, err
		case int64(len(msg)) > c.limit:
			return nil, errTooLarge
		}
		c.touch()
		if kind == websocket.MessageBinary {
			return msg, nil
		}
	}
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
