package ledger

import "context"

// keeper writes the markers of slots again that are seldom written to, before
// the stream drops them for their age: without its marker a slot could not be
// told from one that somebody else has adopted.
type keeper struct {
	log    *Log
	cancel context.CancelFunc
	done   chan struct{}
}

func startKeeper(l *Log) *keeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{log: l, cancel: cancel, done: make(chan struct{})}
	go k.run(ctx)
	return k
}

func (k *keeper) close() {
	k.cancel()
	<-k.done
}

func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	for pause(ctx, k.log.cfg.MaxAge/16) {
		for _, s := range k.log.owned() {
			k.keep(ctx, s)
		}
	}
}

// keep renews the marker of a slot that is a quarter as old as it may become.
func (k *keeper) keep(ctx context.Context, s *Slot) {
	mark := s.fence()
	if mark.seq == 0 || !s.older(mark, k.log.cfg.MaxAge/4) {
		return
	}
	e, done, err := k.log.begin()
	if err != nil {
		return // soon
	}
	defer done()
	if err := s.renew(ctx, e, mark.seq); err != nil && ctx.Err() == nil {
		k.log.cfg.Logger.Warn("marker not renewed yet", "slot", s.number, "err", err)
	}
}
