package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A slot's marker is its fence. Whoever adopts the slot writes a new one, by
// compare-and-set on the one before, and every write of an owner names the
// sequence of its own marker as the last one that it expects there. So the
// stream itself refuses a former owner, whatever that believes.
//
// A marker that the owner writes again does two more things. It is a barrier:
// once it is stored, a write of before that has not arrived yet never will, and
// what became of it can be read. And it keeps the marker among the newest
// messages, where the server finds it in memory.
//
// All markers of one adoption have one nonce, by which the owner knows them: one
// that was stored long after anybody waited for it is still the owner's own.

const (
	// markEvery is after how many bytes of its stream an owner writes its
	// marker again.
	markEvery = 4 << 20

	// tryAgain is the first pause before another attempt, which doubles up to
	// tryAgainMost.
	tryAgain     = 2 * time.Millisecond
	tryAgainMost = 200 * time.Millisecond
)

// Slot is a slot that this process owns. Its methods may be called from any
// goroutine, but those that write to one meeting, one after the other: the
// owner keeps the order within a meeting, the fence keeps everybody else out.
type Slot struct {
	log    *Log
	number int
	lost   chan struct{} // closed when over is set by somebody else's marker
	first  bool          // no write of an earlier owner can be under way

	memo    []byte // as Adopt found it
	adopted uint64 // sequence of the marker that Adopt wrote, or of the last message that it read
	memos   int    // how many SetMemo has stored

	marking sync.Mutex // held while a marker is written or looked up

	mu       sync.Mutex
	mark     fence          // guarded by mu
	over     bool           // guarded by mu; lost or released
	adopting bool           // guarded by mu; nobody else has the slot yet
	calls    sync.WaitGroup // Add only under mu while not over
}

// fence is the owner's marker. seq is 0 when a ledger alone has had no need of
// one: that none is there can be expected, too, and costs the server nothing.
type fence struct {
	placed
	at    time.Time // when it was written, by the wall clock; zero when it is missing
	bytes int64     // what the stream had been written then
}

// Number returns which slot it is.
func (s *Slot) Number() int { return s.number }

// Lost returns a channel that is closed when the slot has got another owner.
// From then on every call answers ErrLost.
func (s *Slot) Lost() <-chan struct{} { return s.lost }

// Release gives the slot up: it waits for the calls under way, and later ones
// answer ErrLost. The next owner need not wait for it; ctx bounds the waiting.
func (s *Slot) Release(ctx context.Context) error {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	done := make(chan struct{})
	s.log.background.Go(func() {
		s.calls.Wait()
		close(done)
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("release of slot %d: %w", s.number, context.Cause(ctx))
	}
}

// lose notes that somebody else owns the slot.
func (s *Slot) lose(to placed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.log.cfg.Logger.Warn("slot lost", "slot", s.number, "to", to.Node, "epoch", to.Epoch)
		s.over = true
		close(s.lost)
	}
}

// begin admits a call. end must be called at its end.
func (s *Slot) begin() (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, ErrLost
	}
	s.calls.Add(1)
	return s.calls.Done, nil
}

// held returns ErrLost when the slot is not held any more.
func (s *Slot) held() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return ErrLost
	}
	return nil
}

// current returns the sequence of the marker that writes have to name. It is
// written anew when it lies too far back.
func (s *Slot) current(ctx context.Context, e *engine) (uint64, error) {
	f := s.fence()
	if f.seq == 0 {
		return 0, nil
	}
	written := s.log.space.written(e.layout.streamOf(s.number))
	if written-f.bytes >= markEvery || s.older(f, s.log.cfg.MaxAge/2) {
		if err := s.renew(ctx, e, f.seq); err != nil {
			return 0, err
		}
		f = s.fence()
	}
	return f.seq, nil
}

// older tells whether the marker is older than that. The wall clock counts: the
// stream drops messages by it, and it goes on while the machine sleeps.
func (s *Slot) older(f fence, age time.Duration) bool { return wallNow().Sub(f.at) > age }

// wallNow returns the time without its monotonic part.
func wallNow() time.Time { return time.Now().Round(0) }

func (s *Slot) fence() fence {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark
}

// adopt writes this process's marker, whoever owned the slot before. before is
// the last marker, as far as is known.
func (s *Slot) adopt(ctx context.Context, e *engine, before placed) error {
	s.marking.Lock()
	defer s.marking.Unlock()
	nonce, asked := rand.Uint64(), true
	return again(ctx, s.log.cfg.GiveUp, func() (err error) {
		if !asked {
			if before, err = e.lastMarker(ctx, s.number); err != nil {
				return err
			}
		}
		asked = false
		if before.nonce == nonce && before.seq != 0 {
			s.set(before, e)
			return nil
		}
		return s.place(ctx, e, marker{Epoch: before.Epoch + 1, Node: s.log.cfg.Node}, before.seq, nonce)
	})
}

// renew writes the marker again, unless that has happened since the sequence.
// It returns ErrLost when somebody else's is there.
func (s *Slot) renew(ctx context.Context, e *engine, since uint64) error {
	s.marking.Lock()
	defer s.marking.Unlock()
	mine := s.fence()
	if mine.seq != since {
		return nil
	}
	before, missing := mine.seq, false
	err := again(ctx, s.log.cfg.GiveUp, func() error {
		err := s.place(ctx, e, mine.marker, before, mine.nonce)
		if !errors.Is(err, errFence) && !errors.Is(err, errNoAnswer) {
			return err
		}
		last, readErr := e.lastMarker(ctx, s.number)
		if readErr != nil {
			return readErr
		}
		missing = last.seq == 0
		switch {
		case last.nonce == mine.nonce && last.seq > mine.seq:
			s.set(last, e)
			return nil
		case s.log.cfg.alone():
			before = last.seq // nobody else can have been here
		}
		return s.compare(last, mine, err)
	})
	if missing && errors.Is(err, errFence) {
		s.lose(placed{}) // nobody can tell who came after
		return ErrLost
	}
	return err
}

// judge finds out what a refusal by the fence means. It returns nil when the
// write is to be tried again, and ErrLost when the slot has another owner.
func (s *Slot) judge(ctx context.Context, e *engine, used uint64) error {
	s.marking.Lock()
	defer s.marking.Unlock()
	mine := s.fence()
	if mine.seq != used {
		return nil // written again meanwhile
	}
	last, err := e.lastMarker(ctx, s.number)
	switch {
	case err != nil:
		return nil // not known yet
	case last.seq == 0 && used != 0:
		s.miss()
		return nil
	case last.nonce == mine.nonce && last.seq > mine.seq:
		s.set(last, e)
		return nil
	}
	return s.compare(last, mine, nil)
}

// miss notes that no marker was found, so that the next write looks into it. It
// may have been dropped for its age while the machine slept; and the server says
// so as well when it could not read it, which passes.
func (s *Slot) miss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark.at = time.Time{}
}

// compare returns ErrLost when the last marker is not ours but a newer one. A
// leader that was cut off may show an older one, or none, for a while: then it
// is not known, and the error is that of the caller.
func (s *Slot) compare(last placed, mine fence, unknown error) error {
	if last.seq > mine.seq {
		s.lose(last)
		return ErrLost
	}
	return unknown
}

// place makes one attempt to write a marker after the one with the sequence.
// The caller holds marking.
func (s *Slot) place(ctx context.Context, e *engine, m marker, before, nonce uint64) error {
	data, err := m.seal(nonce, time.Now())
	if err != nil {
		return err
	}
	seq, err := e.send(ctx, &op{
		stream: e.layout.streamOf(s.number), alone: true,
		msg: &nats.Msg{Subject: markerSubject(s.number), Data: data, Header: nats.Header{
			expectedSequence: {strconv.FormatUint(before, 10)},
		}},
	})
	if err != nil {
		return err
	}
	s.set(placed{marker: m, seq: seq, nonce: nonce}, e)
	return nil
}

// set takes a marker of ours for the fence.
func (s *Slot) set(p placed, e *engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = fence{placed: p, at: wallNow(), bytes: s.log.space.written(e.layout.streamOf(s.number))}
}

// again calls try until it succeeds or fails for good, or the time is over.
func again(ctx context.Context, within time.Duration, try func() error) error {
	deadline := time.Now().Add(within)
	for wait := tryAgain; ; wait = min(2*wait, tryAgainMost) {
		err := try()
		if err == nil || !maySucceed(err) {
			return err
		}
		if errors.Is(err, errInFlight) {
			// Another write of the slot's, perhaps of a former owner who has
			// one in flight most of the time: the moments between are short.
			wait = tryAgain/2 + rand.N(tryAgain)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if !pause(ctx, wait) {
			return fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
		}
	}
}

// maySucceed tells whether an attempt that failed so may succeed later.
func maySucceed(err error) bool {
	for _, passes := range []error{errNoAnswer, errNobody, errFence, errInFlight} {
		if errors.Is(err, passes) {
			return true
		}
	}
	return false
}
