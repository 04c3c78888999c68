package history

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Meeting is what is kept of one active meeting: its open connections, and of
// each attendee the last few that ended.
type Meeting struct {
	mu    sync.Mutex
	open  map[*Connection]struct{}
	ended []*Connection // oldest first
	load  observe.Load  // AttendeeTime of those who have gone, and Failures
}

// Start says whose connection begins.
type Start struct {
	Attendee meeting.ID
	External string // the attendee's ExternalUserId
	Content  bool   // a content share
	Remote   netip.Addr
	At       time.Time // when its token was found valid
}

// Open begins a connection.
func (m *Meeting) Open(s Start) *Connection {
	c := &Connection{meeting: m, samples: ring[observe.Sample]{max: maxSamples}}
	c.seen = observe.Session{
		Key: observe.SessionKey(s.Attendee, s.Content), Attendee: s.Attendee, External: s.External, Content: s.Content,
		State: observe.Joining, Opened: observe.At(s.At), Remote: address(s.Remote),
	}
	c.stepLocked(observe.StepToken, s.At)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[c] = struct{}{}
	return c
}

// Attended adds the time an attendee has spent in the meeting.
func (m *Meeting) Attended(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load.AttendeeTime += observe.Minutes(d)
}

// settleLocked moves a connection that has ended, and whose socket is gone, to
// the ended ones.
func (m *Meeting) settleLocked(c *Connection) {
	if _, open := m.open[c]; !open || !c.closed || c.seen.Ended.IsZero() {
		return
	}
	delete(m.open, c)
	if c.seen.State == observe.Failed {
		m.load.Failures++
	}
	kept := 0
	for i := len(m.ended) - 1; i >= 0; i-- {
		if m.ended[i].seen.Key == c.seen.Key {
			if kept++; kept >= maxEndedEach {
				m.ended = slices.Delete(m.ended, i, i+1)
			}
		}
	}
	if over := len(m.ended) - maxEnded + 1; over > 0 {
		m.ended = slices.Delete(m.ended, 0, over)
	}
	m.ended = append(m.ended, c)
}

// Present is what is known of a connection that is in use now.
type Present struct {
	Connected              bool // media is up and the attendee present
	Muted, Silenced, Video bool // as in observe.Session
	Now                    observe.Now
}

// sessions lists the connections in the order in which they were opened.
func (m *Meeting) sessions(now map[*Connection]Present) []observe.Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessionsLocked(now)
}

func (m *Meeting) sessionsLocked(now map[*Connection]Present) []observe.Session {
	all := slices.Clone(m.ended)
	for c := range m.open {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Connection) int {
		return cmp.Or(a.seen.Opened.Compare(b.seen.Opened.Time), cmp.Compare(a.seen.Key, b.seen.Key))
	})
	list := make([]observe.Session, len(all))
	for i, c := range all {
		if p, inUse := now[c]; inUse {
			list[i] = c.viewNowLocked(p)
		} else {
			list[i] = c.viewLocked()
		}
	}
	return list
}

// rest is what remains of the meeting when it ends: the last connections,
// without samples.
func (m *Meeting) rest(now time.Time) past {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.open {
		c.endLocked(observe.Removed, now, "the meeting ended")
	}
	all := m.sessionsLocked(nil)
	all = slices.Clone(all[max(0, len(all)-maxPastSessions):])
	for i := range all {
		all[i].Samples = nil
	}
	return past{sessions: all, load: m.load}
}
