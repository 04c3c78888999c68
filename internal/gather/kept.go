package gather

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Archive has what one node keeps of ended meetings. *history.Archive is one.
type Archive interface {
	Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool)
	Detail(ctx context.Context, id meeting.ID) (d observe.Detail, ok bool)
	Latest() []observe.Meeting
}

// Kept is what all nodes keep of ended meetings: each those that it owned when
// they ended. A node that does not answer is left out. It is safe for concurrent
// use.
type Kept struct {
	nodes   *Nodes
	archive Archive // of this node

	mu     sync.Mutex
	latest []observe.Meeting // of other nodes; guarded by mu
	asked  time.Time         // when latest was asked for; guarded by mu
}

// latestEvery is how often the other nodes are asked for their latest.
const latestEvery = 10 * time.Second

// Kept returns what all nodes keep.
func (n *Nodes) Kept() *Kept { return &Kept{nodes: n, archive: n.cfg.Kept} }

// Meeting returns the row of an ended meeting, whoever keeps it.
func (k *Kept) Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool) {
	if m, ok = k.archive.Meeting(ctx, id); ok {
		return m, true
	}
	return first[observe.Meeting](ctx, k.nodes, askRow, id)
}

// Detail returns all that is kept of an ended meeting, whoever keeps it.
func (k *Kept) Detail(ctx context.Context, id meeting.ID) (d observe.Detail, ok bool) {
	if d, ok = k.archive.Detail(ctx, id); ok {
		return d, true
	}
	return first[observe.Detail](ctx, k.nodes, askDetail, id)
}

// Latest returns the meetings of all nodes that ended last, the latest first.
// Those of other nodes may be some seconds old.
func (k *Kept) Latest() []observe.Meeting {
	k.mu.Lock()
	defer k.mu.Unlock()
	own := k.archive.Latest()
	if now := k.nodes.cfg.Now(); now.Sub(k.asked) >= latestEvery {
		k.latest, k.asked = nil, now
		for _, some := range others(context.Background(), k.nodes, func(ctx context.Context, address string) (some []observe.Meeting, err error) {
			err = k.nodes.ask(ctx, address, askLatest, question{}, &some)
			return some, err
		}) {
			k.latest = append(k.latest, some...)
		}
	}
	all := slices.Concat(own, k.latest)
	slices.SortStableFunc(all, func(a, b observe.Meeting) int { return b.Ended.Compare(a.Ended.Time) })
	return all
}

// first returns what one of the other nodes has of a meeting.
func first[T any](ctx context.Context, n *Nodes, what string, id meeting.ID) (v T, ok bool) {
	for _, one := range others(ctx, n, func(ctx context.Context, address string) (one *T, err error) {
		err = n.ask(ctx, address, what, question{ID: id}, &one)
		return one, err
	}) {
		if one != nil {
			return *one, true
		}
	}
	return v, false
}

// keptHere answers another node; nil when nothing is kept.
func (n *Nodes) keptHere(ctx context.Context, what string, id meeting.ID) any {
	if what == askLatest {
		return n.cfg.Kept.Latest()
	}
	if what == askRow {
		if m, ok := n.cfg.Kept.Meeting(ctx, id); ok {
			return m
		}
		return nil
	}
	if d, ok := n.cfg.Kept.Detail(ctx, id); ok {
		return d
	}
	return nil
}
