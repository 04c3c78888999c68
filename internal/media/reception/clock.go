package reception

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// clockReports is how many reports a Clock goes by: some ten seconds of those
	// on a sound and a camera.
	clockReports = 16
	// clockStep is a change of the sender's clock that is no drift: it was set.
	clockStep = time.Second
)

// Clock relates the clock that a sender stamps its reports with (RFC 3550 §6.4.1)
// to ours. The report of the last few that came the fastest counts. The zero value
// knows nothing yet; it is not safe for concurrent use.
type Clock struct {
	offsets [clockReports]time.Duration // from the sender's time to ours, with the way
	n       int                         // reports noted
	least   time.Duration               // of the offsets
}

// Note takes the time of a report that came at the given one.
func (c *Clock) Note(ntp uint64, at time.Time) {
	offset := at.Sub(wallTime(ntp))
	if d := offset - c.least; d > clockStep || d < -clockStep {
		c.n = 0
	}
	c.offsets[c.n%clockReports] = offset
	c.n++
	c.least = offset
	for _, o := range c.offsets[:min(c.n, clockReports)] {
		c.least = min(c.least, o)
	}
}

// late returns how much longer a report was on its way than the fastest one.
func (c *Clock) late(ntp uint64, at time.Time) time.Duration {
	return max(at.Sub(wallTime(ntp))-c.least, 0)
}

// wallTime is a time as RTCP writes it: seconds since 1900 in 32.32 bits.
func wallTime(ntp uint64) time.Time {
	const sinceEpoch = 2208988800
	return time.Unix(int64(ntp>>32)-sinceEpoch, int64(ntp&0xFFFFFFFF*uint64(time.Second)>>32))
}

// Captured returns when, by our clock, the sender captured what it stamped ts, and
// so much later as the fastest packets need to get here. ok is false before its
// first report on the stream.
func (r *Stream) Captured(ts uint32, c *Clock) (at time.Time, ok bool) {
	if r.srAt.IsZero() {
		return at, false
	}
	since := time.Duration(rtpx.TSDiff(ts, r.srTS)) * time.Second / time.Duration(r.clock)
	return r.srAt.Add(since - c.late(r.srNTP, r.srAt)), true
}
