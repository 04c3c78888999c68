package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

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

	// URL leads to a NATS with JetStream that somebody else runs, instead of
	// the embedded server: nats:// or tls://, several separated by commas. It
	// has to sync every write (sync_interval: always) and to take messages of
	// 4 MiB (max_payload). What is left in Dir then is the layout. Empty: the
	// embedded server.
	URL string

	// Credentials is the path of a NATS credentials file, and CA that of the
	// certificates that sign the server's. Both are for URL only; empty: none.
	Credentials, CA string

	// Replicas is on how many nodes each entry is stored before it is
	// acknowledged. Default 1, or 3 in a cluster or with URL.
	Replicas int

	// Streams is the number of streams when the directory is created; later
	// the directory decides, and a node that joins a cluster goes by what is
	// there. Default 8, or 4 in a cluster or with URL.
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

	// ShelfAge is how long things stay on the shelf, and ShelfBytes bounds
	// what they take on the disk. Default 14 days, 1 GiB.
	ShelfAge   time.Duration
	ShelfBytes int64

	// KeptAge is how long what is kept of ended meetings stays in the cluster's
	// stream for it, and KeptBytes bounds that. Default 7 days, 256 MiB.
	KeptAge   time.Duration
	KeptBytes int64

	// Needed reports whether the entries of an ended meeting are still needed,
	// whatever their age; they are kept, and it is asked again soon. Nil: none
	// are. It must not block.
	Needed func(id meeting.ID) bool

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
	if !c.alone() {
		replicas, streams = 3, clusterStreams
	}
	if c.URL != "" {
		c.MinFree, c.Ballast = -1, -1 // it is not our disk that fills
	}
	c.Node = cmp.Or(c.Node, "carillon")
	c.Replicas = cmp.Or(c.Replicas, replicas)
	c.Streams = cmp.Or(c.Streams, streams)
	c.MinFree = cmp.Or(c.MinFree, 128<<20)
	c.Ballast = cmp.Or(c.Ballast, 32<<20)
	c.MaxAge = cmp.Or(c.MaxAge, 48*time.Hour)
	c.ShelfAge = cmp.Or(c.ShelfAge, 14*24*time.Hour)
	c.ShelfBytes = cmp.Or(c.ShelfBytes, 1<<30)
	c.KeptAge = cmp.Or(c.KeptAge, 7*24*time.Hour)
	c.KeptBytes = cmp.Or(c.KeptBytes, 256<<20)
	c.AnswerWithin = cmp.Or(c.AnswerWithin, 5*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, 20*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.URL != "" && c.Cluster != nil {
		return c, errors.New("ledger: a server of somebody else's has its own cluster: give an URL or Cluster, not both")
	}
	if c.Streams < 0 || c.Streams > meeting.Slots {
		return c, fmt.Errorf("ledger: %d streams; possible are 1 to %d", c.Streams, meeting.Slots)
	}
	return c, nil
}

// replicated tells whether an acknowledged entry is on other nodes too, and
// perhaps not on this one's disk.
func (c Config) replicated() bool { return c.Replicas > 1 }

// alone tells whether nobody but this process can write to the directory's
// streams.
func (c Config) alone() bool { return c.Cluster == nil && c.URL == "" }

// where names the server for people; the URL may hold a password.
func (c Config) where() string {
	if c.URL == "" {
		return "the embedded server"
	}
	return "the NATS server"
}

// streams returns where the embedded server keeps its streams. What it has kept
// alone it would remove in a cluster, which has not heard of it; see move.go.
func (c Config) streams() string {
	if c.alone() {
		return filepath.Join(c.Dir, streamsDir)
	}
	return filepath.Join(c.Dir, clusterDir)
}

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
	known  [meeting.Slots]bool  // adopted before by this process; guarded by mu

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
	if l.engine, err = l.openEngine(ctx); err != nil {
		return nil, err
	}
	l.layout = l.engine.layout
	l.descriptors = newDescriptors(l.lock)
	l.expiries = startExpiries(l)
	l.keeper = startKeeper(l)
	l.reviver = startReviver(l, l.engine)
	return l, nil
}

// Fault returns a channel that receives the storage error, once, and is then
// closed. The process must end when it does: restarting is the only way back.
func (l *Log) Fault() <-chan error { return l.fault.ch }

// Connect returns a connection of the caller's own to the server that the
// ledger runs on, for messages between nodes and for what else they share. When
// the ledger has to start its server anew, the connection finds the new one; it
// ends when the caller closes it.
func (l *Log) Connect(name string) (*nats.Conn, error) {
	e, done, err := l.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	if e.server == nil {
		return e.connect(name)
	}
	return e.connect(name, nats.InProcessServer(inProcess{l}))
}

// inProcess leads to the server that the ledger runs on now.
type inProcess struct{ log *Log }

// InProcessConn implements nats.InProcessConnProvider.
func (p inProcess) InProcessConn() (net.Conn, error) {
	e, done, err := p.log.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	return e.server.InProcessConn()
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
		errs = append(errs, l.closeAccount())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}
