package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// openEngine starts the engine on a directory that was found whole, and gives it
// what the directory holds from when it was one machine's.
func (l *Log) openEngine(ctx context.Context) (*engine, error) {
	moves, cfg := l.layout.moves(l.cfg), l.cfg
	if moves {
		cfg = cfg.before()
	}
	seen, err := l.examine(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := l.keepAccount(cfg, seen); err != nil {
		return nil, err
	}
	if !moves {
		return startEngine(ctx, cfg, l.layout, newTrouble(l.fault))
	}
	e, err := l.move(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(l.witness.close(false), l.keepAccount(l.cfg, nil)); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// examine looks for damage before the embedded server touches anything, and
// returns how far the streams have come.
func (l *Log) examine(ctx context.Context, cfg Config) (map[string]uint64, error) {
	damage, seen, err := examine(ctx, cfg, l.layout.Created)
	if err != nil {
		return nil, fmt.Errorf("examine the data directory: %w", err)
	}
	if len(damage) > 0 && !cfg.AcceptLoss {
		return nil, damaged(damage)
	}
	for _, what := range damage {
		cfg.Logger.Error("going on without what is damaged", "damage", what)
	}
	if len(damage) > 0 {
		if err := dropIndexes(cfg.streams()); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// keepAccount begins a new account of what is stored.
func (l *Log) keepAccount(cfg Config, seen map[string]uint64) (err error) {
	if !cfg.alone() {
		// How far this node's copy has come says nothing: it may go back, and
		// the others bring it up to date.
		seen = map[string]uint64{}
	}
	failed := func(err error) { cfg.Logger.Warn("could not keep account of the streams", "err", err) }
	// Somebody else may have filled the disk since. Without an account there is no
	// start, and without a start nothing could be ended either.
	return withBallast(cfg, func() error {
		l.witness, err = startWitness(cfg, seen, failed)
		return err
	})
}

// closeAccount ends the account of what is stored. Somebody else may have filled
// the disk: then ballast makes room for the last word, so that a stop in order
// is one. Without even that, what the account said before stands.
func (l *Log) closeAccount() error {
	err := l.witness.close(l.fault.check() == nil)
	if errors.Is(err, unix.ENOSPC) {
		err = withBallast(l.cfg, l.witness.finish)
	}
	if errors.Is(err, unix.ENOSPC) { // no ballast is left, or there is no inode for a new file, of which it makes none
		l.cfg.Logger.Warn("the disk has no room to note the clean stop; nothing is lost, and the next start reads everything as after a crash", "err", err)
		return nil
	}
	return err
}

// ballastTries is how many pieces of ballast make room for one small file: a file
// system may not give back at once what it was given.
const ballastTries = 3

// withBallast writes something that a full disk must not keep from being written,
// and makes the ballast smaller while there is no room for it.
func withBallast(cfg Config, write func() error) error {
	err := write()
	for try := 0; try < ballastTries && errors.Is(err, unix.ENOSPC); try++ {
		b := newBallast(cfg)
		if err := b.resize(max(b.size-ballastFloor, 0)); err != nil {
			return err
		}
		err = write()
	}
	return err
}
