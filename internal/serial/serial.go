// Package serial runs functions one after the other, in the order in which they
// were given, on a goroutine that exists only while there is something to run.
//
// It is how work leaves a place that must not wait: the holder of a lock gives
// away a call that may block, the path of packets gives away an event, and the
// order stays.
package serial

import "sync"

// Queue runs what is pushed. All methods are safe for concurrent use, also from
// what is being run.
type Queue struct {
	running *sync.WaitGroup

	mu      sync.Mutex
	waiting []func()
	busy    bool // the goroutine is there
	closed  bool
}

// New returns an empty Queue whose goroutine counts in running while it is
// there. Whoever waits for the group waits for all that was pushed.
func New(running *sync.WaitGroup) *Queue { return &Queue{running: running} }

// Push appends fn, unless the queue is closed. It never blocks.
func (q *Queue) Push(fn func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.waiting = append(q.waiting, fn)
	if !q.busy {
		q.busy = true
		q.running.Go(q.run)
	}
}

// Close has later pushes do nothing. What was pushed before is still run.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// run works the queue off until it is empty.
func (q *Queue) run() {
	for {
		q.mu.Lock()
		batch := q.waiting
		q.waiting = nil
		if q.busy = len(batch) > 0; !q.busy {
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for _, fn := range batch {
			fn()
		}
	}
}
