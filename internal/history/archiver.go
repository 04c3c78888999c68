package history

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/observe/timeline"
)

const (
	// settle is how long an ended meeting is left alone before it is written
	// down: its people are just being sent away.
	settle = 250 * time.Millisecond
	// settleMost is how long it is waited for that at most.
	settleMost = 10 * time.Second
	// retryKeep is when a meeting that could not be written down is tried again.
	retryKeep = 30 * time.Second
	// maxWaiting bounds how many ended meetings wait to be written down.
	maxWaiting = 65_536
	// neededMost is how long the records of an ended meeting are held back for
	// one that cannot be written down.
	neededMost = 10 * time.Minute
	// expireEvery is how often what is too old is looked for.
	expireEvery = time.Hour
)

// Shelf is where an Archiver puts ended meetings: an *Archive, or in a cluster
// a *Shared.
type Shelf interface {
	Has(id meeting.ID) bool
	Keep(ctx context.Context, d *observe.Detail) error
	Sync() error
	Close() error

	expire()
	atOnce() int // how many may be kept side by side
}

// ArchiverConfig says what an Archiver writes down. All fields are required.
type ArchiverConfig struct {
	Archive   Shelf
	Directory timeline.Directory
	Live      timeline.Live
	// Open reports whether a meeting's connections are not over yet, as far as the
	// signaling side knows.
	Open func(id meeting.ID) bool
	// Room reports whether the disk has room for what need not be kept.
	Room   func() bool
	Logger *slog.Logger
}

// Archiver writes ended meetings down, a moment after their end. Nobody waits for
// it.
type Archiver struct {
	cfg  ArchiverConfig
	stop context.CancelFunc
	done chan struct{}
	wake chan struct{}

	mu      sync.Mutex
	waiting queue
	pending map[meeting.ID]time.Time // told of since then, and not written down yet
	lost    int                      // that there was no room for
}

// waiting is an ended meeting that is not written down yet.
type waiting struct {
	meeting observe.Meeting
	since   time.Time
	due     time.Time
}

// NewArchiver starts an Archiver. Close ends it.
func NewArchiver(cfg ArchiverConfig) *Archiver {
	ctx, stop := context.WithCancel(context.Background())
	a := &Archiver{
		cfg: cfg, stop: stop, done: make(chan struct{}), wake: make(chan struct{}, 1), pending: make(map[meeting.ID]time.Time),
	}
	go a.run(ctx)
	return a
}

// Ended takes note of a meeting that has ended. It does not block, and it does
// no harm to tell of one again.
func (a *Archiver) Ended(m observe.Meeting) {
	now := time.Now()
	a.push(waiting{meeting: m, since: now, due: now.Add(settle)})
}

func (a *Archiver) push(w waiting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) >= maxWaiting {
		if a.lost++; a.lost == 1 {
			a.cfg.Logger.Warn("too many meetings have ended at once for all of them to be kept")
		}
		return
	}
	heap.Push(&a.waiting, w)
	if _, known := a.pending[w.meeting.ID]; !known {
		a.pending[w.meeting.ID] = w.since
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Waiting returns how many ended meetings are not written down yet.
func (a *Archiver) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting)
}

// Needed reports whether an ended meeting is still to be written down, for which
// its records have to stay. It does not hold them back for ever, nor while the
// disk is nearly full. It does not block.
func (a *Archiver) Needed(id meeting.ID) bool {
	a.mu.Lock()
	since, pending := a.pending[id]
	a.mu.Unlock()
	return pending && time.Since(since) < neededMost && a.cfg.Room()
}

// finished takes note that a meeting has been written down.
func (a *Archiver) finished(id meeting.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pending, id)
}

// Close writes down what waits, as far as it can be read before ctx ends, and
// ends the Archiver.
func (a *Archiver) Close(ctx context.Context) error {
	a.stop()
	<-a.done
	for ctx.Err() == nil {
		w, ok := a.take(time.Now().Add(2 * retryKeep))
		if !ok {
			break
		}
		if err := a.keep(ctx, &w.meeting); err != nil {
			a.cfg.Logger.Warn("an ended meeting could not be kept", "meeting", w.meeting.ID.String(), "err", err)
		}
	}
	return errors.Join(a.cfg.Archive.Sync(), a.cfg.Archive.Close())
}

func (a *Archiver) run(ctx context.Context) {
	defer close(a.done)
	expiry := time.NewTicker(expireEvery)
	defer expiry.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	free := make(chan struct{}, a.cfg.Archive.atOnce())
	for ctx.Err() == nil {
		if w, ok := a.take(time.Now()); ok {
			free <- struct{}{}
			under.Go(func() {
				defer func() { <-free }()
				a.process(ctx, w)
			})
			continue
		}
		under.Wait()
		if err := a.cfg.Archive.Sync(); err != nil {
			a.cfg.Logger.Warn("ended meetings may not be on the disk", "err", err)
		}
		a.sleep(ctx, expiry.C)
	}
}

// sleep waits until something may be due.
func (a *Archiver) sleep(ctx context.Context, expiry <-chan time.Time) {
	wait := time.NewTimer(a.next())
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-a.wake:
	case <-wait.C:
	case <-expiry:
		a.cfg.Archive.expire()
	}
}

// take returns the next meeting that is due by the time.
func (a *Archiver) take(by time.Time) (w waiting, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 || a.waiting[0].due.After(by) {
		return w, false
	}
	return heap.Pop(&a.waiting).(waiting), true
}

// next is how long it takes until the next meeting is due.
func (a *Archiver) next() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return expireEvery
	}
	return max(time.Until(a.waiting[0].due), time.Millisecond)
}

// process writes down a meeting that is due, or puts it off.
func (a *Archiver) process(ctx context.Context, w waiting) {
	now := time.Now()
	if a.cfg.Open(w.meeting.ID) && now.Sub(w.since) < settleMost {
		w.due = now.Add(settle)
		a.push(w)
		return
	}
	if !a.cfg.Room() {
		w.due = now.Add(retryKeep)
		a.push(w)
		return
	}
	err := a.keep(ctx, &w.meeting)
	if err == nil {
		a.finished(w.meeting.ID)
		return
	}
	if ctx.Err() == nil {
		a.cfg.Logger.Warn("an ended meeting could not be kept yet", "meeting", w.meeting.ID.String(), "err", err)
		w.due = now.Add(retryKeep)
	}
	a.push(w)
}

// keep reads a meeting and writes it down. When its records cannot be read any
// more, what is known without them is kept.
func (a *Archiver) keep(ctx context.Context, m *observe.Meeting) error {
	if a.cfg.Archive.Has(m.ID) {
		return nil
	}
	detail, err := timeline.ReadEnded(ctx, a.cfg.Directory, a.cfg.Live, *m)
	if err != nil {
		return err
	}
	return a.cfg.Archive.Keep(ctx, &detail)
}

// queue is a heap, the nearest first.
type queue []waiting

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(v any)        { *q = append(*q, v.(waiting)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
