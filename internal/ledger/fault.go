package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// fault is a latch for the first storage error. A file system that failed once
// is not to be trusted again: the kernel may drop the pages it could not write
// and report success from then on.
type fault struct {
	mu  sync.Mutex
	err error      // guarded by mu; nil while all is well
	ch  chan error // receives err once, then is closed
}

func newFault() *fault { return &fault{ch: make(chan error, 1)} }

// trip records the first error and tells the listener.
func (f *fault) trip(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	f.err = err
	f.ch <- err
	close(f.ch)
}

// check returns ErrUnavailable, with the cause, once the latch is tripped.
func (f *fault) check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, f.err)
	}
	return nil
}

// trouble is what an engine's answers must not be believed for. It is a fault,
// which is for good, or a shortage: the disk was full or no descriptor was
// free, so that something was not written. Nothing is wrong with what is
// stored then, but the embedded server refuses its stream until it is started
// again.
type trouble struct {
	fault *fault

	mu    sync.Mutex
	short error         // guarded by mu; nil while there is no shortage
	fell  chan struct{} // closed when there is one
}

func newTrouble(f *fault) *trouble { return &trouble{fault: f, fell: make(chan struct{})} }

// check returns the fault or the shortage, nil when there is neither.
func (t *trouble) check() error {
	if err := t.fault.check(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.short
}

// runShort records the first shortage.
func (t *trouble) runShort(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.short == nil {
		t.short = err
		close(t.fell)
	}
}

// bridge hands the embedded server's log to slog and watches it for storage
// errors. That is the earliest and most complete sign of them: the server
// writes the line while it still holds the lock of the stream, so the latch is
// tripped before any reader can see what was not written. A write that failed
// gets no answer at all, and a read that failed looks like an absent message.
type bridge struct {
	log       *slog.Logger
	trouble   *trouble
	noClients bool // the server must fail to listen for clients
}

// storageSigns are the parts of the server's messages that mean the disk
// failed, in lower case (nats-server 2.15). TestWriteErrorEndsIt shows with a
// real write error that they still catch it; a sign that is missed would leave
// a write without an answer, so it would be refused, too, but reads would go on.
var storageSigns = [...]string{
	"critical write error",
	"failed to store a msg",
	"filesystem permission denied",
	"file system permission denied",
	"will be disabled",
	"loadblock error",
	"error loading msg block",
	"could not be recovered",
	"corrupt record state",
}

// shortageSigns are the system's words for what is only missing for a while.
var shortageSigns = [...]struct {
	sign string
	err  error
}{
	{unix.EMFILE.Error(), ErrBusy},
	{unix.ENFILE.Error(), ErrBusy},
	{unix.ENOSPC.Error(), ErrFull},
	{unix.EDQUOT.Error(), ErrFull},
}

// errStorage is the cause of every fault that stems from the disk.
var errStorage = errors.New("storage error")

func (b bridge) watch(line string) {
	lower := strings.ToLower(line)
	for _, sign := range storageSigns {
		if strings.Contains(lower, sign) {
			b.classify(line)
			return
		}
	}
}

// classify tells a shortage from a fault. What is said after a shortage without
// a cause of its own follows from it. A sync that failed is a fault whatever
// the cause: the kernel may have dropped what it could not write.
func (b bridge) classify(line string) {
	synced := strings.Contains(line, ": sync ")
	for _, s := range shortageSigns {
		if strings.Contains(line, s.sign) && !synced {
			b.trouble.runShort(fmt.Errorf("%w: %s", s.err, line))
			return
		}
	}
	if b.trouble.check() != nil && !namesCause(line) {
		return
	}
	b.trouble.fault.trip(fmt.Errorf("%w: %s", errStorage, line))
}

// namesCause tells whether a line about a failed write says why it failed. The
// server closes with the error of the system call.
func namesCause(line string) bool {
	for _, cause := range []unix.Errno{unix.EIO, unix.EROFS, unix.EACCES, unix.EPERM, unix.EFBIG, unix.EINVAL, unix.EBADF} {
		if strings.Contains(line, cause.Error()) {
			return true
		}
	}
	return strings.Contains(line, ": sync ")
}

func (b bridge) emit(level slog.Level, format string, v []any) {
	if level < slog.LevelWarn && !b.log.Enabled(context.Background(), level) {
		return
	}
	line := fmt.Sprintf(format, v...)
	if level >= slog.LevelWarn {
		b.watch(line)
	}
	b.log.Log(context.Background(), level, line, "from", "jetstream")
}

// Noticef is quiet by default: the server announces a lot at start.
func (b bridge) Noticef(format string, v ...any) { b.emit(slog.LevelDebug, format, v) }

// Warnf passes a warning on, but for one about a password that nobody can use:
// there is no port to connect to.
func (b bridge) Warnf(format string, v ...any) {
	if b.noClients && strings.HasPrefix(format, "Plaintext passwords") {
		return
	}
	b.emit(slog.LevelWarn, format, v)
}

// Errorf passes an error on. That a node cannot be reached is one only for the
// cluster, which tells of it itself: nodes start in any order, and stop.
func (b bridge) Errorf(format string, v ...any) {
	if strings.HasPrefix(format, "Error trying to connect to route") {
		b.emit(slog.LevelInfo, "another node is not reached (attempt %v): %v", v)
		return
	}
	b.emit(slog.LevelError, format, v)
}

// Fatalf passes on that the server cannot go on. It does not end the process:
// that is for the owner of the process to do.
func (b bridge) Fatalf(format string, v ...any) {
	if b.noClients && strings.HasPrefix(format, "Error listening on port") {
		b.Debugf(format, v...) // as it should
		return
	}
	b.emit(slog.LevelError, format, v)
	if b.trouble.check() == nil {
		b.trouble.fault.trip(fmt.Errorf(format, v...))
	}
}

// Debugf is never asked for: the server is started without debug logging.
func (b bridge) Debugf(format string, v ...any) { b.emit(slog.LevelDebug, format, v) }

// Tracef would show subjects and payloads, so it is dropped.
func (b bridge) Tracef(string, ...any) {}
