package ledger

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The entry that ends a meeting replaces all others and has to vanish later.
// JetStream could do the former by a roll-up and the latter by a time to live
// on the message. But storing a roll-up and removing what it replaces are two
// steps on the disk: a crash between them, followed by a downtime longer than
// the time to live, would remove the end and bring the meeting back to life.
// So the ledger removes the subject itself, oldest entry first: what lies
// before the end once that is stored, and the end, with the meeting's facts,
// when its time has come. The deadline is kept in the entry, and an adoption
// finds it again.
//
// A removal is not fenced. It may be done by a former owner, and does no harm:
// it touches only what lies below an end that is stored.

// expiry removes the ended meetings of one stream.
type expiry struct {
	log    *Log
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // a nearer deadline was added

	mu  sync.Mutex
	due removals // guarded by mu
}

// removal is what is to be removed of a meeting, and when.
type removal struct {
	slot  *Slot
	at    time.Time
	id    meeting.ID
	below uint64 // entries before this sequence; 0 for all
	facts bool   // and all facts
}

// startExpiries starts one for each stream: removing waits for the disk.
func startExpiries(l *Log) []*expiry {
	all := make([]*expiry, l.layout.Streams)
	for i := range all {
		ctx, cancel := context.WithCancel(context.Background())
		all[i] = &expiry{log: l, cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1)}
		go all[i].run(ctx)
	}
	return all
}

// expiryOf returns the one that removes the slot's meetings.
func (l *Log) expiryOf(s *Slot) *expiry { return l.expiries[l.layout.streamOf(s.number)] }

func (x *expiry) close() {
	x.cancel()
	<-x.done
}

// ended plans the removals of a meeting whose last entry has the sequence and
// is to vanish at the time.
func (x *expiry) ended(s *Slot, id meeting.ID, seq uint64, at time.Time) {
	x.mu.Lock()
	heap.Push(&x.due, removal{slot: s, at: x.log.readableUntil(s, at), id: id, below: seq})
	heap.Push(&x.due, removal{slot: s, at: at, id: id, below: seq + 1, facts: true})
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// linger is how long what an end has replaced stays readable, so that it can be
// written down elsewhere without anybody waiting for that.
const linger = 30 * time.Second

// readableUntil is when to remove what an end in the slot has replaced, which
// itself goes at the time: soon, and at once while room is wanted.
func (l *Log) readableUntil(s *Slot, at time.Time) time.Time {
	now := time.Now()
	if !l.space.ample(l.layout.streamOf(s.number), l.layout.Streams) {
		return now
	}
	if soon := now.Add(linger); soon.Before(at) {
		return soon
	}
	return at
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
	const idle, afterFailure, whileNeeded = time.Hour, time.Second, 10 * time.Second
	for ctx.Err() == nil {
		r, wait := x.next()
		switch {
		case wait > 0:
			return min(wait, idle)
		case r.slot.held() != nil:
			continue // its new owner does it
		case x.log.cfg.Needed != nil && x.log.cfg.Needed(r.id):
			r.at = time.Now().Add(whileNeeded)
			x.put(r)
			continue
		}
		if err := x.log.remove(ctx, r); err != nil {
			if ctx.Err() == nil {
				x.log.cfg.Logger.Warn("could not remove an ended meeting yet", "meeting", r.id.String(), "err", err)
			}
			x.put(r)
			return afterFailure
		}
	}
	return idle
}

func (x *expiry) put(r removal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	heap.Push(&x.due, r)
}

// next takes the removal that is due, or tells how long to wait for one.
func (x *expiry) next() (r removal, wait time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.due) == 0 {
		return r, time.Hour
	}
	if wait := time.Until(x.due[0].at); wait > 0 {
		return r, wait
	}
	return heap.Pop(&x.due).(removal), 0
}

func (l *Log) remove(ctx context.Context, r removal) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	stream := l.layout.streamOf(r.slot.number)
	if err := e.purge(ctx, stream, entrySubject(r.id), r.below); err != nil || !r.facts {
		return err
	}
	return e.purge(ctx, stream, factSubject(r.id), 0)
}

// Discard removes all of a meeting's entries and facts. It is for an operator
// who has accepted that they are damaged.
func (s *Slot) Discard(ctx context.Context, id meeting.ID) error {
	end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	return s.log.remove(ctx, removal{slot: s, id: id, facts: true})
}

// removals is a heap, nearest first.
type removals []removal

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (d removals) Len() int           { return len(d) }
func (d removals) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d removals) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *removals) Push(v any)        { *d = append(*d, v.(removal)) }
func (d *removals) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
