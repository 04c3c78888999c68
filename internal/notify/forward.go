package notify

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// Events that were given up lie on the ledger's shelf, and go to a queue besides
// if there is one for them. That queue is a convenience: what it does not take
// within a minute or so is on the shelf still.
const (
	forwardMost    = 1000 // letters that wait
	forwardWorkers = 4
	forwardTries   = 7 // the pauses between them are 1, 2, 4 … s
)

// forwardLetters starts what passes dead letters on.
func (n *Notifier) forwardLetters() {
	if n.cfg.Forward == nil {
		return
	}
	n.letters = make(chan outbox.Letter, forwardMost)
	for range forwardWorkers {
		n.background.Go(func() {
			for {
				select {
				case <-n.ctx.Done():
					return
				case l := <-n.letters:
					n.forward(n.ctx, l)
				}
			}
		})
	}
}

// pass hands a letter on. It never waits.
func (n *Notifier) pass(l outbox.Letter) {
	if n.letters == nil {
		return
	}
	select {
	case n.letters <- l:
	default:
		n.cfg.Logger.Warn("a dead letter does not go to the queue for them: too many wait", "event", l.Event.ID.String(), "destination", l.Destination)
	}
}

func (n *Notifier) forward(ctx context.Context, l outbox.Letter) {
	pause := time.Second
	for try := 1; ; try++ {
		err := n.cfg.Forward(ctx, l)
		if err == nil || ctx.Err() != nil {
			return
		}
		if try == forwardTries {
			n.cfg.Logger.Warn("a dead letter does not go to the queue for them", "event", l.Event.ID.String(), "destination", l.Destination, "err", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause *= 2
	}
}
