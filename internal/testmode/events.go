package testmode

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// maxEvents is how many events are kept; a test that looks at them less often
// than that misses some, and is told.
const maxEvents = 10_000

// Events are what happened in all meetings, each with a number that grows by one
// from event to event: the cursor of those who watch. The zero value is not
// ready: see NewEvents.
type Events struct {
	mu       sync.Mutex
	meetings map[meeting.ID]*known // those that have not ended
	list     []Event               // the newest
	last     uint64                // number of the newest
	news     chan struct{}         // closed, and replaced, with each event
	closed   bool
}

// NewEvents returns an empty list, whose first event will have the number 1.
func NewEvents() *Events {
	return &Events{meetings: map[meeting.ID]*known{}, news: make(chan struct{})}
}

// restore takes in a record that was there before the server started: it is no
// news.
func (e *Events) restore(id meeting.ID, rec *meeting.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.applyLocked(id, rec)
}

// applyLocked brings what is known of the meeting up to date, and returns it with
// the details of what the record means.
func (e *Events) applyLocked(id meeting.ID, rec *meeting.Record) (*known, []Detail) {
	k := e.meetings[id]
	if k == nil {
		k = &known{users: map[meeting.ID]string{}}
		e.meetings[id] = k
	}
	details := k.record(rec.Body)
	if _, last := rec.Body.(*meeting.Ended); last {
		delete(e.meetings, id)
	}
	return k, details
}

// record takes in a record that has just been written.
func (e *Events) record(id meeting.ID, rec *meeting.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, details := e.applyLocked(id, rec)
	e.addLocked(k, details, rec.Time)
}

// fact takes in a fact that has just been written.
func (e *Events) fact(id meeting.ID, fact meeting.Fact) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.meetings[id]; k != nil {
		e.addLocked(k, ofFact(fact), fact.Time)
	}
}

func (e *Events) addLocked(k *known, details []Detail, at time.Time) {
	if len(details) == 0 {
		return
	}
	for _, d := range details {
		e.list = append(e.list, k.event(d, at))
		e.last++
	}
	if over := len(e.list) - maxEvents; over > 0 {
		e.list = slices.Delete(e.list, 0, over)
	}
	close(e.news)
	e.news = make(chan struct{})
}

// Clear forgets the events that were; their numbers do not come again.
func (e *Events) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = nil
}

// Close ends all waits, now and in future.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		close(e.news)
		e.news = make(chan struct{})
	}
}

// Page is what a watcher gets.
type Page struct {
	Events []Event `json:"events"`
	Next   uint64  `json:"next"`             // the cursor to go on from
	Missed uint64  `json:"missed,omitempty"` // events after the cursor that are not kept any more
}

// Wait returns the events after a cursor that want accepts, as soon as there is
// one, and none when ctx ends first. Next is the number of the last event that
// was looked at.
func (e *Events) Wait(ctx context.Context, after uint64, want func(*Event) bool) Page {
	for {
		page, news, closed := e.after(after, want)
		if len(page.Events) > 0 || closed || ctx.Err() != nil {
			return page
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

func (e *Events) after(after uint64, want func(*Event) bool) (page Page, news <-chan struct{}, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	page = Page{Events: []Event{}, Next: e.last}
	first := e.last - uint64(len(e.list)) // the number before the first that is kept
	if after < first {
		page.Missed = first - after
	}
	if after < e.last {
		for i := max(after, first) - first; i < uint64(len(e.list)); i++ {
			if want(&e.list[i]) {
				page.Events = append(page.Events, e.list[i])
			}
		}
	}
	return page, e.news, e.closed
}
