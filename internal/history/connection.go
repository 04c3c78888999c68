package history

import (
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// Connection is what is kept of one connection. Its fields are guarded by its
// meeting's mu.
type Connection struct {
	meeting *Meeting
	seen    observe.Session // Steps and Samples are not in it
	steps   []observe.Step
	samples ring[observe.Sample]
	quality quality
	closed  bool // the socket is gone
}

// update runs fn with the connection locked.
func (c *Connection) update(fn func()) {
	c.meeting.mu.Lock()
	defer c.meeting.mu.Unlock()
	fn()
}

// Describe says what the client says it is.
func (c *Connection) Describe(client string) { c.update(func() { c.seen.Client = client }) }

// Client returns what Describe was given.
func (c *Connection) Client() (client string) {
	c.update(func() { client = c.seen.Client })
	return client
}

// RoundTrip says how long a message takes to the client and back.
func (c *Connection) RoundTrip(d time.Duration) { c.update(func() { c.seen.RTT = observe.Span(d) }) }

// Timing takes over the client's account of its start. The first one counts:
// later ones are about changes during the call.
func (c *Connection) Timing(t observe.Timing) {
	c.update(func() {
		if c.seen.Timing == (observe.Timing{}) {
			c.seen.Timing = t
		}
	})
}

// Add keeps a sample.
func (c *Connection) Add(s observe.Sample) {
	c.update(func() {
		c.samples.add(s)
		c.quality.add(s)
	})
}

// Step marks a step of joining as taken, once.
func (c *Connection) Step(name string, at time.Time) { c.update(func() { c.stepLocked(name, at) }) }

func (c *Connection) stepLocked(name string, at time.Time) {
	if !c.tookLocked(name) {
		c.steps = append(c.steps, observe.Step{Name: name, At: observe.At(at)})
	}
}

// Took reports whether a step was taken.
func (c *Connection) Took(name string) (took bool) {
	c.update(func() { took = c.tookLocked(name) })
	return took
}

func (c *Connection) tookLocked(name string) bool {
	return slices.ContainsFunc(c.steps, func(s observe.Step) bool { return s.Name == name && s.Fault == "" })
}

// Steps returns the steps so far, in the order in which they were taken.
func (c *Connection) Steps() (steps []observe.Step) {
	c.update(func() { steps = slices.Clone(c.steps) })
	return steps
}

// Fail ends the connection at a step of joining that went wrong; an empty step
// is the first one not taken. ended tells whether it had not ended before.
func (c *Connection) Fail(step string, at time.Time, words string) (ended bool) {
	c.update(func() {
		if !c.seen.Ended.IsZero() {
			return
		}
		if step == "" {
			step = c.nextLocked()
		}
		c.steps = append(c.steps, observe.Step{Name: step, At: observe.At(at), Fault: words})
		ended = c.endLocked(observe.Failed, at, words)
	})
	return ended
}

// nextLocked is the first step not taken.
func (c *Connection) nextLocked() string {
	for _, name := range observe.StepNames() {
		if !c.tookLocked(name) {
			return name
		}
	}
	return observe.StepAudio
}

// End says how the connection ended; the first end is the one that counts, and
// ended tells whether this is it. The socket may still be open for a moment.
func (c *Connection) End(state observe.State, at time.Time, reason string) (ended bool) {
	c.update(func() { ended = c.endLocked(state, at, reason) })
	return ended
}

func (c *Connection) endLocked(state observe.State, at time.Time, reason string) bool {
	first := c.seen.Ended.IsZero()
	if first {
		c.seen.Ended, c.seen.State, c.seen.Reason = observe.At(at), state, reason
	}
	c.meeting.settleLocked(c)
	return first
}

// Close says that the socket is gone. A connection that was opened early and
// never used is forgotten.
func (c *Connection) Close() {
	c.update(func() {
		c.closed = true
		if c.seen.Ended.IsZero() && !c.tookLocked(observe.StepJoin) {
			delete(c.meeting.open, c)
		}
		c.meeting.settleLocked(c)
	})
}

// viewLocked returns the connection as it is shown.
func (c *Connection) viewLocked() observe.Session {
	s := c.seen
	s.Steps, s.Samples, s.Quality = slices.Clone(c.steps), c.samples.all(), c.quality.view()
	return s
}

// viewNowLocked returns it with what is known while it is in use.
func (c *Connection) viewNowLocked(p Present) observe.Session {
	s := c.viewLocked()
	s.Muted, s.Silenced, s.Video = p.Muted, p.Silenced, p.Video
	s.Now = &p.Now
	if p.Connected && s.Ended.IsZero() {
		s.State = observe.Connected
	}
	return s
}
