package testmode

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Tap returns a ledger that is l, and tells events of everything that is written
// to its slots, once it is. What was there before is no news.
func (e *Events) Tap(l control.Ledger) control.Ledger { return tapped{l, e} }

type tapped struct {
	ledger control.Ledger
	events *Events
}

// Adopt implements control.Ledger.
func (t tapped) Adopt(ctx context.Context, numbers []int, read func(meeting.ID, ledger.Entry) error) ([]control.Slot, error) {
	slots, err := t.ledger.Adopt(ctx, numbers, func(id meeting.ID, entry ledger.Entry) error {
		if rec, err := meeting.DecodeRecord(entry.Data); err == nil && !entry.Fact {
			t.events.restore(id, rec)
		}
		return read(id, entry)
	})
	for i, slot := range slots {
		slots[i] = tappedSlot{slot, t.events}
	}
	return slots, err
}

type tappedSlot struct {
	control.Slot
	events *Events
}

// Append implements control.Slot.
func (t tappedSlot) Append(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, u ledger.Urgency) (ledger.Revision, error) {
	revision, err := t.Slot.Append(ctx, id, after, data, u)
	t.written(id, data, err)
	return revision, err
}

// End implements control.Slot.
func (t tappedSlot) End(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, keep time.Duration) (ledger.Revision, error) {
	revision, err := t.Slot.End(ctx, id, after, data, keep)
	t.written(id, data, err)
	return revision, err
}

func (t tappedSlot) written(id meeting.ID, data []byte, err error) {
	if err != nil {
		return
	}
	if rec, err := meeting.DecodeRecord(data); err == nil {
		t.events.record(id, rec)
	}
}

// AppendFact implements control.Slot.
func (t tappedSlot) AppendFact(ctx context.Context, id meeting.ID, data []byte) error {
	err := t.Slot.AppendFact(ctx, id, data)
	if fact, unread := meeting.DecodeFact(data); err == nil && unread == nil {
		t.events.fact(id, fact)
	}
	return err
}
