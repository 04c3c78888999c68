package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The part of the contract that is about owning slots.

// contractAdoption releases all slots and takes them again, as another process
// would.
func contractAdoption(t *testing.T, w *world) {
	l, ctx := w.rig, t.Context()
	want := map[meeting.ID][]string{}
	for i := range 40 {
		id := randomID(t)
		var rev Revision
		for n := range 1 + i%4 {
			text := fmt.Sprintf("%d/%d", i, n)
			rev = must[Revision](t)(l.Append(ctx, id, rev, []byte(text), Ordinary))
			want[id] = append(want[id], text)
			if n == 1 {
				if err := l.AppendFact(ctx, id, []byte("a fact")); err != nil {
					t.Fatal(err)
				}
				want[id] = append(want[id], "a fact")
			}
		}
	}
	w.readopt()
	for id, texts := range want {
		wantTexts(t, l.seen[id], texts...)
		for i, e := range l.seen[id] {
			if e.Fact != (texts[i] == "a fact") {
				t.Errorf("entry %q: fact %t", texts[i], e.Fact)
			}
		}
	}
}

// readopt releases all slots and adopts them again.
func (w *world) readopt() {
	w.t.Helper()
	for _, s := range w.rig.held {
		if err := s.Release(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.rig.adopt(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func contractAdoptionStops(t *testing.T, w *world) {
	l := w.rig
	for range 20 {
		must[Revision](t)(l.Append(t.Context(), randomID(t), Revision{}, nil, Ordinary))
	}
	for _, s := range l.held {
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	enough := errors.New("enough")
	if _, err := l.Adopt(t.Context(), everySlot(), func(meeting.ID, Entry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("adoption returned %v, want the error of its reader", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := l.Adopt(ctx, everySlot(), func(meeting.ID, Entry) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("adoption with a cancelled context returned %v", err)
	}
	if err := l.adopt(t.Context()); err != nil {
		t.Fatalf("adoption after failed ones: %v", err)
	}
}

// contractFence lets somebody else adopt a slot behind its owner's back. What
// the owner writes from then on is refused, and what it wrote before is seen.
func contractFence(t *testing.T, w *world) {
	const slot = 7
	ctx, former := t.Context(), w.rig.held[slot]
	id := randomID(t).InSlot(slot)
	rev := must[Revision](t)(former.Append(ctx, id, Revision{}, []byte("before"), Ordinary))
	if err := former.AppendFact(ctx, id, []byte("joined")); err != nil {
		t.Fatal(err)
	}
	owner, seen := w.usurp(slot)
	wantTexts(t, seen[id], "before", "joined")
	if owner.mark.Epoch <= former.mark.Epoch {
		t.Errorf("epoch %d after %d", owner.mark.Epoch, former.mark.Epoch)
	}
	if _, err := former.Append(ctx, id, rev, []byte("too late"), Ordinary); !errors.Is(err, ErrLost) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("append by the former owner: %v, want ErrLost", err)
	}
	select {
	case <-former.Lost():
	default:
		t.Error("the former owner was not told")
	}
	for what, err := range map[string]error{
		"a fact": former.AppendFact(ctx, id, []byte("too late")),
		"an end": func() error { _, err := former.End(ctx, id, rev, nil, time.Hour); return err }(),
		"a read": func() error { _, err := former.Load(ctx, id, rev); return err }(),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s by the former owner: %v, want ErrLost", what, err)
		}
	}
	must[Revision](t)(owner.Append(ctx, id, rev, []byte("after"), Ordinary))
	if err := owner.Release(ctx); err != nil {
		t.Fatal(err)
	}
	w.takeBack(slot)
	wantTexts(t, w.rig.entriesOf(id), "before", "after")
}

// usurp adopts a slot for somebody else, who does not know of its owner: on
// another node if there is one.
func (w *world) usurp(slot int) (*Slot, map[meeting.ID][]Entry) {
	w.t.Helper()
	l := w.rig.Log
	if len(w.nodes) > 0 {
		l = w.nodes[0]
	} else {
		l.slots[slot] = nil // as another process, which cannot be while we have the directory
	}
	seen := map[meeting.ID][]Entry{}
	slots, err := l.Adopt(w.t.Context(), []int{slot}, func(id meeting.ID, e Entry) error {
		seen[id] = append(seen[id], e)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return slots[0], seen
}

// takeBack takes a slot back that was usurped.
func (w *world) takeBack(slot int) {
	w.t.Helper()
	slots, err := w.rig.Adopt(w.t.Context(), []int{slot}, func(id meeting.ID, e Entry) error {
		if !e.Fact {
			w.rig.seen[id] = append(w.rig.seen[id], e)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rig.held[slot] = slots[0]
}

func contractHeldOnce(t *testing.T, w *world) {
	for _, slots := range [][]int{{3}, {-1}, {meeting.Slots}} {
		if _, err := w.rig.Adopt(t.Context(), slots, func(meeting.ID, Entry) error { return nil }); err == nil {
			t.Errorf("slots %v were adopted", slots)
		}
	}
	if _, err := w.rig.held[3].Append(t.Context(), randomID(t).InSlot(4), Revision{}, nil, Ordinary); err == nil {
		t.Error("a meeting was written into a slot that is not its own")
	}
}

func contractRelease(t *testing.T, w *world) {
	const slot = 9
	s, id := w.rig.held[slot], randomID(t).InSlot(slot)
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), id, Revision{}, nil, Ordinary); !errors.Is(err, ErrLost) {
		t.Errorf("append after the release: %v", err)
	}
	select {
	case <-s.Lost():
		t.Error("a slot that was given up was reported as lost")
	default:
	}
	w.takeBack(slot)
}
