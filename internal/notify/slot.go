package notify

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
)

// Slot is a slot of the ledger, whose writes are told to the outside once they
// are stored. Its methods are those of *ledger.Slot.
type Slot struct {
	n      *Notifier
	under  *ledger.Slot
	ctx    context.Context // of what is sent
	cancel context.CancelFunc
	jobs   *serial.Queue // makes events, in order
	timing atomic.Bool   // a memo is going to be written
	writes sync.Mutex    // held while a memo is written

	mu       sync.Mutex
	gone     bool                    // guarded by mu
	meetings map[meeting.ID]*tracked // guarded by mu
	logs     map[meeting.ID]*tracked // by media pipeline: its meeting; guarded by mu
	tallies  map[meeting.ID]tally    // guarded by mu
	top      uint64                  // the highest sequence known; guarded by mu
	on       map[string]uint64       // by channel: where it began; set by the adoption
}

// Number returns which slot it is.
func (s *Slot) Number() int { return s.under.Number() }

// Load is that of the ledger.
func (s *Slot) Load(ctx context.Context, id meeting.ID, through ledger.Revision) ([]ledger.Entry, error) {
	return s.under.Load(ctx, id, through)
}

// LoadWhole is that of the ledger.
func (s *Slot) LoadWhole(ctx context.Context, id meeting.ID) ([]ledger.Entry, error) {
	return s.under.LoadWhole(ctx, id)
}

// LoadFacts is that of the ledger.
func (s *Slot) LoadFacts(ctx context.Context, id meeting.ID) ([]ledger.Entry, error) {
	return s.under.LoadFacts(ctx, id)
}

// Append is that of the ledger.
func (s *Slot) Append(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, u ledger.Urgency) (ledger.Revision, error) {
	if after.Seq == 0 {
		s.track(id, data)
	}
	t, tk := s.begin(id)
	r, err := s.under.Append(ctx, id, after, data, u)
	s.finish(t, tk, t.entry(id, ledger.Entry{Revision: r, Data: data}), err)
	return r, err
}

// End is that of the ledger.
func (s *Slot) End(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, keep time.Duration) (ledger.Revision, error) {
	t, tk := s.begin(id)
	r, err := s.under.End(ctx, id, after, data, keep)
	s.finish(t, tk, t.entry(id, ledger.Entry{Revision: r, Data: data}), err)
	return r, err
}

// AppendFact is that of the ledger.
func (s *Slot) AppendFact(ctx context.Context, id meeting.ID, data []byte) error {
	t, tk := s.begin(id)
	r, err := s.under.PlaceFact(ctx, id, data)
	s.finish(t, tk, t.entry(id, ledger.Entry{Revision: r, Data: data, Fact: true}), err)
	return err
}

// Discard is that of the ledger. What of the meeting was not told yet is not
// told any more.
func (s *Slot) Discard(ctx context.Context, id meeting.ID) error {
	s.mu.Lock()
	s.forgetLocked(id)
	delete(s.logs, id)
	s.mu.Unlock()
	return s.under.Discard(ctx, id)
}

// Release is that of the ledger. How far the events are is written down first.
func (s *Slot) Release(ctx context.Context) error {
	s.writeLast(ctx)
	s.leave()
	return s.under.Release(ctx)
}

// leave ends all sending: somebody else sees to the events now.
func (s *Slot) leave() {
	s.cancel()
	s.jobs.Close()
	s.n.mu.Lock()
	if s.n.slots[s.Number()] == s {
		s.n.slots[s.Number()] = nil
	}
	s.n.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for id := range s.meetings {
		s.forgetLocked(id)
		s.n.past.forget(id)
	}
}

// watch leaves the slot when somebody else has it.
func (s *Slot) watch() {
	select {
	case <-s.under.Lost():
		s.leave()
	case <-s.ctx.Done():
	}
}

// followedLocked returns the meeting of a log, its own or that of one of its
// media pipelines; nil when nobody is told of it.
func (s *Slot) followedLocked(id meeting.ID) *tracked {
	if t := s.meetings[id]; t != nil {
		return t
	}
	return s.logs[id]
}

// begin notes that something is about to be written of a meeting; nil when
// nobody is told of it.
func (s *Slot) begin(id meeting.ID) (*tracked, *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.followedLocked(id)
	if t == nil {
		return nil, nil
	}
	return t, t.order.begin(s.top)
}

// finish notes what became of it. When that is not known yet, it waits for it in
// the background, and so do the events of what is written after.
func (s *Slot) finish(t *tracked, tk *ticket, e entry, err error) {
	if t == nil {
		return
	}
	var pending interface {
		Wait() (ledger.Revision, error)
	}
	if errors.As(err, &pending) {
		s.n.later(func() {
			e.Revision, err = pending.Wait()
			s.known(t, tk, e, err)
		})
		return
	}
	s.known(t, tk, e, err)
}

func (s *Slot) known(t *tracked, tk *ticket, e entry, err error) {
	if err != nil {
		e.Revision = ledger.Revision{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	free := t.order.end(tk, e)
	seq := e.Revision.Seq
	s.top, t.last = max(s.top, seq), max(t.last, seq)
	if t.last == 0 && t.order.settled() {
		s.forgetLocked(t.profile.ID) // it was not created after all
		return
	}
	for _, e := range free {
		t.jobs = append(t.jobs, e.Revision.Seq)
		s.jobs.Push(func() { s.make(t, e) })
	}
	t.touched = time.Now()
}

// track begins to follow a meeting whose first record is about to be written, if
// somebody is to be told of it.
func (s *Slot) track(id meeting.ID, data []byte) {
	if meeting.BeginsPipeline(data) {
		s.trackPipeline(id, data)
		return
	}
	var o meeting.Outline
	if err := o.Add(data); err != nil || o.Profile == nil {
		return // the ledger's readers say so
	}
	routes := s.routes(o.Profile)
	if len(routes) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.meetings[id] != nil || s.gone {
		for i := range routes {
			s.n.give(routes[i].dest)
		}
		return
	}
	s.meetings[id] = newTracked(o.Profile, routes)
}

func newTracked(p *meeting.Profile, routes []route) *tracked {
	t := &tracked{profile: p, routes: routes, touched: time.Now()}
	t.fold.Profile = p
	return t
}

// routes returns where a meeting's events go.
func (s *Slot) routes(p *meeting.Profile) (all []route) {
	for i := range s.n.cfg.Channels {
		ch := &s.n.cfg.Channels[i]
		if name, ok := ch.Route(p); ok {
			all = append(all, route{channel: ch.Name, dest: s.n.take(ch, name), on: s.on[ch.Name]})
		}
	}
	return all
}

// forgetLocked stops following a meeting.
func (s *Slot) forgetLocked(id meeting.ID) {
	t := s.meetings[id]
	if t == nil {
		return
	}
	delete(s.meetings, id)
	maps.DeleteFunc(s.logs, func(_ meeting.ID, of *tracked) bool { return of == t })
	for i := range t.routes {
		t.routes[i].lanes(dropLane)
		s.n.give(t.routes[i].dest)
	}
}

// needs reports whether something of a meeting has still to be told.
func (s *Slot) needs(id meeting.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.followedLocked(id)
	return t != nil && (t.settled < t.last || !t.order.settled())
}
