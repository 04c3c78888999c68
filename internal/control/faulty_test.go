package control_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// faulty are slots that fail on purpose.
type faulty struct {
	mu     sync.Mutex
	before func(op string, id meeting.ID) error // an error means: nothing is stored
	after  func(op string, id meeting.ID) error // an error hides for now that it was stored
	told   chan struct{}                        // closed when outcomes that were hidden are told
}

func (f *faulty) fail(hook *func(string, meeting.ID) error, op string, id meeting.ID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *hook == nil {
		return nil
	}
	return (*hook)(op, id)
}

func (f *faulty) set(before, after func(string, meeting.ID) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after, f.told = before, after, make(chan struct{})
}

// tell tells the outcomes that were hidden.
func (f *faulty) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.told)
}

// unknown is a write whose outcome is hidden.
type unknown struct {
	error
	told     chan struct{}
	revision ledger.Revision
	outcome  error
}

func (u unknown) Wait() (ledger.Revision, error) {
	<-u.told
	return u.revision, u.outcome
}

func (u unknown) Unwrap() error { return u.error }

// answer is what the caller gets of a write.
func (f *faulty) answer(op string, id meeting.ID, revision ledger.Revision, err error) (ledger.Revision, error) {
	if hidden := f.fail(&f.after, op, id); hidden != nil {
		return ledger.Revision{}, unknown{hidden, f.told, revision, err}
	}
	return revision, err
}

type faultySlot struct {
	control.Slot
	f *faulty
}

func (s faultySlot) Append(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, u ledger.Urgency) (ledger.Revision, error) {
	if err := s.f.fail(&s.f.before, "append", id); err != nil {
		return s.f.answer("append", id, ledger.Revision{}, err)
	}
	rev, err := s.Slot.Append(ctx, id, after, data, u)
	return s.f.answer("append", id, rev, err)
}

func (s faultySlot) End(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, keep time.Duration) (ledger.Revision, error) {
	if err := s.f.fail(&s.f.before, "end", id); err != nil {
		return s.f.answer("end", id, ledger.Revision{}, err)
	}
	rev, err := s.Slot.End(ctx, id, after, data, keep)
	return s.f.answer("end", id, rev, err)
}

// once returns a hook that fails the first n calls of op with err.
func once(op string, n int, err error) func(string, meeting.ID) error {
	return func(got string, _ meeting.ID) error {
		if got != op || n == 0 {
			return nil
		}
		n--
		return err
	}
}

// newFaulty starts an env whose slots fail as the returned hooks say.
func newFaulty(t *testing.T, change func(*control.Config)) (*env, *faulty) {
	f := new(faulty)
	return newEnv(t, change, func(s control.Slot) control.Slot { return faultySlot{s, f} }), f
}
