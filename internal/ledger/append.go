package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Headers of JetStream.
const (
	expectedSequence = "Nats-Expected-Last-Subject-Sequence"
	expectedSubject  = "Nats-Expected-Last-Subject-Sequence-Subject"
)

// Append stores data as the next entry of the meeting and returns its
// revision, once it is on the disk, or on those of most replicas. after is the
// revision of the meeting's last entry, zero when it has none.
//
// An answer that does not come is looked for until it is clear whether the
// entry is there. So an error says that nothing was stored, but for ErrLost and
// a fault, after which this process has no say in the slot, and for a *Pending,
// which tells later. ctx is looked at only before the write starts. What is
// Urgent may use the room that is kept for ends.
func (s *Slot) Append(ctx context.Context, id meeting.ID, after Revision, data []byte, u Urgency) (Revision, error) {
	return s.put(ctx, id, after, message{kind: kindEntry, before: after.sum, data: data}, u)
}

// End stores data as the last entry of the meeting, under the same rules as
// Append. The earlier entries are removed afterwards, and this one, with the
// meeting's facts, once keep has passed.
func (s *Slot) End(ctx context.Context, id meeting.ID, after Revision, data []byte, keep time.Duration) (Revision, error) {
	end := message{kind: kindEnd, before: after.sum, expires: time.Now().Add(keep), data: data}
	r, err := s.put(ctx, id, after, end, Urgent)
	var p *Pending
	switch {
	case err == nil:
		s.log.expiryOf(s).ended(s, id, r.Seq, end.expires)
	case errors.As(err, &p):
		s.log.background.Go(func() {
			if r, err := p.Wait(); err == nil {
				s.log.expiryOf(s).ended(s, id, r.Seq, end.expires)
			}
		})
	}
	return r, err
}

// AppendFact stores data as the next media-side fact of the meeting, after
// whatever is there. The outcome is as certain as that of Append.
func (s *Slot) AppendFact(ctx context.Context, id meeting.ID, data []byte) error {
	_, err := s.PlaceFact(ctx, id, data)
	return err
}

// PlaceFact is AppendFact that tells where the fact is stored. Entries and
// facts of a slot have one order, that of their sequences.
func (s *Slot) PlaceFact(ctx context.Context, id meeting.ID, data []byte) (Revision, error) {
	w := write{subject: factSubject(id), message: message{kind: kindEntry, data: data}}
	return s.storeRevision(ctx, id, &w)
}

func (s *Slot) put(ctx context.Context, id meeting.ID, after Revision, m message, u Urgency) (Revision, error) {
	w := write{subject: entrySubject(id), message: m, after: after.Seq, urgency: u}
	return s.storeRevision(ctx, id, &w)
}

func (s *Slot) storeRevision(ctx context.Context, id meeting.ID, w *write) (Revision, error) {
	seq, err := s.store(ctx, id, w)
	if err != nil {
		return Revision{}, err
	}
	return Revision{Seq: seq, sum: sumOf(w.stored)}, nil
}

// write is one message on its way into the log.
type write struct {
	message
	subject string
	after   uint64 // it comes after that sequence
	urgency Urgency
	stored  []byte
}

// store writes until the message is stored or it is certain that it is not.
func (s *Slot) store(ctx context.Context, id meeting.ID, w *write) (uint64, error) {
	switch {
	case id.Slot() != s.number:
		return 0, fmt.Errorf("ledger: meeting %v is not in slot %d", id, s.number)
	case len(w.data) > MaxEntry:
		return 0, ErrTooLarge
	case ctx.Err() != nil:
		return 0, fmt.Errorf("append not started: %w", ctx.Err())
	}
	end, err := s.begin()
	if err != nil {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx)
	w.nonce, w.time = rand.Uint64(), time.Now()
	w.stored = w.seal()
	seq, err := s.persist(ctx, w)
	var p *Pending
	if errors.As(err, &p) {
		s.log.background.Go(func() {
			defer end()
			<-p.done
		})
		return 0, err
	}
	end()
	return seq, err
}

// persist writes until it is clear whether the message is stored, or the time
// is over; then the error is a *Pending.
func (s *Slot) persist(ctx context.Context, w *write) (seq uint64, err error) {
	deadline := time.Now().Add(s.log.cfg.GiveUp)
	err = again(ctx, s.log.cfg.GiveUp, func() error {
		a, err := s.attempt(ctx, w)
		if errors.Is(err, errNoAnswer) {
			s.log.cfg.Logger.Warn("no answer to a write", "slot", s.number, "err", err)
			a.seq, err = s.resolve(ctx, a, w, err, deadline)
		}
		seq = a.seq
		return err
	})
	if err == nil {
		s.log.stored(s.number, seq, len(w.stored))
	}
	return seq, err
}

// Pending says that it is not known yet whether an entry was stored. It is an
// ErrUnavailable. Until Wait has returned, the meeting must not be written to.
type Pending struct {
	cause error
	done  chan struct{}

	// Set before done is closed.
	revision Revision
	err      error
}

// Error returns why it is not known.
func (p *Pending) Error() string {
	return fmt.Sprintf("%v: outcome not known yet: %v", ErrUnavailable, p.cause)
}

// Unwrap makes it an ErrUnavailable.
func (p *Pending) Unwrap() error { return ErrUnavailable }

// Wait waits until the outcome is known, and returns what the call would have.
func (p *Pending) Wait() (Revision, error) {
	<-p.done
	return p.revision, p.err
}

// stored notes that a message of the slot is stored.
func (l *Log) stored(slot int, seq uint64, size int) {
	stream := l.layout.streamOf(slot)
	l.space.add(stream, size)
	if l.cfg.alone() {
		l.witness.acknowledged(l.layout.streamName(stream), seq)
	}
}

// attempt is one attempt to write.
type attempt struct {
	engine *engine
	fence  uint64 // the marker it names
	seq    uint64 // of the message, when it is stored
}

func (s *Slot) attempt(ctx context.Context, w *write) (a attempt, err error) {
	e, done, err := s.log.begin()
	if err != nil {
		return a, err
	}
	defer done()
	stream := e.layout.streamOf(s.number)
	if err := s.log.space.admit(ctx, e, stream, len(w.stored), w.urgency); err != nil {
		return a, err
	}
	f, err := s.current(ctx, e)
	if err != nil {
		return a, err
	}
	a.engine, a.fence = e, f
	w.after = max(w.after, f) // it can only be stored behind the marker
	a.seq, err = e.send(ctx, &op{stream: stream, msg: &nats.Msg{Subject: w.subject, Data: w.stored, Header: s.expects(f)}})
	if errors.Is(err, errFence) {
		if lost := s.judge(ctx, e, f); lost != nil {
			return a, lost
		}
	}
	return a, err
}

// resolve finds out what became of an attempt that got no answer. When the
// message is not there, the error is the cause, after which it may be tried
// again. When that cannot be learnt by the deadline, it goes on by itself and
// returns a *Pending.
func (s *Slot) resolve(ctx context.Context, a attempt, w *write, cause error, deadline time.Time) (uint64, error) {
	for time.Now().Before(deadline) {
		if seq, err := s.lookUp(ctx, a, w); !errors.Is(err, errNoAnswer) {
			return found(seq, err, cause)
		}
		pause(ctx, tryAgainMost)
	}
	p := &Pending{cause: cause, done: make(chan struct{})}
	s.log.background.Go(func() { s.settle(ctx, p, a, w) })
	return 0, p
}

// settle finds out what p is about.
func (s *Slot) settle(ctx context.Context, p *Pending, a attempt, w *write) {
	defer close(p.done)
	seq, err := s.lookUp(ctx, a, w)
	for errors.Is(err, errNoAnswer) {
		pause(ctx, tryAgainMost)
		seq, err = s.lookUp(ctx, a, w)
	}
	if seq, p.err = found(seq, err, fmt.Errorf("%w: %w", ErrUnavailable, p.cause)); p.err == nil {
		s.log.stored(s.number, seq, len(w.stored))
		p.revision = Revision{Seq: seq, sum: sumOf(w.stored)}
	}
}

// found makes the outcome of a write from what a look at the log has shown.
func found(seq uint64, err, cause error) (uint64, error) {
	if err == nil && seq == 0 {
		return 0, cause
	}
	return seq, err
}

// lookUp tries once to learn what became of an attempt: the message's sequence,
// or 0 when it is not there. The error is errNoAnswer while that is not known,
// or why this process has no say any more.
func (s *Slot) lookUp(ctx context.Context, a attempt, w *write) (uint64, error) {
	if err := s.held(); err != nil {
		return 0, err
	}
	e, done, err := s.log.begin()
	if err != nil {
		if s.log.ended() {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer done()
	seq, err := s.find(ctx, e, a, w)
	if err != nil && !errors.Is(err, ErrLost) {
		err = fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return seq, err
}

// find looks for a message that was written, and returns its sequence, 0 when
// it is not there and never will be. What an engine has that was replaced is
// stored or gone, if it is nowhere else; otherwise the marker is written again
// first, so that the message can come no more.
func (s *Slot) find(ctx context.Context, e *engine, a attempt, w *write) (seq uint64, err error) {
	if e == a.engine || e.cfg.replicated() {
		if err := s.renew(ctx, e, a.fence); err != nil {
			return 0, err
		}
	}
	through := s.fence().seq
	look := func(_ subject, m stored) error {
		if m.nonce == w.nonce {
			seq = m.seq
		}
		return nil
	}
	stream := e.layout.streamOf(s.number)
	if !e.cfg.replicated() {
		return seq, e.load(ctx, stream, w.subject, w.after, look)
	}
	return seq, e.follow(ctx, stream, []string{w.subject, markerSubject(s.number)}, w.after, through, look)
}
