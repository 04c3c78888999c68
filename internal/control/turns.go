package control

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// turns lets one caller at a time work on a key, in the order of asking. Keys
// nobody works on take no memory. The zero value, with a clock, is ready.
type turns[K comparable] struct {
	clock Clock
	mu    sync.Mutex
	taken map[K]*queue // guarded by mu
}

// queue holds those who wait; handing the turn over closes a waiter's channel.
type queue struct {
	waiting []chan struct{}
	storing time.Time // when whoever has the turn began to write; zero before
}

// stalled is after how long in the ledger a write is no sign of other calls any
// more, but of a store that does not answer.
const stalled = time.Second

// take waits for the turn on the key. It gives up after wait, with Conflict (API
// decision D-07), or with Unavailable if it is the store that keeps whoever has the
// turn: then the caller should come back. It gives up when ctx ends, too.
func (t *turns[K]) take(ctx context.Context, key K, wait time.Duration) (release func(), err error) {
	waiting := tracing.Step(ctx, "turn")
	defer func() { waiting.Done(err) }()
	release = func() { t.release(key) }
	t.mu.Lock()
	q, busy := t.taken[key]
	if !busy {
		if t.taken == nil {
			t.taken = make(map[K]*queue)
		}
		t.taken[key] = new(queue)
		t.mu.Unlock()
		return release, nil
	}
	mine := make(chan struct{})
	q.waiting = append(q.waiting, mine)
	t.mu.Unlock()

	expired, stop := t.clock.Timer(wait)
	defer stop()
	select {
	case <-mine:
		return release, nil
	case <-ctx.Done():
		err = &meeting.Error{Kind: meeting.Unavailable, Message: "The request was cancelled", Err: ctx.Err()}
	case <-expired:
		err = t.expired(q)
	}
	if !t.leave(q, mine) { // handed over in the same moment
		release()
	}
	return nil, err
}

// expired returns the error of a caller who has waited long enough.
func (t *turns[K]) expired(q *queue) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !q.storing.IsZero() && t.clock.Now().Sub(q.storing) > stalled {
		return meeting.Errorf(meeting.Unavailable, "The store is slow to answer")
	}
	return meeting.Errorf(meeting.Conflict, "Another request for the same resource is still in progress")
}

// storing notes that whoever has the turn on the key, which is the caller, writes
// from now on until it gives the turn back.
func (t *turns[K]) storing(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken[key].storing = t.clock.Now()
}

// leave takes a waiter out of the queue. It returns false if the turn was
// already handed to it.
func (t *turns[K]) leave(q *queue, mine chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(q.waiting, mine)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

func (t *turns[K]) release(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.taken[key]
	if len(q.waiting) == 0 {
		delete(t.taken, key)
		return
	}
	q.storing = time.Time{}
	next := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	close(next)
}
