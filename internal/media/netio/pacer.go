package netio

import "time"

// gather is how long a busy socket lets datagrams gather before it reads
// again: each reading costs a wake-up whose price is that of several
// datagrams, and so does each sending that follows from it. It adds half of
// itself to the way through, which sound spends waiting for the next frame
// anyway.
const gather = 4 * time.Millisecond

// pacer decides when a socket is busy enough for that. The zero value is ready.
type pacer struct {
	last time.Time // of the last reading
	rate float64   // datagrams in the time of gather, smoothed
}

// busy says whether more than one datagram arrives in the time of gather.
func (p *pacer) busy() bool { return p.rate > 1 }

// read takes a reading of n datagrams into account.
func (p *pacer) read(n int, at time.Time) {
	const memory = float64(64 * time.Millisecond)
	since := float64(max(at.Sub(p.last), 0))
	p.last = at
	p.rate = (p.rate*memory + float64(n)*float64(gather)) / (memory + since)
}
