package console

import (
	"net/netip"
	"sync"
	"time"
)

// Rate allows Burst events at once and one more after each Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// Limiter counts events per client address. IPv6 clients are counted per /64,
// which is what one customer usually holds. It is safe for concurrent use.
type Limiter struct {
	rate Rate
	now  func() time.Time

	mu   sync.Mutex
	full map[netip.Prefix]time.Time // when the address's allowance is whole again
}

// maxAddresses bounds the memory of a Limiter. When so many addresses are
// known at once, those whose allowance is whole are forgotten first.
const maxAddresses = 20000

// NewLimiter returns a Limiter with a whole allowance for everybody.
func NewLimiter(rate Rate, now func() time.Time) *Limiter {
	return &Limiter{rate: rate, now: now, full: make(map[netip.Prefix]time.Time)}
}

// Take uses up one event of the address's allowance. When there is none left it
// takes nothing and returns how long to wait.
func (l *Limiter) Take(addr netip.Addr) (wait time.Duration, ok bool) {
	key := network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	full := l.full[key]
	if full.Before(now) {
		full = now
	}
	full = full.Add(l.rate.Every)
	if over := full.Sub(now) - time.Duration(l.rate.Burst)*l.rate.Every; over > 0 {
		return over, false
	}
	if _, known := l.full[key]; !known {
		l.makeRoom(now)
	}
	l.full[key] = full
	return 0, true
}

// Forgive gives the address its whole allowance back.
func (l *Limiter) Forgive(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.full, network(addr))
}

func (l *Limiter) makeRoom(now time.Time) {
	if len(l.full) < maxAddresses {
		return
	}
	for key, full := range l.full {
		if full.Before(now) {
			delete(l.full, key)
		}
	}
	for key := range l.full { // still full: an attack from everywhere
		if len(l.full) < maxAddresses {
			return
		}
		delete(l.full, key)
	}
}

func network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all such clients share one allowance
	}
	return prefix
}
