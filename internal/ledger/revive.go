package ledger

import (
	"context"
	"fmt"
	"time"
)

const (
	// reviveGrace is how long calls that have nothing to do with a shortage
	// may still get their answers before the engine is stopped.
	reviveGrace = 100 * time.Millisecond

	// reviveEvery is how often it is looked whether a shortage is over.
	reviveEvery = 250 * time.Millisecond
)

// reviver starts the engine anew when it ran short of something. A disk that
// was full and a table of descriptors that was used up get better by
// themselves, and the process with all its live calls need not end for them;
// but the embedded server refuses a stream for good once a write to it failed.
type reviver struct {
	log    *Log
	cancel context.CancelFunc
	done   chan struct{}
}

func startReviver(l *Log, first *engine) *reviver {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reviver{log: l, cancel: cancel, done: make(chan struct{})}
	go r.run(ctx, first)
	return r
}

func (r *reviver) close() {
	r.cancel()
	<-r.done
}

func (r *reviver) run(ctx context.Context, e *engine) {
	defer close(r.done)
	for e != nil {
		select {
		case <-ctx.Done():
			return
		case <-e.trouble.fell:
		}
		if r.log.fault.check() != nil {
			return
		}
		e = r.replace(ctx, e)
	}
}

// replace stops the engine and starts another one as soon as there is enough of
// what was missing. It returns nil when there is none to wait for any more.
func (r *reviver) replace(ctx context.Context, old *engine) *engine {
	l, short := r.log, old.check()
	l.cfg.Logger.Warn("the store is refusing calls until there is room again", "err", short)
	l.withdraw(short)
	pause(ctx, reviveGrace)
	old.cut()
	l.calls.Wait()
	old.stop()
	for pause(ctx, reviveEvery) {
		if err := l.enough(); err != nil {
			continue
		}
		e, err := startEngine(ctx, l.cfg, l.layout, newTrouble(l.fault))
		if err == nil {
			if err = e.compare(ctx, l.witness); err != nil && e.check() == nil {
				l.fault.trip(err)
			}
			if err == nil {
				l.present(e)
				l.cfg.Logger.Info("the store takes calls again")
				return e
			}
			e.stop()
		}
		if l.fault.check() != nil {
			return nil
		}
		l.cfg.Logger.Warn("the store could not be started again yet", "err", err)
	}
	return nil
}

// pause waits and tells whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// withdraw makes calls answer err until there is an engine again.
func (l *Log) withdraw(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine, l.down = nil, err
}

// present lets calls through to the engine.
func (l *Log) present(e *engine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine, l.down = e, nil
}

// enough tells whether the engine can be started: descriptors for its files,
// and some room on the disk.
func (l *Log) enough() error {
	if err := l.descriptors.enough(); err != nil {
		return err
	}
	return l.space.enough()
}

// compare refuses an engine whose streams have not come as far as what was
// acknowledged.
func (e *engine) compare(ctx context.Context, w *witness) error {
	for i := range e.layout.Streams {
		state, err := e.streamState(ctx, i)
		if err != nil {
			return err
		}
		name := e.layout.streamName(i)
		if last := w.lastOf(name); state.LastSeq < last {
			return damaged([]string{fmt.Sprintf("%s ends with message %d, but message %d was stored", name, state.LastSeq, last)})
		}
	}
	return nil
}
