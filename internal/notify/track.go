package notify

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// tracked is a meeting whose events somebody gets.
type tracked struct {
	profile *meeting.Profile
	routes  []route // changed by the slot's jobs only, but for adoption

	fold event.Fold // used by the slot's jobs only, but for adoption

	// Guarded by the slot's mu.
	order   order
	jobs    []uint64  // sequences of what waits to be made into events
	last    uint64    // sequence of the last record or fact that is stored
	settled uint64    // the meeting may be forgotten through this sequence
	ended   bool      // its last record is stored
	touched time.Time // when something was stored last
}

// route is one destination of a meeting.
type route struct {
	channel string
	dest    *outbox.Destination
	on      uint64         // events through this sequence are none of its business
	done    event.Position // events through this one were taken, as the memo said
	lane    *outbox.Lane   // nil until something is put in
	singles []*outbox.Lane // of an unordered destination, one for each event
}

// put puts an event on its way. It returns false when the slot has been left.
func (r *route) put(s *Slot, t *tracked, e *event.Event) bool {
	fresh := func() *outbox.Lane {
		return r.dest.Lane(s.ctx, t.profile.ID, r.done, func(*event.Event, bool) { s.touch() })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	s.n.past.begin(e, r.dest.Name())
	switch {
	case r.dest.Unordered():
		l := fresh()
		r.singles = append(r.singles, l)
		l.Put(e)
		return true
	case r.lane == nil:
		r.lane = fresh()
	}
	r.lane.Put(e)
	return true
}

// progress returns how far the route's one lane is.
func (r *route) progress() event.Position {
	if r.lane == nil {
		return r.done
	}
	_, _, done := r.lane.Progress()
	return done
}

// lanes calls fn for each of its lanes.
func (r *route) lanes(fn func(*outbox.Lane)) {
	if r.lane != nil {
		fn(r.lane)
	}
	for _, l := range r.singles {
		fn(l)
	}
}

// floorLocked returns the highest sequence through which everything of the
// meeting is done with, if that is below top.
func (t *tracked) floorLocked(top uint64) uint64 {
	top = t.order.floor(top)
	if len(t.jobs) > 0 {
		top = min(top, t.jobs[0]-1)
	}
	for i := range t.routes {
		t.routes[i].lanes(func(l *outbox.Lane) {
			if next, waiting, _ := l.Progress(); waiting {
				top = min(top, next.Seq-1)
			}
		})
	}
	return top
}

// quietLocked reports whether nothing of the meeting waits for anything.
func (t *tracked) quietLocked() bool {
	return t.order.settled() && t.floorLocked(t.last) == t.last
}

// tidyLocked forgets lanes of single events that are done with.
func (t *tracked) tidyLocked() {
	for i := range t.routes {
		r := &t.routes[i]
		kept := r.singles[:0]
		for _, l := range r.singles {
			if _, waiting, _ := l.Progress(); waiting {
				kept = append(kept, l)
			}
		}
		clear(r.singles[len(kept):])
		r.singles = kept
	}
}
