package control

import "github.com/carillon-meetings/carillon/internal/meeting"

// cache bounds the memory of folded meetings. It is a ring of the entries whose
// fold is in memory, the most recently used first; the one used longest ago
// goes when there is no more room. Guarded by Control.mu.
type cache struct {
	room int64
	used int64
	ring *entry // a sentinel: ring.newer is the oldest, ring.older the newest
}

// costOf is what the cache counts for a folded meeting, in bytes.
func costOf(s *meeting.State) int64 {
	const link = 64 // besides what the State holds
	return int64(s.Size()) + link
}

func newCache(room int64) cache {
	ring := new(entry)
	ring.newer, ring.older = ring, ring
	return cache{room: room, ring: ring}
}

// touch notes that an entry in the cache was used.
func (c *cache) touch(e *entry) {
	if e.cost != 0 && c.ring.older != e {
		c.unlink(e)
		c.link(e)
	}
}

// keep puts an entry in whose fold is s, or counts it anew after a change, and makes room. The
// caller does not hold e.fold.mu.
func (c *cache) keep(e *entry, s *meeting.State) {
	if e.cost != 0 {
		c.unlink(e)
	}
	cost := costOf(s)
	c.used += cost - e.cost
	e.cost = cost
	c.link(e)
	for c.used > c.room && c.ring.newer != e {
		oldest := c.ring.newer
		c.drop(oldest)
		oldest.fold.mu.Lock()
		oldest.fold.state = nil
		oldest.fold.mu.Unlock()
	}
}

// drop takes an entry out. Its fold is the caller's affair.
func (c *cache) drop(e *entry) {
	if e.cost == 0 {
		return
	}
	c.unlink(e)
	c.used -= e.cost
	e.cost = 0
}

func (c *cache) link(e *entry) {
	e.newer, e.older = c.ring, c.ring.older
	e.older.newer, c.ring.older = e, e
}

func (c *cache) unlink(e *entry) {
	e.newer.older, e.older.newer = e.older, e.newer
	e.newer, e.older = nil, nil
}
