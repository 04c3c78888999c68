package capture

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// rtpClock tells when pictures were sent, by the clock of this machine: from
// their RTP times, and from those of their packets' arrivals that were delayed
// least. So the network's jitter is not in the recording, and the drift between
// the sender's clock and ours does not add up.
type rtpClock struct {
	unwrap rtpx.Unwrapper[uint32]
	epoch  time.Time     // zero before the first picture
	media  time.Duration // of the last picture, in the sender's time
	offset time.Duration // from the sender's time to ours since epoch
	last   time.Time     // told last
}

const (
	// drift is by how much the clocks may diverge: 500 ppm.
	drift = 2000
	// apart is how far the times may be from the arrivals before they count as
	// begun anew.
	apart = 2 * time.Second
	// rtpTick is the least time between two pictures.
	rtpTick = time.Second / 90000
)

// at returns when the picture with the RTP time was sent. It never goes back.
func (c *rtpClock) at(ts uint32, arrival time.Time) time.Time {
	if c.epoch.IsZero() {
		c.epoch = arrival
	}
	media := time.Duration(c.unwrap.Unwrap(ts)) * time.Second / 90000
	delay := arrival.Sub(c.epoch) - media
	switch passed := media - c.media; {
	case c.last.IsZero() || delay-c.offset > apart || c.offset-delay > apart:
		c.offset = delay
	case delay < c.offset:
		c.offset = delay
	case passed > 0:
		c.offset += min(delay-c.offset, passed/drift)
	}
	c.media = media
	at := c.epoch.Add(media + c.offset)
	if earliest := c.last.Add(rtpTick); at.Before(earliest) && !c.last.IsZero() {
		at = earliest
	}
	c.last = at
	return at
}
