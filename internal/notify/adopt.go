package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/serial"
)

// found is a meeting as an adoption reads it.
type found struct {
	id             meeting.ID
	profile        *meeting.Profile      // nil for one that nobody is told of
	passed         bool                  // nobody is told of it
	outlined       bool                  // its first record was looked at
	fold           event.Fold            // of its own records and facts
	records, facts uint64                // sequences of the last ones
	pipelines      map[meeting.ID]uint64 // the same of its pipelines
	recorded       []entry               // all of those, by sequence
	tally          tally                 // as the memo said
}

// last is the sequence of the last entry.
func (f *found) last() uint64 {
	last := max(f.records, f.facts)
	for _, seq := range f.pipelines {
		last = max(last, seq)
	}
	return last
}

// Adopt is that of the ledger. What the slots' meetings have not told yet goes
// on its way before it returns; a channel that is new begins with what happens
// from now on, and that is written down.
func (n *Notifier) Adopt(ctx context.Context, numbers []int, read func(meeting.ID, ledger.Entry) error) ([]*Slot, error) {
	n.setLoading(numbers, true)
	defer n.setLoading(numbers, false)
	var seen [meeting.Slots]map[meeting.ID]*found // each used by one goroutine at a time
	for _, number := range numbers {
		if number >= 0 && number < meeting.Slots {
			seen[number] = map[meeting.ID]*found{}
		}
	}
	under, err := n.store.Adopt(ctx, numbers, func(id meeting.ID, e ledger.Entry) error {
		n.look(seen[id.Slot()], id, e)
		return read(id, e)
	})
	if err != nil {
		return nil, err
	}
	slots := make([]*Slot, len(under))
	for i, u := range under {
		s := &Slot{n: n, under: u, jobs: serial.New(&n.background), meetings: map[meeting.ID]*tracked{}, logs: map[meeting.ID]*tracked{},
			tallies: map[meeting.ID]tally{}, top: u.Through()}
		s.ctx, s.cancel = context.WithCancel(n.ctx)
		slots[i] = s
		if err := s.resume(seen[s.Number()]); err != nil {
			for _, s := range slots[:i+1] {
				s.leave()
			}
			for _, u := range under {
				err = errors.Join(err, u.Release(ctx))
			}
			return nil, err
		}
		n.mu.Lock()
		n.slots[s.Number()] = s
		n.mu.Unlock()
		n.background.Go(s.watch)
	}
	return slots, nil
}

func (n *Notifier) setLoading(numbers []int, loading bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, number := range numbers {
		if number >= 0 && number < meeting.Slots {
			n.loading[number] = loading
		}
	}
}

// look takes note of an entry that an adoption reads. Events are counted, not
// kept: few of them were not told yet.
func (n *Notifier) look(seen map[meeting.ID]*found, id meeting.ID, e ledger.Entry) {
	f := seen[id]
	if f != nil && f.id != id || f == nil && !e.Fact && meeting.BeginsPipeline(e.Data) {
		n.lookAtPipeline(seen, id, e)
		return
	}
	if f == nil {
		f = &found{id: id}
		seen[id] = f
	}
	if !f.outlined && !e.Fact {
		f.outlined = true
		var o meeting.Outline
		if err := o.Add(e.Data); err != nil {
			o.Profile = nil
		}
		n.meet(f, o.Profile)
	}
	if f.profile == nil {
		return // nobody is told of it; or it is a fact of a meeting whose end alone is left
	}
	if e.Fact {
		f.facts = e.Revision.Seq
	} else {
		f.records = e.Revision.Seq
	}
	// What cannot be read here is reported by control.
	_, _ = foldEntry(&f.fold, e, people{})
}

// lookAtPipeline takes note of a record of a media pipeline.
func (n *Notifier) lookAtPipeline(seen map[meeting.ID]*found, id meeting.ID, e ledger.Entry) {
	f := seen[id]
	if f == nil {
		p, err := firstOfPipeline(e.Data)
		if err != nil {
			return // control says so
		}
		if f = seen[p.Meeting]; f == nil {
			f = &found{id: p.Meeting}
			seen[p.Meeting] = f
		}
		if seen[id] = f; f.profile == nil && !f.passed {
			n.meet(f, event.PipelineProfile(p))
		}
	}
	if f.profile == nil {
		return
	}
	if f.pipelines == nil {
		f.pipelines = map[meeting.ID]uint64{}
	}
	f.pipelines[id] = e.Revision.Seq
	f.recorded = append(f.recorded, entry{e, id})
}

func firstOfPipeline(data []byte) (*meeting.Pipeline, error) {
	rec, err := meeting.DecodeRecord(data)
	if err != nil {
		return nil, err
	}
	return (*meeting.Pipeline)(nil).Fold(rec)
}

// meet notes whose meeting it is; p is nil when nobody can tell.
func (n *Notifier) meet(f *found, p *meeting.Profile) {
	if f.passed = p == nil || !n.routed(p); f.passed {
		p = nil
	}
	f.profile, f.fold.Profile = p, p
}

func (n *Notifier) routed(p *meeting.Profile) bool {
	return slices.ContainsFunc(n.cfg.Channels, func(ch Channel) bool {
		_, ok := ch.Route(p)
		return ok
	})
}

// resume goes on where the former owner was.
func (s *Slot) resume(seen map[meeting.ID]*found) error {
	m, err := readMemo(s.under.Memo())
	if err != nil {
		return err
	}
	fresh := false
	s.on = map[string]uint64{}
	for _, ch := range s.n.cfg.Channels {
		at, known := m.On[ch.Name]
		if !known {
			at, fresh = s.under.Through(), true
		}
		s.on[ch.Name] = at
	}
	done := m.byLane()
	for _, y := range m.Tallies {
		s.tallies[y.Meeting] = y
	}
	for _, id := range slices.SortedFunc(maps.Keys(seen), func(a, b meeting.ID) int {
		return event.Position{Seq: seen[a].records}.Compare(event.Position{Seq: seen[b].records})
	}) {
		if f := seen[id]; f.profile != nil && f.id == id {
			f.tally = s.tallies[id]
			s.resumeMeeting(f, m.Through, done)
		}
	}
	if !fresh {
		return nil
	}
	return s.under.SetMemo(s.ctx, memo{Through: m.Through, On: s.on, Lanes: m.Lanes, Tallies: m.Tallies}.bytes())
}

// resumeMeeting follows a meeting, and makes its events again if some were not
// told.
func (s *Slot) resumeMeeting(f *found, through uint64, done map[laneKey]event.Position) {
	t := newTracked(f.profile, s.routes(f.profile))
	t.last, t.ended = f.last(), f.fold.Ended || f.records == 0
	t.fold = f.counted()
	behind := false
	for i := range t.routes {
		r := &t.routes[i]
		r.on = max(r.on, through)
		r.done = done[laneKey{t.profile.ID, r.dest.Name()}]
		behind = behind || t.last > r.on
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meetings[t.profile.ID] = t
	for pipeline := range f.pipelines {
		s.logs[pipeline] = t
	}
	if !behind {
		t.settled = t.last
		return
	}
	t.jobs = append(t.jobs, through+1)
	s.jobs.Push(func() { s.catchUp(t, f) })
	t.touched = time.Now()
}

// counted returns the fold of all that was found.
func (f *found) counted() event.Fold {
	t := tracked{fold: f.fold}
	f.tally.refold(&t.fold, f.recorded, func(e entry) {
		_, _ = t.pipelineEvents(e) // what cannot be read is reported by control
	})
	return t.fold
}
