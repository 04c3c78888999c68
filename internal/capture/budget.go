package capture

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
)

// budget is the room for what is not stored yet, shared by all spools: what the
// settings say, or what the disk has, if that is less. When it runs out, the
// recording that has most of it fails, and what is kept in reserve lets the others
// go on for as long as may be. Safe for concurrent use.
type budget struct {
	most int64                 // bytes; 0 for no bound but the disk's
	free func() (int64, error) // what the disk has left; nil for enough

	mu     sync.Mutex
	used   int64
	spools map[*spool]*share
	failed int // recordings that failed for want of room since there was enough

	pieces, bytes, refusals atomic.Uint64 // since the start; see Stats
}

// waiting returns how many bytes are in the spools.
func (b *budget) waiting() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// share is what one spool has.
type share struct {
	bytes int64
	full  func() // tells its recording that it has failed; nil when it does not record
}

// errNoRoom says that there is no room left.
var errNoRoom = errors.New("the spools are full")

const (
	// tightParts: little room is left when all but one of so many parts are used.
	tightParts = 10
	// reserveParts: one of so many parts is kept for the other recordings when the
	// largest fails, and half of what is left of that for each that fails after it.
	reserveParts = 16
)

func (b *budget) ofLocked(s *spool) *share {
	if b.spools == nil {
		b.spools = make(map[*spool]*share)
	}
	if b.spools[s] == nil {
		b.spools[s] = new(share)
	}
	return b.spools[s]
}

// limitLocked is how much there is, used or not.
func (b *budget) limitLocked() int64 {
	limit := int64(math.MaxInt64)
	if b.most > 0 {
		limit = b.most
	}
	if b.free != nil {
		if free, err := b.free(); err == nil { // otherwise the write will say so
			limit = min(limit, b.used+free)
		}
	}
	return limit
}

// tight reports whether little of the room is left.
func (b *budget) tight() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tightLocked(b.limitLocked())
}

func (b *budget) tightLocked(limit int64) bool { return b.used >= limit-limit/tightParts }

// hold counts what a spool has already.
func (b *budget) hold(s *spool, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
	b.ofLocked(s).bytes += n
}

// give gives room back.
func (b *budget) give(s *spool, n int64) { b.hold(s, -n) }

// forget lets go of a spool that is closed.
func (b *budget) forget(s *spool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= b.ofLocked(s).bytes
	delete(b.spools, s)
}

// record notes that a spool is being recorded to, until full was called, or stop.
// full must not block.
func (b *budget) record(s *spool, full func()) (stop func()) {
	set := func(full func()) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ofLocked(s).full = full
	}
	set(full)
	return func() { set(nil) }
}

// take takes room for so many bytes. While there is not enough, the largest
// recordings fail, the largest first; the error is for when that leaves the spool
// without room.
func (b *budget) take(s *spool, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	mine := b.ofLocked(s)
	limit := b.limitLocked()
	if !b.tightLocked(limit) {
		b.failed = 0
	}
	for b.used+n > b.markLocked(limit, mine) {
		if mine.full == nil {
			return errNoRoom
		}
		largest := b.largestLocked(mine, n)
		largest.full()
		largest.full = nil
		b.failed++
		if largest == mine {
			return errNoRoom
		}
	}
	b.used += n
	mine.bytes += n
	return nil
}

// markLocked is how much may be used once a spool has taken what it wants. The
// last pieces of a recording that has failed may use half of the reserve, and the
// only recording there is all of it.
func (b *budget) markLocked(limit int64, mine *share) int64 {
	recording := 0
	for _, s := range b.spools {
		if s.full != nil {
			recording++
		}
	}
	reserve := limit / reserveParts >> min(b.failed, 62)
	switch {
	case recording == 0, recording == 1 && mine.full != nil:
		return limit
	case mine.full == nil:
		return limit - reserve/2
	}
	return limit - reserve
}

// largestLocked returns the share of the recording that has most, once the one that
// is given, a recording's, has its n bytes.
func (b *budget) largestLocked(one *share, n int64) (largest *share) {
	largest, most := one, one.bytes+n
	for _, s := range b.spools {
		if s.full != nil && s.bytes > most {
			largest, most = s, s.bytes
		}
	}
	return largest
}
