package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// Errors of the ledger, for errors.Is.
var (
	// ErrStale: the expected revision is not the last one, or could not be
	// proven to be. Nothing was stored. Load and decide again.
	ErrStale = errors.New("ledger: expected revision is not the last one")

	// ErrUnavailable: the ledger is closing, its disk failed, or it did not
	// answer in time. Whether the write happened is not known.
	ErrUnavailable = errors.New("ledger unavailable")

	// ErrFull: the ledger has reached its size, or the disk is full or nearly
	// so. It is also an ErrUnavailable. What is Urgent still works as long as
	// anything does. The caller tries again later.
	ErrFull = fmt.Errorf("%w: full", ErrUnavailable)

	// ErrBusy: the process has no file descriptors left. It is also an
	// ErrUnavailable. The caller tries again later.
	ErrBusy = fmt.Errorf("%w: out of file descriptors", ErrUnavailable)

	// ErrForeignKey: the directory was written under another key than
	// Config.KeyCheck stands for.
	ErrForeignKey = errors.New("ledger: its meetings belong to another key: every join token given out so far comes from that one. " +
		"Restore the key from a backup, or start with another data directory")

	// ErrTooLarge: the data is longer than MaxEntry. Nothing was stored.
	ErrTooLarge = fmt.Errorf("ledger: entry larger than %d bytes", MaxEntry)
)

// Entry is one stored record. Data is the reader's own.
type Entry struct {
	Revision uint64    // grows within a meeting, with gaps
	Time     time.Time // when it was stored, by this machine's clock
	Data     []byte
}

// Config says where and how large the ledger is. Dir is required; every other
// zero field takes its default.
type Config struct {
	Dir string // created when missing; one process at a time

	// Shards is the number of streams when the directory is created; later
	// the directory decides. Default DefaultShards.
	Shards int

	// KeyCheck stands for the key that the entries' readers derive secrets
	// from, without giving it away. The directory remembers the one it was
	// created with and is not opened with another. Empty: not checked.
	KeyCheck string

	// MaxBytes bounds the meetings' entries on disk, in bytes, overhead of
	// about 100 bytes an entry included. A full ledger refuses with ErrFull
	// and never drops. Default: as much as the disk holds.
	MaxBytes int64

	// MinFree refuses new entries while the disk has less free space than
	// this, in bytes, so that other users of the disk cannot bring the ledger
	// to a write error. Default 128 MiB.
	MinFree int64

	// Ballast is how much room on the disk is set aside, in bytes, to be
	// given back when the disk is full. Default 32 MiB; negative for none.
	Ballast int64

	// MaxAge is the safety net behind End: an entry this old vanishes
	// whatever happened. It must be well above the age at which meetings end.
	// Default 48 h.
	MaxAge time.Duration

	// AcceptLoss opens a damaged ledger with what is left of it, instead of
	// refusing with ErrDamaged.
	AcceptLoss bool

	// AnswerWithin is how long one attempt of a write or read waits. A write
	// makes three attempts. Default 5 s.
	AnswerWithin time.Duration

	Logger *slog.Logger // default: discard
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("ledger: no data directory given")
	}
	if c.Shards == 0 {
		c.Shards = DefaultShards
	}
	if c.Shards < 0 || c.Shards > maxShards {
		return c, fmt.Errorf("ledger: %d shards; possible are 1 to %d", c.Shards, maxShards)
	}
	if c.MinFree == 0 {
		c.MinFree = 128 << 20
	}
	if c.Ballast == 0 {
		c.Ballast = 32 << 20
	}
	if c.MaxAge == 0 {
		c.MaxAge = 48 * time.Hour
	}
	if c.AnswerWithin == 0 {
		c.AnswerWithin = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Log is an open ledger. Its methods may be called from any goroutine.
type Log struct {
	cfg         Config
	layout      layout
	fault       *fault
	descriptors *descriptors
	space       *space
	witness     *witness
	expiry      *expiry
	reviver     *reviver
	lock        *os.File

	mu     sync.Mutex
	engine *engine        // guarded by mu; nil while it is started anew
	down   error          // guarded by mu; why there is no engine
	closed bool           // guarded by mu
	calls  sync.WaitGroup // Add only under mu while there is an engine and not closed
}

// Open opens the ledger in cfg.Dir, creating it when it is not there. It fails
// with durable.ErrLocked when another process has it, and with a plain error
// when the directory cannot be written, belongs to another version or another
// key, or has lost a stream, and with ErrDamaged when entries are missing or
// spoilt. ctx bounds the opening only.
func Open(ctx context.Context, cfg Config) (_ *Log, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, fault: newFault()}
	defer func() {
		if err != nil {
			_ = l.release() // the reason for failing matters more
		}
	}()
	if l.lock, err = durable.Lock(cfg.Dir); err != nil {
		return nil, err
	}
	if l.layout, err = loadLayout(cfg); err != nil {
		return nil, err
	}
	l.space = newSpace(cfg, l.layout)
	l.space.start()
	if err := l.examine(ctx); err != nil {
		return nil, err
	}
	e, err := startEngine(ctx, cfg, l.layout, newTrouble(l.fault))
	if err != nil {
		return nil, err
	}
	l.engine, l.layout = e, e.layout
	l.descriptors = newDescriptors(l.lock)
	l.expiry = startExpiry(l)
	l.reviver = startReviver(l, e)
	return l, nil
}

// examine looks for damage before the embedded server touches anything, and
// begins a new account of what is stored.
func (l *Log) examine(ctx context.Context) error {
	damage, seen, err := examine(ctx, l.cfg.Dir, l.layout.Created)
	if err != nil {
		return fmt.Errorf("examine the data directory: %w", err)
	}
	if len(damage) > 0 && !l.cfg.AcceptLoss {
		return damaged(damage)
	}
	for _, what := range damage {
		l.cfg.Logger.Error("going on without what is damaged", "damage", what)
	}
	if len(damage) > 0 {
		if err := dropIndexes(l.cfg.Dir); err != nil {
			return err
		}
	}
	failed := func(err error) { l.cfg.Logger.Warn("could not keep account of the streams", "err", err) }
	l.witness, err = startWitness(l.cfg.Dir, seen, failed)
	if !errors.Is(err, unix.ENOSPC) {
		return err
	}
	// Somebody else has filled the disk since. Without an account there is no
	// start, and without a start nothing could be ended either.
	room := newBallast(l.cfg)
	if err := room.resize(max(room.size-ballastFloor, 0)); err != nil {
		return err
	}
	l.witness, err = startWitness(l.cfg.Dir, seen, failed)
	return err
}

// Fault returns a channel that receives the storage error, once, and is then
// closed. The process must end when it does: restarting is the only way back.
func (l *Log) Fault() <-chan error { return l.fault.ch }

// begin admits a call and returns the engine it goes to. end must be called at
// its end.
func (l *Log) begin() (e *engine, end func(), err error) {
	if err := l.fault.check(); err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, fmt.Errorf("%w: closed", ErrUnavailable)
	}
	if l.engine == nil {
		return nil, nil, l.down
	}
	back, err := l.descriptors.lend()
	if err != nil {
		return nil, nil, err
	}
	l.calls.Add(1)
	return l.engine, func() { back(); l.calls.Done() }, nil
}

// Close waits for running calls, stops the embedded server, and releases the
// directory. Calls made later answer ErrUnavailable.
func (l *Log) Close() error {
	l.mu.Lock()
	already := l.closed
	l.closed = true
	l.mu.Unlock()
	if already {
		return nil
	}
	l.calls.Wait()
	l.expiry.close()
	l.reviver.close()
	l.descriptors.close()
	return l.release()
}

// release undoes what Open has done so far, backwards.
func (l *Log) release() error {
	var errs []error
	if l.engine != nil {
		l.engine.stop()
	}
	if l.space != nil {
		l.space.close()
	}
	if l.witness != nil {
		errs = append(errs, l.witness.close(l.fault.check() == nil))
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}
