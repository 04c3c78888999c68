package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Adopt makes this process the owner of the slots, whoever owned them before,
// and calls read for every entry and fact in them, those of one meeting in the
// order in which they were stored. It calls read from several goroutines at
// once, but never from two for the same slot. It stops at read's first error
// and returns it; no slot is held then.
//
// What read has seen is all there is: the slots are read until their own new
// markers come, and nobody else can write behind those. A process that has its
// streams to itself goes on with the markers that are there when it adopts a
// slot for the first time: nobody's write can be under way.
func (l *Log) Adopt(ctx context.Context, slots []int, read func(meeting.ID, Entry) error) ([]*Slot, error) {
	e, done, err := l.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	held, err := l.claim(slots)
	if err != nil {
		return nil, err
	}
	byStream := make([][]*Slot, l.layout.Streams)
	for _, s := range held {
		i := l.layout.streamOf(s.number)
		byStream[i] = append(byStream[i], s)
	}
	err = l.mark(ctx, e, byStream)
	if err == nil {
		err = l.readSlots(ctx, e, byStream, read)
	}
	for _, s := range held {
		if err == nil {
			err = s.held() // somebody else may have been quicker
		}
	}
	for _, s := range held {
		s.finish(err == nil)
	}
	if err != nil {
		return nil, err
	}
	return held, nil
}

// finish ends the adoption of a slot.
func (s *Slot) finish(adopted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopting = false
	s.over = s.over || !adopted
}

// claim makes the slots, which this process must not hold yet.
func (l *Log) claim(numbers []int) ([]*Slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slots := make([]*Slot, 0, len(numbers))
	for _, n := range numbers {
		if n < 0 || n >= meeting.Slots {
			return nil, fmt.Errorf("ledger: there is no slot %d", n)
		}
		if old := l.slots[n]; old != nil && old.held() == nil || slices.ContainsFunc(slots, func(s *Slot) bool { return s.number == n }) {
			return nil, fmt.Errorf("ledger: slot %d is held already", n)
		}
		first := l.cfg.alone() && !l.known[n]
		slots = append(slots, &Slot{log: l, number: n, lost: make(chan struct{}), adopting: true, first: first})
	}
	for _, s := range slots {
		l.slots[s.number], l.known[s.number] = s, true
		if s.first {
			s.mark = fence{placed: placed{marker: marker{Node: l.cfg.Node}, nonce: rand.Uint64()}, at: wallNow()}
		}
	}
	return slots, nil
}

func (s *Slot) beingAdopted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.adopting
}

// owned returns the slots that this process holds.
func (l *Log) owned() (slots []*Slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.slots {
		if s != nil && s.held() == nil && !s.beingAdopted() {
			slots = append(slots, s)
		}
	}
	return slots
}

// mark writes the markers of the slots, all at once: those of one stream wait
// for each other there.
func (l *Log) mark(ctx context.Context, e *engine, byStream [][]*Slot) error {
	errs := make([]error, meeting.Slots)
	var wg sync.WaitGroup
	for stream, slots := range byStream {
		slots = slices.DeleteFunc(slices.Clone(slots), func(s *Slot) bool { return s.first })
		if len(slots) == 0 {
			continue
		}
		before, err := e.lastMarkers(ctx, stream)
		if err != nil {
			before = nil // each slot asks for its own
		}
		for _, s := range slots {
			wg.Go(func() {
				if err := s.adopt(ctx, e, before[s.number]); err != nil {
					errs[s.number] = fmt.Errorf("marker of slot %d: %w", s.number, err)
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// readSlots reads the streams of the slots, one for each processor at a time:
// all of a stream at once, or slot by slot, since one filter is much cheaper than
// several.
func (l *Log) readSlots(ctx context.Context, e *engine, byStream [][]*Slot, read func(meeting.ID, Entry) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan []*Slot, meeting.Slots)
	for _, some := range byStream {
		if len(some)*l.layout.Streams == meeting.Slots {
			work <- some
			continue
		}
		for i := range some {
			work <- some[i : i+1]
		}
	}
	close(work)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(work)) {
		wg.Go(func() {
			for some := range work {
				if err := l.readStream(ctx, e, some, read); err != nil {
					cancel(err) // the first one is kept
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// readStream reads slots of one stream until their markers come, or all there is
// if they are adopted for the first time.
func (l *Log) readStream(ctx context.Context, e *engine, slots []*Slot, read func(meeting.ID, Entry) error) error {
	stream := l.layout.streamOf(slots[0].number)
	var filter []string
	through, mine := uint64(0), map[int]*Slot{}
	for _, s := range slots {
		filter = append(filter, anyOf(s.number))
		s.adopted = s.mark.seq
		through, mine[s.number] = max(through, s.mark.seq), s
	}
	if len(slots)*l.layout.Streams == meeting.Slots {
		filter = nil // all there is
	}
	links := chain{}
	take := func(p subject, m stored) error {
		s := mine[p.slot]
		if s == nil {
			return nil
		}
		if s.first {
			s.adopted = m.seq
		}
		switch {
		case m.kind == kindMarker && s.first:
			return s.resume(m)
		case m.kind == kindMarker && m.seq > s.mark.seq:
			s.lose(placed{seq: m.seq, nonce: m.nonce})
			return ErrLost
		case m.kind == kindMarker:
			return nil
		case p.memo:
			s.memo = m.data
			return nil
		case m.kind == kindEnd:
			l.expiryOf(s).ended(s, p.id, m.seq, m.expires)
		}
		return read(p.id, links.entry(p, m))
	}
	// Most starts find little: one request brings it, without a consumer.
	b := batch{engine: e, stream: e.layout.streamName(stream), within: e.cfg.AnswerWithin, fn: parsed(take)}
	if filter == nil && !e.cfg.replicated() {
		more, err := b.fetch(ctx)
		if trouble := e.check(); trouble != nil {
			return trouble
		}
		if err == nil && !more || err != nil && !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	return e.follow(ctx, stream, filter, b.after, through, take)
}

// resume goes on with a marker that was stored before this process began.
func (s *Slot) resume(m stored) error {
	p, err := parseMarker(m)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Node = s.log.cfg.Node
	s.mark = fence{placed: p, at: m.time}
	return nil
}
