package control

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// RetryEnd is when a meeting that could not be ended is tried again.
const RetryEnd = retryEnd

// RetryFull is the same on a full disk.
const RetryFull = retryFull

// Deadline returns when Run has to look at the meeting, or has tried to end it
// in vain; false if the meeting is not active.
func (c *Control) Deadline(id meeting.ID) (at time.Time, active bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.active[id]
	switch {
	case e == nil:
		return time.Time{}, false
	case !e.retry.IsZero():
		return time.Time{}, true
	}
	return e.deadline, true
}

// WaitingToReport returns how many reports about the attendee wait for another
// one.
func (c *Control) WaitingToReport(id, attendee meeting.ID) int {
	t := &c.factTurns
	t.mu.Lock()
	defer t.mu.Unlock()
	if q := t.taken[factKey{id, attendee}]; q != nil {
		return len(q.waiting)
	}
	return 0
}

// Forget takes what is in memory about the meeting's attendees away, as the
// cache does when it is full.
func (c *Control) Forget(id meeting.ID) {
	c.mu.Lock()
	e := c.index.active[id]
	c.mu.Unlock()
	c.forget(e)
}

// Ending reports whether the meeting's last record is being written.
func (c *Control) Ending(id meeting.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.active[id]
	return e != nil && e.ending != nil
}
