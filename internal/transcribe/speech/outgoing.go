package speech

import (
	"context"
	"sync"
	"time"
)

// MaxQueued is how many frames of 100 ms wait to be sent to an engine: 10 s.
const MaxQueued = 100

// Outgoing is what sessions have in common, whatever their engine speaks: the
// sound that waits to be sent, and the end. It implements Session. The engine's
// side takes frames with Next and calls Fail and Over.
type Outgoing struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wake   chan struct{}
	done   chan struct{}
	err    error // valid once done is closed

	mu     sync.Mutex // guards what follows
	queue  [][]byte   // to be sent
	free   [][]byte   // to be used again
	closed bool
}

// NewOutgoing returns one that nothing was written to.
func NewOutgoing() *Outgoing {
	o := &Outgoing{wake: make(chan struct{}, 1), done: make(chan struct{})}
	o.ctx, o.cancel = context.WithCancelCause(context.Background())
	return o
}

// Write implements Session.
func (o *Outgoing) Write(pcm []byte) (dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return len(pcm)
	}
	if len(o.queue) == MaxQueued {
		dropped = len(o.queue[0])
		o.free, o.queue = append(o.free, o.queue[0]), o.queue[1:]
	}
	var frame []byte
	if n := len(o.free); n > 0 {
		frame, o.free = o.free[n-1][:0], o.free[:n-1]
	}
	o.queue = append(o.queue, append(frame, pcm...))
	o.Signal()
	return dropped
}

// Close implements Session.
func (o *Outgoing) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.Signal()
}

// Done implements Session.
func (o *Outgoing) Done() <-chan struct{} { return o.done }

// Err implements Session.
func (o *Outgoing) Err() error { return o.err }

// Wake receives when there may be something to send.
func (o *Outgoing) Wake() <-chan struct{} { return o.wake }

// Signal has Wake receive.
func (o *Outgoing) Signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Next takes the next frame, if ready; nil for none now. end says that all is
// taken that ever will be.
func (o *Outgoing) Next(ready bool) (frame []byte, end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.queue) == 0:
		return nil, o.closed
	case !ready:
		return nil, false
	}
	frame, o.queue = o.queue[0], o.queue[1:]
	return frame, false
}

// Recycle gives a frame back that was sent.
func (o *Outgoing) Recycle(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.free = append(o.free, frame)
}

// Context ends when the session does; its cause says why.
func (o *Outgoing) Context() context.Context { return o.ctx }

// Fail ends the session; the first reason counts.
func (o *Outgoing) Fail(why error) { o.cancel(why) }

// AwaitEnd waits for the engine's end of the session after the client's. It
// returns silent when that does not come in time.
func (o *Outgoing) AwaitEnd(within time.Duration, silent error) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-timer.C:
		return silent
	case <-o.ctx.Done():
		return context.Cause(o.ctx)
	}
}

// Over closes Done, once nothing is sent and heard any more. Unless the session
// was closed before, Err is why it has failed.
func (o *Outgoing) Over() {
	o.mu.Lock()
	closed := o.closed
	o.closed = true
	o.mu.Unlock()
	if !closed {
		o.err = context.Cause(o.ctx)
	}
	close(o.done)
}
