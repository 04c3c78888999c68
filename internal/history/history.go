package history

import (
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// What is kept.
const (
	// maxSamples of each connection: five minutes of them.
	maxSamples = 150
	// maxEnded connections are kept for each meeting beside the open ones, and
	// of these maxEndedEach for each attendee.
	maxEnded     = observe.MostEnded
	maxEndedEach = observe.MostEndedEach
	// maxPast meetings are remembered after their end, and of each the last
	// maxPastSessions connections.
	maxPast         = 256
	maxPastSessions = 100
	// maxRefusals is how many refused joins are remembered, over all meetings.
	// Anybody can make some by trying tokens, so they are kept apart from what
	// is known of those who got in.
	maxRefusals = 1024
)

// Log is what is kept of all meetings.
type Log struct {
	mu       sync.Mutex
	active   map[meeting.ID]*Meeting
	past     map[meeting.ID]past
	order    []meeting.ID // of past, the first to be forgotten first
	refusals ring[refusal]
	refused  uint64 // all there ever were, for their ids
}

// past is what is left of a meeting.
type past struct {
	sessions []observe.Session
	load     observe.Load
}

type refusal struct {
	meeting meeting.ID
	observe.Refusal
}

// New returns an empty Log.
func New() *Log {
	return &Log{
		active: make(map[meeting.ID]*Meeting), past: make(map[meeting.ID]past),
		refusals: ring[refusal]{max: maxRefusals},
	}
}

// Meeting returns what is kept of an active meeting, beginning it if need be.
func (l *Log) Meeting(id meeting.ID) *Meeting {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.active[id]
	if m == nil {
		m = &Meeting{open: make(map[*Connection]struct{})}
		l.active[id] = m
	}
	return m
}

// Retire ends a meeting: its open connections are taken to have ended with it
// at the time now, and what is kept of it shrinks.
func (l *Log) Retire(id meeting.ID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.active[id]
	if m == nil {
		return
	}
	delete(l.active, id)
	left := m.rest(now)
	if len(left.sessions) == 0 {
		return
	}
	if _, known := l.past[id]; !known {
		l.order = append(l.order, id)
	}
	l.past[id] = left
	for len(l.order) > maxPast {
		delete(l.past, l.order[0])
		l.order = l.order[1:]
	}
}

// Forget forgets a meeting that others have now, once it was retired.
func (l *Log) Forget(id meeting.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.past, id)
	l.order = slices.DeleteFunc(l.order, func(one meeting.ID) bool { return one == id })
}

// Sessions returns a meeting's connections, those that are open and the last
// ones that ended, in the order in which they were opened. now adds to each
// connection in it what only its owner knows; it may be nil.
func (l *Log) Sessions(id meeting.ID, now map[*Connection]Present) []observe.Session {
	l.mu.Lock()
	m, old := l.active[id], l.past[id]
	l.mu.Unlock()
	if m == nil {
		return append([]observe.Session(nil), old.sessions...)
	}
	return m.sessions(now)
}

// Load returns what has been summed up of a meeting so far: AttendeeTime of
// those who have gone, and Failures.
func (l *Log) Load(id meeting.ID) observe.Load {
	l.mu.Lock()
	m, old := l.active[id], l.past[id]
	l.mu.Unlock()
	if m == nil {
		return old.load
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load
}

// Refuse writes down a join to a meeting that was refused for its token.
func (l *Log) Refuse(id meeting.ID, at time.Time, remote netip.Addr, words string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	l.refusals.add(refusal{id, observe.Refusal{
		ID: strconv.FormatUint(l.refused, 10), At: observe.At(at), Remote: address(remote), Words: words,
	}})
}

// Refusals returns the latest refused joins to a meeting, oldest first.
func (l *Log) Refusals(id meeting.ID) []observe.Refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []observe.Refusal
	for _, one := range l.refusals.all() {
		if one.meeting == id {
			list = append(list, one.Refusal)
		}
	}
	return list
}

// address returns the text of an address, empty for the zero one.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
