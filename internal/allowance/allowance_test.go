package allowance

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// clock is a time that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)} }

func TestAnAddressHasItsAllowance(t *testing.T) {
	at := newClock()
	l := NewPerAddress(Rate{Burst: 2, Every: time.Second}, at.now)
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	neighbour := netip.MustParseAddr("2001:db8::ffff")
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	take := func(a netip.Addr, want bool) {
		t.Helper()
		if _, ok := l.Take(a); ok != want {
			t.Errorf("Take(%v) = %v, want %v", a, ok, want)
		}
	}
	take(v4, true)
	take(mapped, true) // the same client
	take(v4, false)
	take(v6, true)
	take(neighbour, true) // the same /64
	take(v6, false)
	take(netip.Addr{}, true)
	at.advance(time.Second)
	take(v4, true)
	take(v4, false)
	l.Forgive(v4)
	take(v4, true)
}

func TestWhoHasNoneLeftIsToldHowLongToWait(t *testing.T) {
	at := newClock()
	l := New[string](Rate{Burst: 1, Every: 10 * time.Second}, at.now)
	l.Take("ada")
	at.advance(4 * time.Second)
	for range 2 { // asking costs nothing
		if wait, ok := l.Take("ada"); ok || wait.Round(time.Second) != 6*time.Second {
			t.Errorf("wait %v, %v", wait, ok)
		}
	}
	if wait, ok := l.Take("bob"); !ok || wait != 0 {
		t.Errorf("another key: %v, %v", wait, ok)
	}
}

func TestTheMemoryIsBounded(t *testing.T) {
	at := newClock()
	l := NewPerAddress(Rate{Burst: 2, Every: time.Second}, at.now)
	for i := range maxKeys + 100 {
		l.Take(netip.MustParseAddr(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)))
	}
	if n := len(l.networks.clients); n > maxKeys {
		t.Errorf("%d addresses are kept", n)
	}
}
