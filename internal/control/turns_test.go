package control

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func (t *turns[K]) waiting(key K) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q := t.taken[key]; q != nil {
		return len(q.waiting)
	}
	return 0
}

func TestTurnsComeInTheOrderOfAsking(t *testing.T) {
	tr := &turns[string]{clock: newHandClock()}
	release, err := tr.take(context.Background(), "a", time.Second)
	must(t, err)
	other, err := tr.take(context.Background(), "b", time.Second) // not in the way
	must(t, err)
	other()
	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			release, err := tr.take(context.Background(), "a", time.Second)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
		for tr.waiting("a") != i+1 {
			<-tr.clock.(*handClock).asked
		}
	}
	release()
	wg.Wait()
	if !slices.IsSorted(order) || len(order) != 5 {
		t.Errorf("order %v", order)
	}
	if len(tr.taken) != 0 {
		t.Errorf("%d keys are kept", len(tr.taken))
	}
}

func TestATurnThatDoesNotComeIsAConflict(t *testing.T) {
	clock := newHandClock()
	tr := &turns[string]{clock: clock}
	release, err := tr.take(context.Background(), "a", time.Second)
	must(t, err)
	result := make(chan error, 1)
	go func() {
		_, err := tr.take(context.Background(), "a", 5*time.Second)
		result <- err
	}()
	<-clock.asked
	clock.advance(5 * time.Second)
	wantKind(t, <-result, meeting.Conflict)

	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := tr.take(ctx, "a", 5*time.Second)
		result <- err
	}()
	<-clock.asked
	cancel()
	wantKind(t, <-result, meeting.Unavailable)
	release()
	release, err = tr.take(context.Background(), "a", time.Second)
	must(t, err)
	release()
}

// Giving up and being served in the same moment must not lose the turn.
func TestNoTurnIsLost(t *testing.T) {
	tr := &turns[int]{clock: systemClock{}}
	var wg sync.WaitGroup
	busy := 0 // guarded by the turn
	for range 8 {
		wg.Go(func() {
			for range 300 {
				release, err := tr.take(context.Background(), 1, 20*time.Microsecond)
				if err != nil {
					continue
				}
				if busy++; busy != 1 {
					t.Error("two have the turn")
				}
				busy--
				release()
			}
		})
	}
	wg.Wait()
	release, err := tr.take(context.Background(), 1, time.Second)
	must(t, err)
	release()
	if len(tr.taken) != 0 {
		t.Error("the key is kept")
	}
}
