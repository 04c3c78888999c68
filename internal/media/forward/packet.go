package forward

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// videoClock is the rate of video's RTP timestamps, in Hz.
const videoClock = 90_000

// packet is one media packet on its way through a layer.
type packet struct {
	seq     uint16
	ts      uint32
	marker  bool
	at      time.Time // arrival
	codec   rtpx.Codec
	payload []byte // valid during the call; empty for padding only
	info    rtpx.Info
	// captured is when, see TapPacket; set only for a layer that is tapped.
	captured time.Time
}

// Output sends RTP packets to one subscriber. It takes the buffer over and
// reports whether it could be sent.
type Output interface {
	SendRTP(b *netio.Buffer) bool
}

// Control sends RTCP packets to one client; pkt is only read.
type Control interface {
	SendRTCP(pkt []byte) bool
}

// stampSize is the header extension that carries the transport-wide number: a
// block header of four bytes and one element padded to four (RFC 8285).
const stampSize = 8

// putStamp writes the extension block with an empty number and returns where in
// the block the number goes.
func putStamp(dst []byte, id uint8) int {
	if id < 15 {
		copy(dst, []byte{0xBE, 0xDE, 0, 1, id<<4 | 1, 0, 0, 0})
		return 5
	}
	copy(dst, []byte{0x10, 0x00, 0, 1, id, 2, 0, 0})
	return 6
}
