package control

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// mustTake takes the turn on a key that nobody has.
func mustTake[K comparable](t *testing.T, tr *turns[K], key K) (release func()) {
	t.Helper()
	release, err := tr.take(context.Background(), key, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestTurnsComeInTheOrderOfAsking(t *testing.T) {
	synctest.Test(t, turnsInOrder)
}

func turnsInOrder(t *testing.T) {
	tr := &turns[string]{clock: systemClock{}}
	release := mustTake(t, tr, "a")
	other := mustTake(t, tr, "b") // not in the way
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
		synctest.Wait()
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
	synctest.Test(t, func(t *testing.T) {
		tr := &turns[string]{clock: systemClock{}}
		release := mustTake(t, tr, "a")
		asked := time.Now()
		_, err := tr.take(context.Background(), "a", 5*time.Second)
		if !isKind(err, meeting.Conflict) || time.Since(asked) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(asked))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err = tr.take(ctx, "a", 5*time.Second); !isKind(err, meeting.Unavailable) {
			t.Errorf("a caller that hangs up: %v", err)
		}
		release()
		mustTake(t, tr, "a")()
	})
}

func TestATurnThatTheStoreKeepsIsWorthAnotherTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &turns[string]{clock: systemClock{}}
		wait := func(want meeting.Kind) {
			t.Helper()
			if _, err := tr.take(context.Background(), "a", 5*time.Second); !isKind(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		release := mustTake(t, tr, "a")
		wait(meeting.Conflict)
		tr.storing("a")
		wait(meeting.Unavailable)
		next := make(chan func())
		go func() { next <- mustTake(t, tr, "a") }()
		synctest.Wait()
		release()
		release = <-next // who writes nothing yet
		wait(meeting.Conflict)
		release()
	})
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
	mustTake(t, tr, 1)()
	if len(tr.taken) != 0 {
		t.Error("the key is kept")
	}
}
