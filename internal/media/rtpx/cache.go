package rtpx

import "math/bits"

// Cached is a packet found in a Cache.
type Cached struct {
	Marker bool
	// Payload is valid until the next Put.
	Payload []byte
}

// Cache keeps the most recent packets of one incoming stream, so that what a
// subscriber lost can be sent again without asking the publisher. Buffers are
// reused: after the ring has gone round once, Put does not allocate.
type Cache struct {
	slots   []cacheSlot
	mask    uint16
	highest uint16
	started bool
	strays  strayRun
}

type cacheSlot struct {
	used   bool
	marker bool
	seq    uint16
	data   []byte
}

// NewCache returns a Cache for at least the given number of packets; it is
// rounded up to a power of two between 16 and 32768. 512 packets are about three
// seconds of video at 1.5 Mb/s.
func NewCache(packets int) *Cache {
	n := ringSize(packets)
	return &Cache{slots: make([]cacheSlot, n), mask: uint16(n - 1)}
}

func ringSize(n int) int {
	n = min(max(n, 16), 1<<15)
	return 1 << bits.Len(uint(n-1))
}

// Put stores a copy of one packet's payload. A packet so old that its place
// already belongs to a newer one is ignored; a stream that goes on with
// quite different numbers empties the cache.
func (c *Cache) Put(seq uint16, marker bool, payload []byte) {
	if !c.started {
		c.started, c.highest = true, seq
	}
	ahead := SeqDiff(seq, c.highest)
	if ahead <= -len(c.slots) {
		if !c.strays.restarted(seq) {
			return
		}
		for i := range c.slots {
			c.slots[i].used = false
		}
		ahead = 1
	}
	if ahead > 0 {
		c.highest = seq
	}
	s := &c.slots[seq&c.mask]
	s.used, s.marker, s.seq = true, marker, seq
	s.data = append(s.data[:0], payload...)
}

// Get returns the packet with the given sequence number, if it is still there.
func (c *Cache) Get(seq uint16) (Cached, bool) {
	s := &c.slots[seq&c.mask]
	if !s.used || s.seq != seq {
		return Cached{}, false
	}
	return Cached{Marker: s.marker, Payload: s.data}, true
}

// strayRun tells a late packet from a stream that was renumbered: a few impossibly
// old packets that follow each other are a new beginning (compare RFC 3550 A.1).
type strayRun struct {
	next  uint16
	count int
}

const strayRunLength = 3

// restarted notes a packet far outside the expected range and reports whether it
// completes such a run.
func (r *strayRun) restarted(seq uint16) bool {
	if r.count > 0 && seq == r.next {
		r.count++
	} else {
		r.count = 1
	}
	r.next = seq + 1
	if r.count < strayRunLength {
		return false
	}
	r.count = 0
	return true
}
