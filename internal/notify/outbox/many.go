package outbox

import (
	"context"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// Services take several events in one request. They are of different lanes: what
// becomes of one of them holds up no other meeting.

// companyLocked takes lanes that are ready, too, and whose events may go with
// that of a lane in one request; nil when there are none, or its event goes
// alone.
func (d *Destination) companyLocked(l *Lane) (more []*Lane) {
	if d.cfg.SendMany == nil || d.open || d.prober == l || !l.queue[0].shares() {
		return nil
	}
	for len(d.ready) > 0 && len(more) < d.cfg.Many-1 {
		other := d.ready[0]
		waits := other.state == ready
		if waits && !other.queue[0].shares() {
			break // it goes alone, in its turn
		}
		if d.ready = d.ready[1:]; waits {
			other.state = busy
			more = append(more, other)
		}
	}
	return more
}

// shares reports whether the event may be in a request with others.
func (it *item) shares() bool { return it.doom == "" && !it.alone }

// sendManyLocked makes one attempt for the first event of each of the lanes. It
// gives the lock up meanwhile.
func (d *Destination) sendManyLocked(lanes []*Lane) {
	items, events := make([]*item, len(lanes)), make([]*event.Event, len(lanes))
	for i, l := range lanes {
		items[i], events[i] = l.queue[0], l.queue[0].event
	}
	d.mu.Unlock()
	ctx, done := whileAny(lanes)
	failed, whole := d.cfg.SendMany(ctx, events)
	done()
	d.mu.Lock()
	if d.closed {
		return
	}
	apart := whole != nil && refusalOf(whole).Class == Permanent
	counts := true
	for i, l := range lanes {
		if l.state != busy {
			continue // dropped meanwhile
		}
		err := whole
		if whole == nil {
			err = failed[i]
		}
		if apart {
			items[i].alone = true // which of them is to blame shows when they go alone
			d.nextLocked(l)
			continue
		}
		d.sentLocked(l, items[i], err, counts)
		counts = counts && whole == nil
	}
	d.pumpLocked()
}

// whileAny returns a context that ends when all those of the lanes have ended.
func whileAny(lanes []*Lane) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var left atomic.Int32
	left.Store(int32(len(lanes)))
	stops := make([]func() bool, len(lanes))
	for i, l := range lanes {
		stops[i] = context.AfterFunc(l.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
