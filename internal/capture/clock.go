package capture

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// rtpClock tells when pictures are shown, by the clock of this machine. With a
// sender whose reports tell when it captured them, that is when what it said then
// is heard in the mix. With another one it goes by their RTP times, and those of
// their packets' arrivals that were delayed least. So the network's jitter is not
// in the recording, and the drift between the sender's clock and ours does not add
// up.
type rtpClock struct {
	unwrap rtpx.Unwrapper[uint32]
	epoch  time.Time     // zero before the first picture
	media  time.Duration // of the last picture, in the sender's time
	offset time.Duration // from the sender's time to ours since epoch
	told   bool          // the sender's reports have told
	last   time.Time     // told last
}

const (
	// drift is by how much the clocks may diverge: 500 ppm.
	drift = 2000
	// apart is how far the times may be from what they follow before they count as
	// begun anew.
	apart = 2 * time.Second
	// turn is how fast the times follow what the sender's reports say: pictures are
	// shown an eighth too fast or too slow for as long as it takes.
	turn = 8
	// rtpTick is the least time between two pictures.
	rtpTick = time.Second / 90000
)

// at returns when the picture with the RTP time is shown. heard is when what was
// said as it was captured is heard, zero if that is not known. at never goes back.
func (c *rtpClock) at(ts uint32, arrival, heard time.Time) time.Time {
	if c.epoch.IsZero() {
		c.epoch = arrival
	}
	media := time.Duration(c.unwrap.Unwrap(ts)) * time.Second / 90000
	if heard.IsZero() {
		c.follow(media, arrival)
	} else {
		c.obey(media, heard)
	}
	c.media = media
	at := c.epoch.Add(media + c.offset)
	if earliest := c.last.Add(rtpTick); at.Before(earliest) && !c.last.IsZero() {
		at = earliest
	}
	c.last = at
	return at
}

// obey moves the offset to where it should be.
func (c *rtpClock) obey(media time.Duration, heard time.Time) {
	off := heard.Sub(c.epoch) - media - c.offset
	if most := max(media-c.media, 0) / turn; !c.last.IsZero() && off.Abs() < apart {
		off = min(max(off, -most), most)
	}
	c.offset += off
	c.told = true
}

// follow moves the offset by an arrival.
func (c *rtpClock) follow(media time.Duration, arrival time.Time) {
	off := arrival.Sub(c.epoch) - media - c.offset
	switch passed := media - c.media; {
	case c.last.IsZero() || off.Abs() > apart:
		c.offset += off
	case c.told:
	case off < 0:
		c.offset += off
	case passed > 0:
		c.offset += min(off, passed/drift)
	}
}
