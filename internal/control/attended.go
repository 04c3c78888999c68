package control

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Attended returns how long, all together, those were connected to a meeting who
// had come before this process had it, and have gone since.
func (c *Control) Attended(id meeting.ID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.index.active[id]; e != nil {
		return e.attended
	}
	if g := c.index.tombstones[id]; g != nil {
		return g.attended
	}
	return 0
}
