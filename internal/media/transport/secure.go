package transport

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// replayWindow is how far back, in packets of one stream, a packet may
	// arrive and still be taken.
	replayWindow = 1024
	// maxStreams is how many SSRCs one client may send: each is remembered.
	maxStreams = 64
	// tagRoom is the most that encryption adds to a packet, in bytes.
	tagRoom = 24
)

// ConnCounters of a Conn count its start. Bytes are those of RTP and RTCP
// packets as they are on the wire.
type ConnCounters struct {
	PacketsIn, BytesIn, Discarded uint64
	PacketsOut, BytesOut          uint64
}

// inbound is the receiving half.
type inbound struct {
	mu      sync.Mutex
	ctx     *srtp.Context // nil before the handshake; guarded by mu
	header  rtp.Header    // scratch
	parsed  rtpx.Header   // the packet being handled: here, so that it costs no allocation
	closed  bool
	streams map[uint32]struct{} // SSRCs seen, for maxStreams

	packets, bytes, discarded uint64
}

// outbound is the sending half.
type outbound struct {
	mu     sync.Mutex
	ctx    *srtp.Context // nil before the handshake and after the end
	header rtp.Header    // scratch

	packets, bytes uint64
}

func (o *outbound) open(ctx *srtp.Context) {
	o.mu.Lock()
	o.ctx = ctx
	o.mu.Unlock()
}

func (o *outbound) close() {
	o.mu.Lock()
	o.ctx = nil
	o.mu.Unlock()
}

// admit says whether a packet of this stream may be looked at.
func (in *inbound) admit(ssrc uint32) bool {
	if _, ok := in.streams[ssrc]; ok {
		return true
	}
	return len(in.streams) < maxStreams
}

// remember enters a stream after its first authentic packet.
func (in *inbound) remember(ssrc uint32) {
	if in.streams == nil {
		in.streams = make(map[uint32]struct{}, 4)
	}
	in.streams[ssrc] = struct{}{}
}

// receiveRTP decrypts a packet in place and hands it on.
func (p *path) receiveRTP(pkt []byte, at time.Time) {
	in := &p.conn.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.ctx == nil {
		return
	}
	if !in.admit(binary.BigEndian.Uint32(pkt[8:])) {
		in.discarded++
		return
	}
	plain, err := in.ctx.DecryptRTP(pkt[:0], pkt, &in.header)
	if err != nil {
		in.discarded++
		return
	}
	if in.parsed, err = rtpx.ParseHeader(plain); err != nil {
		in.discarded++
		return
	}
	in.remember(in.parsed.SSRC)
	in.packets++
	in.bytes += uint64(len(pkt))
	p.authentic(at)
	p.conn.handler.RTP(&in.parsed, plain, at)
}

// receiveRTCP decrypts a packet and hands it on.
func (p *path) receiveRTCP(pkt []byte, at time.Time) {
	in := &p.conn.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.ctx == nil {
		return
	}
	plain, err := in.ctx.DecryptRTCP(nil, pkt, nil)
	if err != nil {
		in.discarded++
		return
	}
	in.packets++
	in.bytes += uint64(len(pkt))
	p.authentic(at)
	p.conn.handler.RTCP(plain, at)
}

// SendRTP encrypts the RTP packet in b and queues it; b is taken over. It goes
// out with the next Flush of the connection, the listener, or the batch of
// received packets being handled. It reports false when the connection cannot
// send.
func (c *Conn) SendRTP(b *netio.Buffer) bool {
	o := &c.out
	p := c.selected.Load()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx == nil || p == nil || b.N > netio.BufferSize-tagRoom {
		b.Release()
		return false
	}
	out, err := o.ctx.EncryptRTP(b.B[:0], b.Bytes(), &o.header)
	if err != nil {
		b.Release()
		return false
	}
	b.N = len(out)
	o.packets++
	o.bytes += uint64(b.N)
	p.way.Send(b)
	return true
}

// SendRTCP encrypts and queues an RTCP packet; pkt is only read. See SendRTP.
func (c *Conn) SendRTCP(pkt []byte) bool {
	o := &c.out
	p := c.selected.Load()
	if p == nil || len(pkt) > netio.BufferSize-tagRoom {
		return false
	}
	b := netio.Get()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx == nil {
		b.Release()
		return false
	}
	out, err := o.ctx.EncryptRTCP(b.B[:0], pkt, nil)
	if err != nil {
		b.Release()
		return false
	}
	b.N = len(out)
	o.packets++
	o.bytes += uint64(b.N)
	p.way.Send(b)
	return true
}

// Counters is a snapshot.
func (c *Conn) Counters() ConnCounters {
	var n ConnCounters
	c.in.mu.Lock()
	n.PacketsIn, n.BytesIn, n.Discarded = c.in.packets, c.in.bytes, c.in.discarded
	c.in.mu.Unlock()
	c.out.mu.Lock()
	n.PacketsOut, n.BytesOut = c.out.packets, c.out.bytes
	c.out.mu.Unlock()
	return n
}
