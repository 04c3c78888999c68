package testmode

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// maxEvents is how many events are kept; a test that looks at them less often
// than that misses some, and is told.
const maxEvents = 10_000

// Events are what happened in all meetings, each with a number that grows by one
// from event to event: the cursor of those who watch. The zero value is not
// ready: see NewEvents.
type Events struct {
	mu       sync.Mutex
	meetings map[meeting.ID]*told // those that have not ended
	logs     map[meeting.ID]*told // by media pipeline that is not over: its meeting
	list     []*event.Event       // the newest
	last     uint64               // number of the newest
	cleared  uint64               // what last was when Clear was called
	news     chan struct{}        // closed, and replaced, with each event
	closed   bool
}

// told is a meeting whose events are told.
type told struct {
	fold  event.Fold
	seq   uint64                // of its records and facts, in the order in which they came
	users map[meeting.ID]string // external user ids, of those removed too
}

// NewEvents returns an empty list, whose first event will have the number 1.
func NewEvents() *Events {
	return &Events{meetings: map[meeting.ID]*told{}, logs: map[meeting.ID]*told{}, news: make(chan struct{})}
}

// restore takes in a record that was there before the server started: it is no
// news.
func (e *Events) restore(id meeting.ID, rec *meeting.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.applyLocked(id, rec)
}

// record takes in a record that has just been written.
func (e *Events) record(id meeting.ID, rec *meeting.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.addLocked(e.applyLocked(id, rec))
}

// applyLocked brings what is known of the meeting up to date, and returns the
// events that the record means.
func (e *Events) applyLocked(id meeting.ID, rec *meeting.Record) []*event.Event {
	if of := e.recordedLocked(id, rec.Body); of != nil {
		of.seq++
		events, _ := of.fold.PipelineRecord(of.seq, id, rec) // what does not fit, control reports
		return events
	}
	m := e.meetings[id]
	if m == nil {
		m = &told{users: map[meeting.ID]string{}, fold: event.Fold{Profile: &meeting.Profile{ID: id}}}
		e.meetings[id] = m
	}
	switch b := rec.Body.(type) {
	case *meeting.Created:
		m.fold.Profile = &b.Profile
		m.invite(b.Attendees)
	case *meeting.AttendeesAdded:
		m.invite(b.Attendees)
	case *meeting.Ended:
		m.fold.Profile = &b.Profile
		delete(e.meetings, id)
	}
	m.seq++
	return m.fold.Record(m.seq, rec, func(id meeting.ID) string { return m.users[id] })
}

// recordedLocked returns the meeting of a media pipeline of which a record is to
// be taken in; nil when it is no pipeline's.
func (e *Events) recordedLocked(id meeting.ID, b meeting.Body) *told {
	m := e.logs[id]
	var p *meeting.Pipeline
	switch b := b.(type) {
	case *meeting.PipelineCreated:
		p = &b.Pipeline
	case *meeting.PipelineEnded:
		p = &b.Pipeline
	default:
		return m
	}
	if m == nil {
		m = e.meetings[p.Meeting]
	}
	if m == nil {
		m = &told{fold: event.Fold{Profile: event.PipelineProfile(p)}}
	}
	if e.logs[id] = m; p.Status.Over() {
		delete(e.logs, id)
	}
	return m
}

func (m *told) invite(list []meeting.Attendee) {
	for _, a := range list {
		m.users[a.ID] = a.ExternalUserID
	}
}

// fact takes in a fact that has just been written.
func (e *Events) fact(id meeting.ID, fact meeting.Fact) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m := e.meetings[id]; m != nil {
		m.seq++
		e.addLocked(m.fold.Fact(m.seq, fact))
	}
}

func (e *Events) addLocked(events []*event.Event) {
	if len(events) == 0 {
		return
	}
	e.list = append(e.list, events...)
	e.last += uint64(len(events))
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
	e.list, e.cleared = nil, e.last
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
	Events []json.RawMessage `json:"events"`           // as event buses deliver them
	Next   uint64            `json:"next"`             // the cursor to go on from
	Missed uint64            `json:"missed,omitempty"` // events after the cursor that are not kept any more
}

// Wait returns the events after a cursor that want accepts, as soon as there is
// one, and none when ctx ends first. Next is the number of the last event that
// was looked at.
func (e *Events) Wait(ctx context.Context, after uint64, want func(*event.Event) bool) Page {
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

func (e *Events) after(after uint64, want func(*event.Event) bool) (page Page, news <-chan struct{}, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	page = Page{Events: []json.RawMessage{}, Next: e.last}
	first := e.last - uint64(len(e.list)) // the number before the first that is kept
	if seen := max(after, e.cleared); seen < first {
		page.Missed = first - seen
	}
	if after < e.last {
		for i := max(after, first) - first; i < uint64(len(e.list)); i++ {
			if want(e.list[i]) {
				page.Events = append(page.Events, e.list[i].Bus())
			}
		}
	}
	return page, e.news, e.closed
}
