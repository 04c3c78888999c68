package gate

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// WriteStall is how long a connection may take none of what is written to it.
const WriteStall = 30 * time.Second

// writePiece is how much is written under one deadline, in bytes: with
// WriteStall it makes the least pace of a reader, about 1 KB/s.
const writePiece = 32 << 10

// deadlineStep is how far a write deadline may lie behind before it is moved:
// moving it costs more than a small write.
const deadlineStep = WriteStall / 3

// conn is one connection. A write ends it when the other side stops reading,
// unless a handler has set a deadline of its own.
type conn struct {
	net.Conn
	owner   *Connections
	network netip.Prefix // what it counts as

	idleSince atomic.Int64 // in Unix ns; 0 while a request is being answered
	until     atomic.Int64 // the write deadline in force, in Unix ns
	own       atomic.Bool  // it is a handler's
}

// rest notes that the connection is idle from now on. A deadline that a handler
// set was for its answer.
func (c *conn) rest() {
	c.idleSince.Store(time.Now().UnixNano())
	if c.own.Load() {
		c.takeBack()
	}
}

// takeBack brings the moving deadline back.
func (c *conn) takeBack() {
	c.own.Store(false)
	c.until.Store(0)
}

// Write writes all of p, as long as the other side keeps reading.
func (c *conn) Write(p []byte) (n int, err error) {
	for {
		c.extend()
		written, err := c.Conn.Write(p[n:min(n+writePiece, len(p))])
		n += written
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// extend moves the write deadline on, if nobody else has set one.
func (c *conn) extend() {
	if c.own.Load() {
		return
	}
	until := time.Now().Add(WriteStall)
	if until.UnixNano()-c.until.Load() > int64(deadlineStep) {
		c.until.Store(until.UnixNano())
		_ = c.Conn.SetWriteDeadline(until) // a closed connection fails to write anyway
	}
}

// SetWriteDeadline sets the deadline of writes in place of the moving one; the
// zero time, which net/http sets after each request, brings that back.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() {
		c.own.Store(true)
		return c.Conn.SetWriteDeadline(t)
	}
	if c.own.Load() {
		c.takeBack()
	}
	return nil
}

// SetDeadline sets the deadline of reads and writes.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetReadDeadline(t)
}

// Close closes the connection and makes room for another.
func (c *conn) Close() error {
	c.owner.forget(c)
	return c.Conn.Close()
}

// CloseWrite says that nothing more will be written, as net/http does before it
// closes a connection whose request was not read to its end.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
