//go:build unix

package ledger

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// descriptorReserve is how many descriptors are held back for the
	// ledger's files, at most an eighth of what the process may have.
	descriptorReserve = 64

	// lent is how many descriptors one call may need: the block it writes,
	// one that it reads, and a new file that replaces one.
	lent = 3

	// fresh is how long it is believed that some are free. Under a load of
	// writes the files are open anyway.
	fresh = 5 * time.Millisecond
)

// descriptors keeps some of the process's file descriptors back. The embedded
// server closes the file of a stream that is not written to and opens it for
// the next write. When others have used up all descriptors meanwhile, such as a
// stranger with many idle connections, that write would fail and with it the
// stream. So a call that finds none free is lent some of these.
type descriptors struct {
	from *os.File // what the reserve is made of: duplicates of it

	mu   sync.Mutex
	held []int // guarded by mu
	want int

	seen atomic.Int64 // when some were found free last, Unix nanoseconds
}

func newDescriptors(from *os.File) *descriptors {
	d := &descriptors{from: from, want: descriptorReserve}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		d.want = int(min(uint64(d.want), limit.Cur/8))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fillLocked()
	return d
}

// fillLocked takes as many descriptors as are wanted and to be had.
func (d *descriptors) fillLocked() {
	for len(d.held) < d.want {
		fd, err := d.dup()
		if err != nil {
			return
		}
		d.held = append(d.held, fd)
	}
}

func (d *descriptors) dup() (int, error) {
	return unix.FcntlInt(d.from.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// lend makes sure that a call finds the descriptors it may need. back must be
// called at the end of the call. The error is ErrBusy when the reserve is used
// up, too.
func (d *descriptors) lend() (back func(), err error) {
	now := time.Now().UnixNano()
	if now-d.seen.Load() < int64(fresh) {
		return func() {}, nil
	}
	var probe [lent]int
	n := 0
	for ; n < lent; n++ {
		if probe[n], err = d.dup(); err != nil {
			break
		}
	}
	closeAll(probe[:n])
	if n == lent {
		d.seen.Store(now)
		return func() {}, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.held) < lent {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	closeAll(d.held[len(d.held)-lent:])
	d.held = d.held[:len(d.held)-lent]
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.fillLocked()
	}, nil
}

// enough tells whether there are descriptors for all files of an engine that
// is about to start, and takes the reserve back if there are.
func (d *descriptors) enough() error {
	const engine = 48 // a block and an index of each stream, sockets of none
	d.mu.Lock()
	defer d.mu.Unlock()
	closeAll(d.held)
	d.held = d.held[:0]
	var probe []int
	defer func() {
		closeAll(probe)
		d.fillLocked()
	}()
	for range engine {
		fd, err := d.dup()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
		probe = append(probe, fd)
	}
	return nil
}

// close gives the reserve up.
func (d *descriptors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	closeAll(d.held)
	d.held, d.want = nil, 0
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd) // duplicates of a file that is only locked
	}
}
