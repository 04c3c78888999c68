package forward

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// padding is the size of a probing packet's padding, in bytes: the most that
	// one byte can count (RFC 3550 §5.1).
	padding = 255
	// paddingPacket is the size of the whole packet.
	paddingPacket = rtpx.HeaderSize + stampSize + padding
)

// padable says whether padding can be sent: on the stream for retransmissions,
// where it disturbs nothing.
func (t *Track) padable() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cfg.RTX != 0 && t.stamp != 0 && t.rtxFormatLocked() != 0
}

// rtxFormatLocked is any payload type for retransmissions, 0 if there is none.
func (t *Track) rtxFormatLocked() uint8 {
	for _, f := range t.formats {
		if f.RTX != 0 {
			return f.RTX
		}
	}
	return 0
}

// pad sends one packet of padding.
func (t *Track) pad(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := netio.Get()
	n, stamp := t.putHeaderLocked(b, rtpx.Header{
		PayloadType: t.rtxFormatLocked(), Seq: t.rtxSeq, TS: t.lastTS, SSRC: t.cfg.RTX,
	})
	t.rtxSeq++
	b.B[0] |= 0x20
	clear(b.B[n : n+padding])
	b.B[n+padding-1] = padding
	b.N = n + padding
	t.down.send(b, stamp, now)
}
