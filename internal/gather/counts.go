package gather

import (
	"context"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// counts is how many meetings owners have on other nodes, as was told last.
type counts struct {
	mu  sync.Mutex
	all map[meeting.Owner]count // guarded by mu
}

type count struct {
	at     time.Time
	active int
}

func newCounts() counts { return counts{all: map[meeting.Owner]count{}} }

// maxCounts bounds how many owners' counts are kept; all are forgotten then.
const maxCounts = 10_000

// smallQuota is up to where a quota is counted anew for each call: it may be
// used up within the age that a count may have.
const smallQuota = 1000

// Elsewhere returns how many active meetings the owner has on other nodes. For a
// small quota, and above four fifths of a large one, the nodes are asked for
// each call; otherwise the answer may be as old as Config.Recent. So a quota can
// be exceeded by as many calls as are under way on several nodes at the same
// moment, and a large one by what others create in so short a time on the way
// from below. A node that does not answer, because it has died, counts for
// nothing until others have its slots.
func (n *Nodes) Elsewhere(ctx context.Context, owner meeting.Owner, most int) int {
	now := n.cfg.Now()
	n.counts.mu.Lock()
	known, ok := n.counts.all[owner]
	n.counts.mu.Unlock()
	total := known.active + n.cfg.Control.Active(owner)
	if ok && most > smallQuota && now.Sub(known.at) < n.cfg.Recent && total < most-most/5 {
		return known.active
	}
	fresh := count{at: now}
	for _, active := range others(ctx, n, func(ctx context.Context, address string) (active int, err error) {
		err = n.ask(ctx, address, askActive, question{Owner: owner}, &active)
		return active, err
	}) {
		fresh.active += active
	}
	n.counts.mu.Lock()
	defer n.counts.mu.Unlock()
	if len(n.counts.all) >= maxCounts {
		clear(n.counts.all)
	}
	n.counts.all[owner] = fresh
	return fresh.active
}
