package console

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

// Rate allows Burst events at once and one more after each Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// limiter counts events per client address. IPv6 clients are counted per /64,
// which is what one customer usually holds. It is safe for concurrent use.
type limiter struct{ allowances[netip.Prefix] }

// allowances counts events per key. It is safe for concurrent use.
type allowances[K comparable] struct {
	rate Rate
	now  func() time.Time

	mu      sync.Mutex
	clients map[K]*rate.Limiter // those whose allowance may not be whole
}

// maxAddresses bounds the memory of allowances. When so many keys are known at
// once, those whose allowance is whole are forgotten first.
const maxAddresses = 20_000

// newLimiter returns a limiter with a whole allowance for everybody.
func newLimiter(r Rate, now func() time.Time) *limiter {
	return &limiter{allowances[netip.Prefix]{rate: r, now: now, clients: make(map[netip.Prefix]*rate.Limiter)}}
}

// take uses up one event of the address's allowance. When there is none left it
// takes nothing and returns how long to wait.
func (l *limiter) take(addr netip.Addr) (wait time.Duration, ok bool) {
	return l.allowances.take(clientaddr.Network(addr))
}

// forgive gives the address its whole allowance back.
func (l *limiter) forgive(addr netip.Addr) { l.allowances.forgive(clientaddr.Network(addr)) }

// take is limiter.take for a key.
func (l *allowances[K]) take(key K) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	client := l.clients[key]
	if client == nil {
		l.makeRoomLocked(now)
		client = rate.NewLimiter(rate.Every(l.rate.Every), l.rate.Burst)
		l.clients[key] = client
	}
	one := client.ReserveN(now, 1)
	if wait = one.DelayFrom(now); wait > 0 {
		one.CancelAt(now)
	}
	return wait, wait == 0
}

// forgive is limiter.forgive for a key.
func (l *allowances[K]) forgive(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.clients, key)
}

func (l *allowances[K]) makeRoomLocked(now time.Time) {
	if len(l.clients) < maxAddresses {
		return
	}
	for key, client := range l.clients {
		if client.TokensAt(now) >= float64(l.rate.Burst) {
			delete(l.clients, key)
		}
	}
	for key := range l.clients { // nobody's is whole: an attack from everywhere
		if len(l.clients) < maxAddresses {
			return
		}
		delete(l.clients, key)
	}
}
