package meeting

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	videoKbps   = 1500
	videoRate   = 30 // pictures a second
	frameBytes  = videoKbps * 1000 / 8 / videoRate
	packetBytes = 1100
	keyEvery    = 10 * videoRate // pictures from key frame to key frame unless asked
	// transportWide is the id of the transport-wide sequence number in the
	// offers of package client.
	transportWide = 3
)

// camera is the film of one attendee.
type camera struct {
	keyWanted atomic.Bool
	seq       uint16
	wide      uint16
	picture   uint16
	shot      int
}

// rtcp reads a compound packet for wishes for key frames: picture loss
// indications (RFC 4585 §6.3.1) and full intra requests (RFC 5104 §4.3.1).
func (c *camera) rtcp(pkt []byte, _ time.Time) {
	for len(pkt) >= 4 {
		kind, format := pkt[1], pkt[0]&0x1F
		if kind == 206 && (format == 1 || format == 4) {
			c.keyWanted.Store(true)
		}
		size := 4 * (1 + int(binary.BigEndian.Uint16(pkt[2:])))
		if size > len(pkt) {
			return
		}
		pkt = pkt[size:]
	}
}

// shoot sends one picture and returns the number of packets.
func (c *camera) shoot(to *client.Client) int {
	key := c.keyWanted.Swap(false) || c.shot%keyEvery == 0
	sent := 0
	for left := frameBytes; left > 0; left -= packetBytes {
		var b [1400]byte
		h := rtpx.Header{
			PayloadType: client.VP8Type, Seq: c.seq, TS: uint32(c.shot) * 90000 / videoRate, SSRC: to.VideoSSRC(), Marker: left <= packetBytes,
		}
		n := rtpx.PutHeader(b[:], h)
		b[0] |= 0x10
		n += copy(b[n:], []byte{0xBE, 0xDE, 0, 1, transportWide<<4 | 1, byte(c.wide >> 8), byte(c.wide), 0})
		putVP8(b[n:], c.picture, left == frameBytes, key)
		to.SendRTP(b[:n+min(left, packetBytes)])
		c.seq++
		c.wide++
		sent++
	}
	c.shot++
	c.picture = (c.picture + 1) & 0x7FFF
	return sent
}

// putVP8 writes what stands before the picture's data: a payload descriptor
// with a picture number (RFC 7741 §4.2) and, in the first packet, the beginning
// of a frame, for key frames with the size 1280×720 (RFC 6386 §9.1).
func putVP8(b []byte, picture uint16, first, key bool) {
	b[0], b[1] = 0x80, 0x80
	binary.BigEndian.PutUint16(b[2:], 0x8000|picture)
	if !first {
		return
	}
	b[0] |= 0x10
	if key {
		copy(b[4:], []byte{0x00, 0, 0, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02})
	} else {
		b[4] = 0x01
	}
}
