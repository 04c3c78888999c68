package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Errors of the ledger, for errors.Is.
var (
	// ErrUnavailable: the ledger is closing, its disk failed, or it did not
	// answer. A write that fails so has not happened, unless the disk failed
	// or the slot was lost: then nothing more is to be done with it.
	ErrUnavailable = errors.New("ledger unavailable")

	// ErrFull: the ledger has reached its size, or the disk is full or nearly
	// so. It is also an ErrUnavailable. What is Urgent still works as long as
	// anything does. The caller tries again later.
	ErrFull = fmt.Errorf("%w: full", ErrUnavailable)

	// ErrBusy: the process has no file descriptors left. It is also an
	// ErrUnavailable. The caller tries again later.
	ErrBusy = fmt.Errorf("%w: out of file descriptors", ErrUnavailable)

	// ErrLost: the slot has another owner, or was released. It is also an
	// ErrUnavailable. What the former owner has in memory is worth nothing.
	ErrLost = fmt.Errorf("%w: the slot is not held", ErrUnavailable)

	// ErrForeignKey: the directory was written under another key than
	// Config.KeyCheck stands for.
	ErrForeignKey = errors.New("ledger: its meetings belong to another key: every join token given out so far comes from that one. " +
		"Restore the key from a backup, or start with another data directory")

	// ErrTooLarge: the data is longer than MaxEntry. Nothing was stored.
	ErrTooLarge = fmt.Errorf("ledger: entry larger than %d bytes", MaxEntry)
)

// Revision is a place in a meeting's log. The zero Revision is before the first
// entry.
type Revision struct {
	Seq uint64 // grows within a meeting, with gaps
	sum uint32 // checksum of the entry there
}

// Entry is one stored record, or media-side fact. Data is the reader's own.
type Entry struct {
	Revision Revision
	Time     time.Time // when it was stored, by its owner's clock
	Data     []byte
	Fact     bool

	// Gap says that the meeting's entry before this one is missing. It is
	// false for the first entry that is left of a meeting.
	Gap bool

	end bool // it ends the meeting
}

// Config says where and how large the ledger is. Dir is required; every other
// zero field takes its default.
type Config struct {
	Dir string // created when missing; one process at a time

	// Node is this process's name, unique in the cluster. Default "carillon".
	Node string

	// Cluster makes the embedded server part of one with other nodes. Nil: it
	// is alone and listens on nothing.
	Cluster *Cluster

	// Replicas is on how many nodes each entry is stored before it is
	// acknowledged. Default 1, or 3 in a cluster.
	Replicas int

	// Streams is the number of streams when the directory is created; later
	// the directory decides. Default 8, or 4 in a cluster.
	Streams int

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

	// AnswerWithin is how long one attempt of a write or read waits. Default
	// 5 s.
	AnswerWithin time.Duration

	// GiveUp is how long a write is tried that finds no leader of its stream,
	// or no answer. Elections take 4 to 9 s, and up to 13 s with a split vote.
	// Default 20 s.
	GiveUp time.Duration

	Logger *slog.Logger // default: discard
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("ledger: no data directory given")
	}
	replicas, streams := 1, oneMachineStreams
	if c.Cluster != nil {
		replicas, streams = 3, clusterStreams
	}
	c.Node = cmp.Or(c.Node, "carillon")
	c.Replicas = cmp.Or(c.Replicas, replicas)
	c.Streams = cmp.Or(c.Streams, streams)
	c.MinFree = cmp.Or(c.MinFree, 128<<20)
	c.Ballast = cmp.Or(c.Ballast, 32<<20)
	c.MaxAge = cmp.Or(c.MaxAge, 48*time.Hour)
	c.AnswerWithin = cmp.Or(c.AnswerWithin, 5*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, 20*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Streams < 0 || c.Streams > meeting.Slots {
		return c, fmt.Errorf("ledger: %d streams; possible are 1 to %d", c.Streams, meeting.Slots)
	}
	return c, nil
}

// replicated tells whether an acknowledged entry is on other nodes too, and
// perhaps not on this one's disk.
func (c Config) replicated() bool { return c.Replicas > 1 }

// Log is an open ledger. Its methods may be called from any goroutine.
type Log struct {
	cfg         Config
	layout      layout
	fault       *fault
	descriptors *descriptors
	space       *space
	witness     *witness
	expiries    []*expiry // by stream
	keeper      *keeper
	reviver     *reviver
	lock        *os.File

	mu     sync.Mutex
	engine *engine              // guarded by mu; nil while it is started anew
	down   error                // guarded by mu; why there is no engine
	closed bool                 // guarded by mu
	calls  sync.WaitGroup       // Add only under mu while there is an engine and not closed
	slots  [meeting.Slots]*Slot // adopted last; guarded by mu

	background sync.WaitGroup // what looks for outcomes; ends with the ledger
}

// Open opens the ledger in cfg.Dir, creating it when it is not there. It fails
// with durable.ErrLocked when another process has it, and with a plain error
// when the directory cannot be written, belongs to another version or another
// key, or has lost a stream, and with ErrDamaged when entries are missing or
// spoilt. In a cluster it waits until enough nodes are there. ctx bounds the
// opening only.
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
	l.space = newSpace(cfg)
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
	l.expiries = startExpiries(l)
	l.keeper = startKeeper(l)
	l.reviver = startReviver(l, e)
	return l, nil
}

// examine looks for damage before the embedded server touches anything, and
// begins a new account of what is stored.
func (l *Log) examine(ctx context.Context) error {
	damage, seen, err := examine(ctx, l.cfg, l.layout.Created)
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
	if l.cfg.replicated() {
		// How far this node's copy has come says nothing: it may go back, and
		// the others bring it up to date.
		seen = map[string]uint64{}
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

// Connect returns a connection of the caller's own to the server that the
// ledger runs on, for messages between nodes and for what else they share. It
// ends with the ledger, or when that has to start its server anew.
func (l *Log) Connect(name string) (*nats.Conn, error) {
	e, done, err := l.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	return e.connect(name)
}

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

// ended tells whether no call will be admitted any more.
func (l *Log) ended() bool {
	if l.fault.check() != nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
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
	l.background.Wait()
	for _, x := range l.expiries {
		x.close()
	}
	l.keeper.close()
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
