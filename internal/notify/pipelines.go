package notify

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// Media pipelines have logs of their own, in the slot of their meeting. Their
// records are put in among those of the meeting: they are told in its order, in
// its lanes, and counted with its events. A pipeline may outlive its meeting by
// weeks; then a tally says how many events the meeting has had.

// tally is how many events a meeting had that is over.
type tally struct {
	Meeting meeting.ID `json:"m"`
	Seq     uint64     `json:"s"` // through that sequence
	Count   uint64     `json:"n"`
	Until   int64      `json:"u"` // when it may be forgotten, in seconds
}

// tallyKept is how long a tally is kept: as long as what a meeting's capture
// has recorded can be concatenated, and a day.
const tallyKept = 31 * 24 * time.Hour

// talliesMost bounds the tallies of a memo, and with it its size. Without one, a
// pipeline's events are counted from 1.
const talliesMost = 4000

// refold calls fold for a meeting's entries, in order, and has the events behind
// the tally, if there is one, counted from it.
func (y tally) refold(f *event.Fold, entries []entry, fold func(entry)) {
	behind := y == tally{}
	resume := func() {
		if !behind {
			f.Resume(y.Count)
			behind = true
		}
	}
	for _, e := range entries {
		if e.Revision.Seq > y.Seq {
			resume()
		}
		fold(e)
	}
	resume()
}

// entry says which log an entry is of. t may be nil.
func (t *tracked) entry(log meeting.ID, e ledger.Entry) entry {
	if t == nil || log == t.profile.ID {
		return entry{Entry: e}
	}
	return entry{e, log}
}

// trackPipeline begins to follow a pipeline whose first record is about to be
// written, if somebody is to be told of its meeting.
func (s *Slot) trackPipeline(id meeting.ID, data []byte) {
	rec, err := meeting.DecodeRecord(data)
	if err != nil {
		return // the ledger's readers say so
	}
	created, ok := rec.Body.(*meeting.PipelineCreated)
	if !ok {
		return
	}
	p := event.PipelineProfile(&created.Pipeline)
	s.mu.Lock()
	t := s.meetings[p.ID]
	s.mu.Unlock()
	var routes []route
	if t == nil {
		if routes = s.routes(p); len(routes) == 0 {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t = s.meetings[p.ID]; t == nil && !s.gone && len(routes) > 0 {
		t = newTracked(p, routes)
		t.ended = true
		t.fold.Resume(s.tallies[p.ID].Count)
		s.meetings[p.ID] = t
		routes = nil
	}
	for i := range routes {
		s.n.give(routes[i].dest)
	}
	if t != nil {
		s.logs[id] = t
	}
}

// pipelineEvents returns the events of a pipeline's next record.
func (t *tracked) pipelineEvents(e entry) ([]*event.Event, error) {
	rec, err := meeting.DecodeRecord(e.Data)
	if err != nil {
		return nil, err
	}
	return t.fold.PipelineRecord(e.Revision.Seq, e.pipeline, rec)
}

// tallyLocked brings the tallies up to date and returns those to be written
// down.
func (s *Slot) tallyLocked(now time.Time) []tally {
	for id, t := range s.meetings {
		if t.ended && len(t.jobs) == 0 && len(t.order.held) == 0 && t.fold.Recorded() {
			s.tallies[id] = tally{id, t.last, t.fold.Count, now.Add(tallyKept).Unix()}
		}
	}
	maps.DeleteFunc(s.tallies, func(_ meeting.ID, y tally) bool { return y.Until < now.Unix() })
	all := slices.SortedFunc(maps.Values(s.tallies), func(a, b tally) int {
		return cmp.Or(cmp.Compare(b.Seq, a.Seq), slices.Compare(a.Meeting[:], b.Meeting[:]))
	})
	return all[:min(len(all), talliesMost)]
}
