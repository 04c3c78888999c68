package testmode

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// never is work that has nothing to do.
func never(context.Context) (time.Time, error) { return time.Now().Add(1000 * time.Hour), nil }

func TestAMoveStopsAtEachThingThatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock Clock
		start := clock.Now()
		var (
			mu   sync.Mutex
			seen []time.Duration
		)
		note := func() {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, clock.Now().Sub(start))
		}
		times := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(seen)
		}
		// An alarm after 12 s sets another one for a minute later, and makes
		// work due after five.
		var due time.Time
		clock.AfterFunc(12*time.Second, func() {
			note()
			clock.AfterFunc(time.Minute, note)
			due = clock.Now().Add(5 * time.Minute)
		})
		clock.AfterFunc(time.Hour, note)
		err := clock.Advance(t.Context(), 10*time.Minute, func(context.Context) (time.Time, error) {
			if !due.IsZero() && !clock.Now().Before(due) {
				note()
				due = time.Time{}
			}
			if due.IsZero() {
				return clock.Now().Add(time.Hour), nil
			}
			return due, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{12 * time.Second, 72 * time.Second, 312 * time.Second}; !slices.Equal(seen, want) {
			t.Errorf("happened at %v, want %v", seen, want)
		}
		if now := clock.Now().Sub(start); now != 10*time.Minute || clock.Ahead() != 10*time.Minute {
			t.Errorf("the clock says %v", now)
		}
		// The last alarm rings by itself when the moved clock gets there.
		time.Sleep(50*time.Minute - time.Second)
		synctest.Wait()
		if times() != 3 {
			t.Fatal("rung before its time")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if times() != 4 {
			t.Error("not rung")
		}
	})
}

func TestAStoppedAlarmDoesNotRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock Clock
		stop := clock.AfterFunc(time.Second, func() { t.Error("rung") })
		if !stop() || stop() {
			t.Error("stop does not tell whether it came in time")
		}
		if err := clock.Advance(t.Context(), time.Minute, never); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
	})
}

func TestResetGoesBackAndLetsAlarmsWaitOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock Clock
		var rung atomic.Bool
		clock.AfterFunc(10*time.Minute, func() { rung.Store(true) })
		if err := clock.Advance(t.Context(), 6*time.Minute, never); err != nil {
			t.Fatal(err)
		}
		clock.Reset()
		if clock.Ahead() != 0 || !clock.Now().Equal(time.Now()) {
			t.Errorf("the clock is %v ahead", clock.Ahead())
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if rung.Load() {
			t.Error("rung after 9 minutes of 10")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !rung.Load() {
			t.Error("not rung")
		}
	})
}

func TestAMoveEndsWhereItsWorkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock Clock
		broken := errors.New("broken")
		err := clock.Advance(t.Context(), time.Hour, func(context.Context) (time.Time, error) {
			if clock.Ahead() >= 10*time.Minute {
				return time.Time{}, broken
			}
			return clock.Now().Add(time.Minute), nil
		})
		if !errors.Is(err, broken) || clock.Ahead() != 10*time.Minute {
			t.Errorf("%v ahead, %v", clock.Ahead(), err)
		}
		// Work that is always late gets nowhere, but the clock does.
		err = clock.Advance(t.Context(), 10*time.Millisecond, func(context.Context) (time.Time, error) { return time.Time{}, nil })
		if err != nil || clock.Ahead() != 10*time.Minute+10*time.Millisecond {
			t.Errorf("%v ahead, %v", clock.Ahead(), err)
		}
		for _, d := range []time.Duration{0, -time.Second, maxAdvance + 1} {
			if clock.Advance(t.Context(), d, never) == nil {
				t.Errorf("moved by %v", d)
			}
		}
	})
}
