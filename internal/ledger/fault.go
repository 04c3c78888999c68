package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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

// bridge hands the embedded server's log to slog and watches it for storage
// errors. That is the earliest and most complete sign of them: the server
// writes the line while it still holds the lock of the stream, so the latch is
// tripped before any reader can see what was not written. A write that failed
// gets no answer at all, and a read that failed looks like an absent message.
type bridge struct {
	log   *slog.Logger
	fault *fault
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

// errStorage is the cause of every fault that stems from the disk.
var errStorage = errors.New("storage error")

func (b bridge) watch(line string) {
	lower := strings.ToLower(line)
	for _, sign := range storageSigns {
		if strings.Contains(lower, sign) {
			b.fault.trip(fmt.Errorf("%w: %s", errStorage, line))
			return
		}
	}
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

// Warnf passes a warning on.
func (b bridge) Warnf(format string, v ...any) { b.emit(slog.LevelWarn, format, v) }

// Errorf passes an error on.
func (b bridge) Errorf(format string, v ...any) { b.emit(slog.LevelError, format, v) }

// Fatalf passes on that the server cannot go on. It does not end the process:
// that is for the owner of the process to do.
func (b bridge) Fatalf(format string, v ...any) {
	b.emit(slog.LevelError, format, v)
	b.fault.trip(fmt.Errorf(format, v...))
}

// Debugf is never asked for: the server is started without debug logging.
func (b bridge) Debugf(format string, v ...any) { b.emit(slog.LevelDebug, format, v) }

// Tracef would show subjects and payloads, so it is dropped.
func (b bridge) Tracef(string, ...any) {}
