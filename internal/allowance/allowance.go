// Package allowance bounds how often something may happen: for each key so many
// times at once, and once more after each while. Who has used up theirs is told
// how long to wait, which costs nobody else anything.
package allowance

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

// PerAddress counts events per client address. IPv6 clients are counted per /64,
// which is what one customer usually holds. It is safe for concurrent use.
type PerAddress struct{ networks *Per[netip.Prefix] }

// NewPerAddress returns one with a whole allowance for everybody. now tells the
// time.
func NewPerAddress(r Rate, now func() time.Time) *PerAddress {
	return &PerAddress{New[netip.Prefix](r, now)}
}

// Take uses up one event of the address's allowance. When there is none left it
// takes nothing and returns how long to wait.
func (p *PerAddress) Take(addr netip.Addr) (wait time.Duration, ok bool) {
	return p.networks.Take(clientaddr.Network(addr))
}

// Forgive gives the address its whole allowance back.
func (p *PerAddress) Forgive(addr netip.Addr) { p.networks.Forgive(clientaddr.Network(addr)) }

// Per counts events per key. It is safe for concurrent use.
type Per[K comparable] struct {
	rate Rate
	now  func() time.Time

	mu      sync.Mutex
	clients map[K]*rate.Limiter // those whose allowance may not be whole; guarded by mu
}

// maxKeys bounds the memory of a Per. When so many keys are known at once, those
// whose allowance is whole are forgotten first.
const maxKeys = 20_000

// New returns a Per with a whole allowance for every key. now tells the time.
func New[K comparable](r Rate, now func() time.Time) *Per[K] {
	return &Per[K]{rate: r, now: now, clients: make(map[K]*rate.Limiter)}
}

// Take uses up one event of the key's allowance. When there is none left it takes
// nothing and returns how long to wait.
func (p *Per[K]) Take(key K) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	client := p.clients[key]
	if client == nil {
		p.makeRoomLocked(now)
		client = rate.NewLimiter(rate.Every(p.rate.Every), p.rate.Burst)
		p.clients[key] = client
	}
	one := client.ReserveN(now, 1)
	if wait = one.DelayFrom(now); wait > 0 {
		one.CancelAt(now)
	}
	return wait, wait == 0
}

// Forgive gives the key its whole allowance back.
func (p *Per[K]) Forgive(key K) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, key)
}

func (p *Per[K]) makeRoomLocked(now time.Time) {
	if len(p.clients) < maxKeys {
		return
	}
	for key, client := range p.clients {
		if client.TokensAt(now) >= float64(p.rate.Burst) {
			delete(p.clients, key)
		}
	}
	for key := range p.clients { // nobody's is whole: an attack from everywhere
		if len(p.clients) < maxKeys {
			return
		}
		delete(p.clients, key)
	}
}
