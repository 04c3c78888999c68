package testmode

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxAdvance bounds one move of the clock: longer than any meeting lasts.
const maxAdvance = 31 * 24 * time.Hour

// Clock is the system's clock, moved forward as far as tests have asked. It is
// control.Clock, and signal's source of time.
type Clock struct {
	moving sync.Mutex // held while the clock is moved

	mu     sync.Mutex
	ahead  time.Duration // of the system's clock; guarded by mu
	alarms []*alarm      // not rung yet; guarded by mu
}

// alarm is a function that waits for its time.
type alarm struct {
	at    time.Time
	fn    func()
	timer *time.Timer // rings when the system's clock gets there
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *Clock) nowLocked() time.Time { return time.Now().Add(c.ahead) }

// Ahead returns how far the clock has been moved.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}

// Timer is a timer of the system, which a move does not shorten: it is for those
// who wait for each other. What is due by the clock happens by AfterFunc and the
// steps of Advance.
func (c *Clock) Timer(d time.Duration) (fired <-chan time.Time, stop func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// AfterFunc calls fn once the clock has gone on by d, by itself or because it is
// moved. stop reports whether it came in time.
func (c *Clock) AfterFunc(d time.Duration, fn func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{at: c.nowLocked().Add(d), fn: fn}
	a.timer = time.AfterFunc(d, func() {
		if c.take(a) {
			fn()
		}
	})
	c.alarms = append(c.alarms, a)
	return func() bool { return c.take(a) }
}

// take takes an alarm out. It returns false if it has been before.
func (c *Clock) take(a *alarm) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.alarms, a)
	if i < 0 {
		return false
	}
	c.alarms = slices.Delete(c.alarms, i, i+1)
	a.timer.Stop()
	return true
}

// Advance moves the clock forward, and stops at each moment at which something
// is due: at an alarm, which rings, and at the time that work names. Work does
// what is due by the clock and returns when there is more; it is called at every
// stop and at the end, so that one thing follows from another in the order and
// at the times of a real clock. An error of work ends the move where it is.
func (c *Clock) Advance(ctx context.Context, d time.Duration, work func(context.Context) (next time.Time, err error)) error {
	if d <= 0 || d > maxAdvance {
		return fmt.Errorf("the clock goes forward only, and by %v at most at a time", maxAdvance)
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	defer c.retime()
	target, ahead := c.Now().Add(d), c.Ahead()+d
	for {
		next, err := work(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		ring := c.moveTo(next, target)
		if ring != nil {
			ring.fn()
			continue
		}
		if !c.Now().Before(target) {
			c.setAhead(ahead) // not less by what the move took
			_, err := work(ctx)
			return err
		}
	}
}

// leastStep is by how much the clock goes on at least, even if work names a time
// that has come.
const leastStep = time.Millisecond

// moveTo moves the clock to what comes first: an alarm, which is taken out and
// returned, or one of the two times. It never goes back.
func (c *Clock) moveTo(next, target time.Time) *alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := target
	if least := c.nowLocked().Add(leastStep); next.Before(least) {
		next = least
	}
	if next.Before(at) {
		at = next
	}
	first := -1
	for i, a := range c.alarms {
		if !a.at.After(at) {
			at, first = a.at, i
		}
	}
	c.ahead += max(0, at.Sub(c.nowLocked()))
	if first < 0 {
		return nil
	}
	a := c.alarms[first]
	c.alarms = slices.Delete(c.alarms, first, first+1)
	a.timer.Stop()
	return a
}

func (c *Clock) setAhead(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = d
}

// retime has the alarms that are left ring when the moved clock gets there.
func (c *Clock) retime() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	for _, a := range c.alarms {
		a.timer.Reset(a.at.Sub(now))
	}
}

// Reset sets the clock back to the system's. Alarms that wait go on waiting for
// as long as they would have.
func (c *Clock) Reset() {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.alarms {
		a.at = a.at.Add(-c.ahead)
	}
	c.ahead = 0
}
