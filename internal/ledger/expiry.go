package ledger

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The entry that ends a meeting replaces all others and has to vanish later.
// JetStream could do that by a time to live on the message, but storing a
// roll-up and removing what it replaces are two steps on the disk: a crash
// between them, followed by a downtime longer than the time to live, would
// remove the end and bring the meeting back to life. So the ledger removes the
// subject itself, oldest entry first, up to and including the end, and then the
// meeting's facts. The deadline is kept in the entry, and Scan finds it again
// after a restart.

// expiry removes ended meetings when their time has come.
type expiry struct {
	log    *Log
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // a nearer deadline was added

	mu  sync.Mutex
	due deadlines // guarded by mu
}

type deadline struct {
	at  time.Time
	id  meeting.ID
	rev uint64 // of the end
}

func startExpiry(l *Log) *expiry {
	ctx, cancel := context.WithCancel(context.Background())
	x := &expiry{log: l, cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go x.run(ctx)
	return x
}

func (x *expiry) close() {
	x.cancel()
	<-x.done
}

// add plans the removal of the meeting's entries up to rev. It may be called
// twice for the same end.
func (x *expiry) add(id meeting.ID, rev uint64, at time.Time) {
	x.mu.Lock()
	heap.Push(&x.due, deadline{at, id, rev})
	first := x.due[0].rev == rev && x.due[0].id == id
	x.mu.Unlock()
	if first {
		select {
		case x.wake <- struct{}{}:
		default:
		}
	}
}

func (x *expiry) run(ctx context.Context) {
	defer close(x.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(x.removeDue(ctx))
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		case <-timer.C:
		}
	}
}

// removeDue removes what is due and returns how long to wait for the rest.
func (x *expiry) removeDue(ctx context.Context) time.Duration {
	const idle, afterFailure = time.Hour, time.Second
	for ctx.Err() == nil {
		x.mu.Lock()
		if len(x.due) == 0 {
			x.mu.Unlock()
			return idle
		}
		if wait := time.Until(x.due[0].at); wait > 0 {
			x.mu.Unlock()
			return wait
		}
		d := heap.Pop(&x.due).(deadline)
		x.mu.Unlock()
		if err := x.log.forget(ctx, d.id, d.rev); err != nil {
			if ctx.Err() == nil {
				x.log.cfg.Logger.Warn("could not remove an ended meeting yet", "meeting", d.id, "err", err)
			}
			x.mu.Lock()
			heap.Push(&x.due, d)
			x.mu.Unlock()
			return afterFailure
		}
	}
	return idle
}

// forget removes the meeting's entries up to and including rev and, unless it
// was created anew meanwhile, its facts.
func (l *Log) forget(ctx context.Context, id meeting.ID, rev uint64) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	sh := shard(l.layout.shardOf(id))
	if err := e.purge(ctx, sh, id, rev); err != nil {
		return err
	}
	// In this order: facts of a meeting created from now on come later.
	facts, err := e.streamState(ctx, l.layout.factShard())
	if err != nil {
		return err
	}
	anew := false
	err = e.each(ctx, sh, id, rev, func(meeting.ID, message) error {
		anew = true
		return nil
	})
	if err != nil || anew {
		return err
	}
	return e.purge(ctx, l.layout.factShard(), id, facts.LastSeq)
}

// Discard removes all of a meeting's entries and facts. It is for an operator
// who has accepted that they are damaged.
func (l *Log) Discard(ctx context.Context, id meeting.ID) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	for _, sh := range []shard{shard(l.layout.shardOf(id)), l.layout.factShard()} {
		state, err := e.streamState(ctx, sh)
		if err == nil {
			err = e.purge(ctx, sh, id, state.LastSeq)
		}
		if err != nil {
			return fmt.Errorf("%w: discard meeting %v: %w", ErrUnavailable, id, err)
		}
	}
	return nil
}

// purge removes the meeting's messages up to and including the sequence.
func (e *engine) purge(ctx context.Context, sh shard, id meeting.ID, last uint64) error {
	if err := e.check(); err != nil {
		return err
	}
	req, err := json.Marshal(struct {
		Subject string `json:"filter"`
		Below   uint64 `json:"seq"`
	}{e.layout.subject(sh, id), last + 1})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	m, err := e.write.RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+e.layout.streamName(sh), req)
	if err != nil {
		return err
	}
	var a struct {
		Success bool `json:"success"`
		Error   *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return err
	}
	if a.Error != nil {
		return fmt.Errorf("purge refused: %s", a.Error.Description)
	}
	if !a.Success {
		return errors.New("purge not confirmed")
	}
	return nil
}

// deadlines is a heap, nearest first.
type deadlines []deadline

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(v any)        { *d = append(*d, v.(deadline)) }
func (d *deadlines) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
