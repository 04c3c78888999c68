package transport

import (
	"fmt"
	"slices"
	"time"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

const (
	// consentExpiry is how long an answer to a request of ours lets us send, and
	// consentInterval how old it may be before we ask anew (RFC 7675 §5.1).
	consentExpiry, consentInterval = 30 * time.Second, 5 * time.Second
	// askInterval is the least time between two requests to one address
	// (RFC 8445 §14.2). What asks is always something that came from there, so
	// that an address which somebody else names gets about as much as he sends.
	askInterval = 50 * time.Millisecond
)

// consent is an address's agreement to be sent to: the signed answer to a request
// of ours (RFC 7675). ICE lite leaves such requests to the client; but the
// client's packets alone do not prove that it is at the address they name.
type consent struct {
	given time.Time // last answer, zero before the first
	// id is that of the request that is out. It stays the same until it is
	// answered, so that an answer may take longer than askInterval.
	id  [stun.TransactionIDSize]byte
	out bool
}

// agreesLocked says whether media may be sent to the pair's remote address. Who
// has opened a TCP connection is where he says. It needs conn.mu.
func (p *pair) agreesLocked(at time.Time) bool {
	return p.stream != nil || !p.consent.given.IsZero() && at.Sub(p.consent.given) < consentExpiry
}

// ask requests the consent of the pair's remote address, unless it has only just
// been asked. The request goes out with the next flush.
func (p *pair) ask(at time.Time) {
	last := p.asked.Load()
	if at.UnixNano()-last < int64(askInterval) || !p.asked.CompareAndSwap(last, at.UnixNano()) {
		return
	}
	if id, client, ok := p.conn.l.expect(p); ok {
		if b, err := request(id, p.conn.ufrag, client); err == nil {
			p.sender.Send(b)
		}
	}
}

// expect enters the request that asks for a pair's consent among those whose
// answers are known; ok is false for a pair that is not in use.
func (l *Listener) expect(p *pair) (id [stun.TransactionIDSize]byte, client remote, ok bool) {
	c := p.conn
	l.mu.Lock()
	defer l.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.pairs, p) {
		return id, client, false
	}
	if !p.consent.out {
		p.consent.id, p.consent.out = stun.NewTransactionID(), true
		l.asked[p.consent.id] = p
	}
	return p.consent.id, *c.remote, true
}

// consented takes the answer to a request for consent. From now on the address is
// the pair's, whoever's it was.
func (l *Listener) consented(m *stun.Message, from netio.Pair, at time.Time) {
	l.mu.RLock()
	p := l.asked[m.TransactionID]
	l.mu.RUnlock()
	if p == nil || p.Pair != from {
		return
	}
	c := p.conn
	c.mu.Lock()
	client := c.remote
	c.mu.Unlock()
	if !signed(m, client.pwd) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || l.asked[m.TransactionID] != p {
		return
	}
	delete(l.asked, m.TransactionID)
	p.consent = consent{given: at}
	p.lastIn.Store(at.UnixNano())
	l.pairs[p.Pair] = p
	p.selectLocked(at)
}

// renew asks for consent anew before it expires; it reports an error once it has.
func (c *Conn) renew(now time.Time) error {
	p := c.selected.Load()
	if p == nil || p.stream != nil {
		return nil
	}
	c.mu.Lock()
	age := now.Sub(p.consent.given)
	c.mu.Unlock()
	switch {
	case age >= consentExpiry:
		return fmt.Errorf("%w: requests unanswered for %v", ErrTimeout, age.Round(time.Second))
	case age >= consentInterval:
		p.ask(now)
	}
	return nil
}
