package outbox

import (
	"testing"
	"testing/synctest"
	"time"
)

// A receiver answers each time only just before its time is up: it gets all,
// once and in order; nobody waits for it who puts events in, nor another
// receiver.
func TestASlowReceiverHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newReceiver(t, func(c *Config) { c.Width = 16 })
		quick := newReceiver(t, nil)
		slow.delay = 14 * time.Second
		begun := time.Now()
		for range 10 {
			slow.put(64, 1)
			quick.put(64, 1)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("putting events in took %v", took)
		}
		synctest.Wait()
		quick.inOrder(t, 64, 10)
		if got, _, tried := slow.counts(); got != 0 || tried != 16 {
			t.Errorf("the slow one has %d after %d attempts", got, tried)
		}
		time.Sleep(640 / 16 * slow.delay)
		synctest.Wait()
		slow.inOrder(t, 64, 10)
		if s := slow.Stats(); s.Open || s.Waiting != 0 || s.Bytes != 0 {
			t.Errorf("the slow one: %+v", s)
		}
	})
}
