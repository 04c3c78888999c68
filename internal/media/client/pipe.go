package client

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/pion/transport/v5/deadline"
)

// pipe carries the DTLS records of a client.
type pipe struct {
	client *Client
	in     chan []byte
	done   chan struct{}
	once   sync.Once
	expiry *deadline.Deadline
}

func newPipe(c *Client) *pipe {
	return &pipe{client: c, in: make(chan []byte, 32), done: make(chan struct{}), expiry: deadline.New()}
}

func (p *pipe) put(pkt []byte) {
	select {
	case p.in <- append([]byte(nil), pkt...):
	default:
	}
}

// ReadFrom implements net.PacketConn.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.done:
		return 0, nil, net.ErrClosed
	case <-p.expiry.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case pkt := <-p.in:
		return copy(b, pkt), p.client.server, nil
	}
}

// WriteTo implements net.PacketConn.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.done:
		return 0, net.ErrClosed
	default:
		p.client.WriteRaw(b)
		return len(b), nil
	}
}

// Close implements net.PacketConn.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// LocalAddr implements net.PacketConn.
func (p *pipe) LocalAddr() net.Addr { return p.client.socket.Load().LocalAddr() }

// SetDeadline implements net.PacketConn.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.expiry.Set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
