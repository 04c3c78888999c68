package cluster

import (
	"sync"
	"time"
)

// promises is what this node has told others about their leases. It answers
// two questions: a node's renewal, and another's wish to take a node over.
//
// The lease time passes by this node's own monotonic clock, so it does not
// matter that the nodes' clocks differ. What was promised before a restart is
// forgotten, and therefore kept by consenting to nothing until it has run out.
type promises struct {
	self    string
	lease   time.Duration
	now     func() time.Time
	started time.Time

	mu        sync.Mutex
	until     map[string]time.Time // guarded by mu; the end of what a node was promised last
	consented map[string]uint64    // guarded by mu; the incarnation of a node that may be taken over
	heard     map[string]peer      // guarded by mu; what each node said last
}

// peer is what a node says of itself with each renewal.
type peer struct {
	at   time.Time // when it was heard
	info Info
}

func newPromises(self string, lease time.Duration, now func() time.Time) *promises {
	return &promises{
		self: self, lease: lease, now: now, started: now(),
		until: map[string]time.Time{}, consented: map[string]uint64{}, heard: map[string]peer{},
	}
}

// renew promises the node, in this incarnation, not to help anybody take its
// slots for the lease time. It refuses an incarnation that it has agreed to see
// taken over.
func (p *promises) renew(node string, incarnation uint64, info Info) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.heard[node] = peer{now, info}
	if p.consented[node] >= incarnation {
		return false
	}
	p.until[node] = now.Add(p.lease)
	return true
}

// consent agrees to the take-over of a node's incarnation, unless a promise to
// the node still holds. From then on that incarnation gets no promise.
func (p *promises) consent(node string, incarnation uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if node == p.self || now.Before(p.until[node]) || now.Before(p.started.Add(p.lease)) {
		return false
	}
	p.consented[node] = max(p.consented[node], incarnation)
	return true
}

// silent returns how long nothing has been heard of the node, counted from the
// given time at the earliest.
func (p *promises) silent(node string, since time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.heard[node].at; at.After(since) {
		since = at
	}
	return p.now().Sub(since)
}

// info returns what the node said of itself last.
func (p *promises) info(node string) (Info, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, known := p.heard[node]
	return h.info, known
}

// lease is this node's own right to act as an owner.
type lease struct {
	length time.Duration
	now    func() time.Time

	mu          sync.Mutex
	incarnation uint64    // guarded by mu; 0 while not active
	begun       time.Time // guarded by mu; when it began
	proven      time.Time // guarded by mu; when the last renewal that a majority answered was sent
	since       time.Time // guarded by mu; since when it has held without a gap
	lost        time.Time // guarded by mu; since when it has not held, though it did; zero: it holds, or never did
	said        bool      // guarded by mu; that it was lost was said
}

// begin starts a new incarnation. It does not hold before a first renewal.
func (l *lease) begin(incarnation uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookLocked()
	l.incarnation, l.begun, l.proven, l.since = incarnation, l.now(), time.Time{}, time.Time{}
}

// lookLocked notes when the lease ended, if it has.
func (l *lease) lookLocked() {
	if end := l.proven.Add(l.length); lapses && l.lost.IsZero() && !l.proven.IsZero() && !l.now().Before(end) {
		l.lost = end
	}
}

// hasLapsed reports, once for each time, that the lease does not hold any more.
func (l *lease) hasLapsed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookLocked()
	if l.lost.IsZero() || l.said {
		return false
	}
	l.said = true
	return true
}

// end gives the incarnation up.
func (l *lease) end() { l.begin(0) }

// renewed notes that a majority has answered the renewal of the incarnation
// that was sent at the given time. When the lease holds again by that, it returns
// for how long it did not, in whatever incarnation; else 0.
func (l *lease) renewed(incarnation uint64, sent time.Time) (lapsed time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if incarnation != l.incarnation || !sent.After(l.proven) {
		return 0
	}
	l.lookLocked()
	if l.since.IsZero() {
		l.since = sent
	}
	l.proven = sent
	if now := l.now(); !l.lost.IsZero() && now.Sub(sent) < l.length {
		lapsed = now.Sub(l.lost)
		l.lost, l.said = time.Time{}, false
	}
	return lapsed
}

// holds returns the incarnation that may act as an owner now; 0 when none.
func (l *lease) holds() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proven.IsZero() || lapses && l.now().Sub(l.proven) >= l.length {
		return 0
	}
	return l.incarnation
}

// current returns the incarnation begun last, whether it holds or not, and
// since when it has held.
func (l *lease) current() (incarnation uint64, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.incarnation, l.since
}

// quiet returns how long ago the last renewal that a majority answered was
// sent, or the incarnation begun if there was none.
func (l *lease) quiet() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proven.IsZero() {
		return l.now().Sub(l.begun)
	}
	return l.now().Sub(l.proven)
}
