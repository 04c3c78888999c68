package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// rival is somebody who adopts a slot again and again and writes to it as long
// as it is held.
type rival struct {
	log  *Log
	name string
	slot int

	adopted, acked int
}

// forget makes the log believe that it does not hold the slot, so that rivals
// can be in one process.
func (r *rival) forget() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.log.slots[r.slot] = nil
}

func (r *rival) run(ctx context.Context, acks *sync.Map) error {
	for ctx.Err() == nil {
		r.forget()
		slots, err := r.log.Adopt(ctx, []int{r.slot}, func(meeting.ID, Entry) error { return nil })
		if errors.Is(err, ErrUnavailable) || ctx.Err() != nil || err != nil && err.Error() == fmt.Sprintf("ledger: slot %d is held already", r.slot) {
			continue // the other was quicker
		}
		if err != nil {
			return err
		}
		r.adopted++
		if err := r.write(ctx, slots[0], acks); err != nil {
			return err
		}
	}
	return nil
}

// write writes to meetings of its own until the slot is lost.
func (r *rival) write(ctx context.Context, s *Slot, acks *sync.Map) error {
	s.mu.Lock()
	epoch := s.mark.Epoch
	s.mu.Unlock()
	for n := 0; ctx.Err() == nil; n++ {
		var id meeting.ID
		copy(id[:], fmt.Sprintf("%s%d.%d", r.name, r.adopted, n))
		text := fmt.Sprintf("%s epoch %d entry %d", r.name, epoch, n)
		_, err := s.Append(ctx, id.InSlot(r.slot), Revision{}, []byte(text), Ordinary)
		switch {
		case err == nil:
			acks.Store(text, epoch)
			r.acked++
		case errors.Is(err, ErrLost), ctx.Err() != nil:
			return nil
		default:
			return err
		}
	}
	return nil
}

// contractRivals lets two processes that both believe to own a slot write to
// it. In the log, every entry lies behind the marker of its own epoch and
// before the next one, and none is missing.
func contractRivals(t *testing.T, w *world) {
	const slot = 21
	logs := []*Log{w.rig.Log, w.rig.Log}
	if len(w.nodes) > 0 {
		logs[1] = w.nodes[0]
	}
	if err := w.rig.held[slot].Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var acks sync.Map
	var wg sync.WaitGroup
	rivals := make([]*rival, len(logs))
	for i, l := range logs {
		rivals[i] = &rival{log: l, name: fmt.Sprint("r", i), slot: slot}
		wg.Go(func() {
			if err := rivals[i].run(ctx, &acks); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range rivals {
		t.Logf("%s adopted the slot %d times and wrote %d entries", r.name, r.adopted, r.acked)
		if r.adopted < 2 {
			t.Errorf("%s adopted the slot %d times: no rivalry", r.name, r.adopted)
		}
		r.forget()
	}
	w.takeBack(slot)
	checkEpochs(t, w.rig, slot, &acks)
}

// checkEpochs reads the slot with its markers.
func checkEpochs(t *testing.T, l *rig, slot int, acks *sync.Map) {
	t.Helper()
	var epoch uint64
	seen := map[string]bool{}
	err := l.engine.follow(t.Context(), l.layout.streamOf(slot), patterns(slot), 0, l.held[slot].mark.seq, func(p subject, m stored) error {
		if p.marker {
			placed, err := parseMarker(m)
			epoch = placed.Epoch
			return err
		}
		text := string(m.data)
		var name string
		var written uint64
		if _, err := fmt.Sscanf(text, "r%s epoch %d", &name, &written); err != nil {
			return nil // not a rival's
		}
		if written != epoch {
			t.Errorf("%q is stored in epoch %d", text, epoch)
		}
		if seen[text] {
			t.Errorf("%q is stored twice", text)
		}
		seen[text] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	acks.Range(func(text, _ any) bool {
		if !seen[text.(string)] {
			t.Errorf("%q was acknowledged and is lost", text)
		}
		return true
	})
}
