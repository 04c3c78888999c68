package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// memo is what a slot's memo says, as JSON.
type memo struct {
	// Through is the sequence through which everything is done with.
	Through uint64 `json:"through"`
	// On is where each channel began.
	On map[string]uint64 `json:"on"`
	// Lanes are those that are further than Through.
	Lanes []progress `json:"lanes,omitempty"`
	// Tallies are those of meetings that are over and were recorded.
	Tallies []tally `json:"tallies,omitempty"`
}

// progress is how far a meeting's events to one destination are.
type progress struct {
	Meeting     meeting.ID `json:"m"`
	Destination string     `json:"d"`
	event.Position
}

// lanesMost bounds the lanes of a memo, and with it its size; those beyond may be
// told twice after a crash.
const lanesMost = 4000

func readMemo(data []byte) (m memo, err error) {
	if data == nil {
		return m, nil
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("memo of a slot: %w", err)
	}
	return m, nil
}

func (m memo) bytes() []byte {
	data, err := json.Marshal(m)
	if err != nil {
		panic("notify: a memo did not become JSON: " + err.Error())
	}
	return data
}

// laneKey names a lane.
type laneKey struct {
	meeting     meeting.ID
	destination string
}

// byLane returns how far each lane was.
func (m *memo) byLane() map[laneKey]event.Position {
	index := make(map[laneKey]event.Position, len(m.Lanes))
	for _, p := range m.Lanes {
		index[laneKey{p.Meeting, p.Destination}] = p.Position
	}
	return index
}

// touch has a memo written soon. It takes no lock, for it is called under those
// of destinations.
func (s *Slot) touch() {
	if s.timing.CompareAndSwap(false, true) {
		time.AfterFunc(s.n.cfg.MemoWait, func() { s.n.later(func() { s.writeMemo(s.ctx) }) })
	}
}

// later runs fn in the background, unless everything has ended. It may be called
// under the locks of destinations.
func (n *Notifier) later(fn func()) {
	n.life.Lock()
	defer n.life.Unlock()
	if !n.closed {
		n.background.Go(fn)
	}
}

// writeMemo writes down how far all is, and then forgets what is done with.
func (s *Slot) writeMemo(ctx context.Context) {
	s.writes.Lock()
	defer s.writes.Unlock()
	s.timing.Store(false) // what happens from here on may not be in it
	s.mu.Lock()
	m, gone := s.memoLocked(), s.gone
	s.mu.Unlock()
	if gone {
		return // and so is all that it would speak of
	}
	err := s.under.SetMemo(ctx, m.bytes())
	switch {
	case errors.Is(err, ledger.ErrLost) || ctx.Err() != nil:
		return
	case err != nil:
		s.n.cfg.Logger.Warn("could not write down how far events are: some may be told twice", "slot", s.Number(), "err", err)
		s.touch()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleLocked(&m)
}

// writeLast writes a memo if there is anything that the last one does not say.
func (s *Slot) writeLast(ctx context.Context) {
	if s.timing.Load() {
		s.writeMemo(ctx)
	}
}

// memoLocked returns how far all is.
func (s *Slot) memoLocked() memo {
	m := memo{Through: s.top, On: maps.Clone(s.on), Tallies: s.tallyLocked(time.Now())}
	for _, t := range s.meetings {
		m.Through = t.floorLocked(m.Through)
	}
	for _, t := range s.meetings {
		if t.last <= m.Through {
			continue
		}
		for i := range t.routes {
			r := &t.routes[i]
			done := r.progress()
			if done.Seq > m.Through && len(m.Lanes) < lanesMost {
				m.Lanes = append(m.Lanes, progress{t.profile.ID, r.dest.Name(), done})
			}
		}
	}
	return m
}

// settleLocked notes what a memo that is written covers, and forgets meetings
// that have ended and are not in the ledger any more.
func (s *Slot) settleLocked(m *memo) {
	written := m.byLane()
	for id, t := range s.meetings {
		t.tidyLocked()
		if t.last <= m.Through || t.quietLocked() && t.coveredBy(m, written) {
			t.settled = max(t.settled, t.last)
		}
		if t.ended && t.settled == t.last && t.order.settled() && !t.fold.Recording() && time.Since(t.touched) > s.n.cfg.Keep+time.Minute {
			s.forgetLocked(id)
		}
	}
}

// coveredBy reports whether the memo says of each of the meeting's destinations
// how far it is. Those that get each event by itself have no such word.
func (t *tracked) coveredBy(m *memo, written map[laneKey]event.Position) bool {
	for i := range t.routes {
		r := &t.routes[i]
		done := r.progress()
		if r.dest.Unordered() || done.Seq > m.Through && written[laneKey{t.profile.ID, r.dest.Name()}] != done {
			return false
		}
	}
	return true
}
