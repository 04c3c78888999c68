package outbox

import (
	"container/list"
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// state is what a lane waits for.
type state uint8

const (
	idle    state = iota // an event
	ready                // its turn
	urgent               // the same, in the list of those that go first
	busy                 // the outcome of an attempt
	timed                // its timer
	dropped              // nothing any more
)

// Lane is the way of one meeting's events to one destination.
type Lane struct {
	dest    *Destination
	ctx     context.Context
	meeting meeting.ID
	settled func(e *event.Event, taken bool)

	// Guarded by dest.mu.
	state state
	queue []*item
	done  event.Position // of the last event that was taken or buried
	timer *time.Timer    // while timed
}

// item is an event that waits.
type item struct {
	event    *event.Event
	since    time.Time // what its age counts from
	lane     *Lane
	place    *list.Element // in the destination's items; nil once doomed
	attempts int
	first    time.Time // when it was tried first
	missing  time.Time // since when its target is missing
	last     time.Time // when it was tried last
	doom     string    // why it is to be buried; empty while there is hope
	lost     bool      // too many are to be buried already
	alone    bool      // a request with others was refused for what is in it
}

// Put appends the meeting's next event.
func (l *Lane) Put(e *event.Event) {
	l.dest.mu.Lock()
	defer l.dest.mu.Unlock()
	l.dest.putLocked(l, e, e.Time)
}

// PutAgain appends an event that was given up before. Its age counts anew. It
// returns false when there is no room: others are not given up for it.
func (l *Lane) PutAgain(e *event.Event) bool {
	d := l.dest
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.items.Len() >= d.cfg.MaxEvents || d.bytes+e.Size() > d.cfg.MaxBytes {
		return false
	}
	d.putLocked(l, e, time.Now())
	return true
}

// Progress returns the position of the event that is next to be taken, when one
// is waiting, and that of the last one done with.
func (l *Lane) Progress() (next event.Position, waiting bool, done event.Position) {
	l.dest.mu.Lock()
	defer l.dest.mu.Unlock()
	if len(l.queue) > 0 {
		next, waiting = l.queue[0].event.Position, true
	}
	return next, waiting, l.done
}

// Destination returns where the lane leads.
func (l *Lane) Destination() *Destination { return l.dest }

// Drop forgets what waits in the lane, because somebody else sees to it now.
func (l *Lane) Drop() {
	d := l.dest
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, it := range l.queue {
		d.forgetLocked(it)
	}
	if l.state == timed {
		l.timer.Stop()
		delete(d.timed, l)
	}
	l.queue, l.state = nil, dropped
	if d.prober == l {
		d.prober = nil
		d.probeLocked()
	}
	d.pumpLocked()
}

// forgetLocked takes an item out of the counts.
func (d *Destination) forgetLocked(it *item) {
	if it.place == nil {
		d.doomed--
		return
	}
	d.items.Remove(it.place)
	it.place = nil
	d.bytes -= it.event.Size()
}
