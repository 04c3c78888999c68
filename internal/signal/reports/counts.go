package reports

import (
	"maps"
	"sync"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// other is what events are counted as that are not known.
const other = "other"

// Names returns by which names events are counted: those that clients have for
// them, and "other" for whatever else comes. A name is the client's to choose,
// and metrics have to stay few.
func Names() []string {
	return []string{
		"meetingStartRequested", "meetingStartSucceeded", "meetingStartFailed", "meetingReconnected", "meetingEnded", "meetingFailed",
		"attendeePresenceReceived", "signalingDropped", "receivingAudioDropped", "sendingAudioFailed", "sendingAudioRecovered",
		"audioInputSelected", "audioInputUnselected", "audioInputFailed", "videoInputSelected", "videoInputUnselected", "videoInputFailed",
		"deviceLabelTriggerFailed", other,
	}
}

// counts are the events reported since the start, by name.
type counts struct {
	mu     sync.Mutex
	byName map[string]uint64 // has every name that is counted
}

func newCounts() *counts {
	c := &counts{byName: make(map[string]uint64)}
	for _, name := range Names() {
		c.byName[name] = 0
	}
	return c
}

// add counts an event and returns the name it was counted by.
func (c *counts) add(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, counted := c.byName[name]; !counted {
		name = other
	}
	c.byName[name]++
	return name
}

// Counts returns how many events were reported since the start, by name;
// see Names.
func (h *Handler) Counts() map[string]uint64 {
	h.counts.mu.Lock()
	defer h.counts.mu.Unlock()
	return maps.Clone(h.counts.byName)
}

// How many reports of one meeting are taken, and of how many meetings this is
// remembered.
const (
	reportRate  = 20 // per second
	reportBurst = 400
	maxMeetings = 200
)

// limits bound the reports of the meetings heard of last.
type limits struct {
	mu        sync.Mutex
	order     []meeting.ID // the one first heard of longest ago first
	byMeeting map[meeting.ID]*rate.Limiter
}

func newLimits() *limits { return &limits{byMeeting: make(map[meeting.ID]*rate.Limiter)} }

// allow counts another report of the meeting; false when there are too many.
func (l *limits) allow(id meeting.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.byMeeting[id]
	if one == nil {
		one = rate.NewLimiter(reportRate, reportBurst)
		l.byMeeting[id] = one
		l.order = append(l.order, id)
		if len(l.order) > maxMeetings {
			delete(l.byMeeting, l.order[0])
			l.order = l.order[1:]
		}
	}
	return one.Allow()
}
