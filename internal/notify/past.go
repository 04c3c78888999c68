package notify

import (
	"container/list"
	"slices"
	"sync"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// What became of events is kept in memory, for people to look at: the latest
// pastEach of a meeting, and pastMost of all meetings together. When those are
// more, the meeting goes first of which nothing was heard for the longest time.
const (
	pastEach = 100
	pastMost = 20_000
)

// past is what became of the latest events. Its lock is taken under those of
// slots and destinations, and no other one under it.
type past struct {
	mu       sync.Mutex
	meetings map[meeting.ID]*list.Element // of *meetingPast; guarded by mu, as is all below
	order    *list.List                   // of *meetingPast, the one heard of last comes last
	events   int                          // of all meetings
}

// meetingPast is the part of one meeting.
type meetingPast struct {
	id   meeting.ID
	told []observe.Told // oldest first
}

func newPast() *past { return &past{meetings: map[meeting.ID]*list.Element{}, order: list.New()} }

// begin notes that an event goes on its way to a destination.
func (p *past) begin(e *event.Event, destination string) {
	way := observe.Way{Destination: destination, State: observe.WayWaits}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.ofLocked(e.Meeting.ID)
	if n := len(m.told); n > 0 && m.told[n-1].ID == e.ID {
		m.told[n-1].Ways = append(m.told[n-1].Ways, way)
		return
	}
	if len(m.told) == pastEach {
		m.told[0] = observe.Told{}
		m.told = m.told[1:]
		p.events--
	}
	m.told = append(m.told, observe.Told{ID: e.ID, Sequence: e.Sequence, Type: e.Type, At: observe.At(e.Time), Ways: []observe.Way{way}})
	for p.events++; p.events > pastMost; {
		p.forgetLocked(p.order.Front())
	}
}

// ofLocked returns a meeting's part, as the one heard of last.
func (p *past) ofLocked(id meeting.ID) *meetingPast {
	place := p.meetings[id]
	if place == nil {
		place = p.order.PushBack(&meetingPast{id: id})
		p.meetings[id] = place
	}
	p.order.MoveToBack(place)
	return place.Value.(*meetingPast)
}

// came notes what came of an attempt.
func (p *past) came(o outbox.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := p.meetings[o.Event.Meeting.ID]
	if place == nil {
		return
	}
	for _, told := range slices.Backward(place.Value.(*meetingPast).told) {
		if told.ID != o.Event.ID {
			continue
		}
		for i := range told.Ways {
			if w := &told.Ways[i]; w.Destination == o.Destination {
				w.State, w.Attempts, w.Last, w.Answer = stateAfter(o.Result), o.Attempts, observe.At(o.Last), o.Code
			}
		}
		return
	}
}

func stateAfter(r outbox.Result) observe.WayState {
	switch r {
	case outbox.OK:
		return observe.WayTaken
	case outbox.Dead:
		return observe.WayDead
	case outbox.Lost:
		return observe.WayLost
	}
	return observe.WayWaits
}

// forget forgets a meeting, because somebody else tells its events now.
func (p *past) forget(id meeting.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if place := p.meetings[id]; place != nil {
		p.forgetLocked(place)
	}
}

func (p *past) forgetLocked(place *list.Element) {
	m := p.order.Remove(place).(*meetingPast)
	delete(p.meetings, m.id)
	p.events -= len(m.told)
}

// of returns what is known of a meeting's events, oldest first.
func (p *past) of(id meeting.ID) []observe.Told {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := p.meetings[id]
	if place == nil {
		return nil
	}
	told := slices.Clone(place.Value.(*meetingPast).told)
	for i := range told {
		told[i].Ways = slices.Clone(told[i].Ways)
	}
	return told
}
