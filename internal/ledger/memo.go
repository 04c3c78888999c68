package ledger

import (
	"context"
	"fmt"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// A slot's memo is bytes of its owner's own, which the next owner finds. Only
// the newest one counts. It lies in the slot's stream, under the fence: a former
// owner cannot write over it.

// memoSweep is after how many new memos the old ones are removed.
const memoSweep = 16

// SetMemo stores data as the slot's memo, as certainly as Append stores an
// entry, with the room that is kept for urgent ones: what waits for a memo may
// be what would free the disk. One at a time.
func (s *Slot) SetMemo(ctx context.Context, data []byte) error {
	w := write{subject: memoSubject(s.number), message: message{kind: kindEntry, data: data}, urgency: Urgent}
	seq, err := s.store(ctx, meeting.ID{}.InSlot(s.number), &w)
	if err != nil {
		return err
	}
	if s.memos++; s.memos%memoSweep != 0 {
		return nil
	}
	e, done, err := s.log.begin()
	if err != nil {
		return err
	}
	defer done()
	if err := e.purge(ctx, e.layout.streamOf(s.number), memoSubject(s.number), seq); err != nil {
		return fmt.Errorf("old memos of slot %d: %w", s.number, err)
	}
	return nil
}

// Memo returns the memo as it was when the slot was adopted; nil for none.
func (s *Slot) Memo() []byte { return s.memo }

// Through returns the sequence of the last message of the slot that its former
// owners could write: all that Adopt has read lies there or below, all that is
// written from now on above.
func (s *Slot) Through() uint64 { return s.adopted }
