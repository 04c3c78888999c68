package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	ballastName = "ballast"
	probeName   = "ballast.probe"

	// ballastFloor is what is kept free on a full disk as long as there is
	// ballast to give, in bytes: the embedded server rewrites blocks of up to
	// 8 MiB when it cleans up.
	ballastFloor = 8 << 20

	// urgentFloor is what an urgent entry leaves free, in bytes: for the
	// marks of what it replaces, and the blocks in which a file system counts.
	urgentFloor = 64 << 10
)

// ballast is a file that only takes up room. When somebody else fills the disk,
// it is made smaller, so that there still is room to end meetings and remove
// people. It is given back piece by piece: whoever filled the disk may go on.
type ballast struct {
	dir     string
	full    int64 // bytes it has when all is well
	minFree int64 // it grows only when that much stays free
	size    int64 // bytes it has now
}

func newBallast(cfg Config) ballast {
	b := ballast{dir: cfg.Dir, full: max(cfg.Ballast, 0), minFree: cfg.MinFree}
	if st, err := os.Stat(filepath.Join(b.dir, ballastName)); err == nil {
		b.size = st.Size()
	}
	return b
}

// grow takes all of the ballast if enough of the disk's free bytes is left.
func (b *ballast) grow(free int64) error {
	if b.size == b.full || free-(b.full-b.size) < b.minFree {
		return nil
	}
	before := b.size
	err := b.resize(b.full)
	if err != nil {
		err = errors.Join(err, b.resize(before)) // half a growth helps nobody
	}
	return err
}

// makeRoom gives ballast back until size bytes can be written, or there is none
// left. What a full file system says of its free space is not exact: it keeps
// some for others or for itself. So it is tried. The error is ErrFull when
// there is no room.
func (b *ballast) makeRoom(size int64) error {
	for {
		err := b.probe(size)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT):
			return fmt.Errorf("%w: free disk space: %w", ErrUnavailable, err)
		case b.size == 0:
			return fmt.Errorf("%w: nothing is free on the disk", ErrFull)
		}
		if err := b.resize(max(b.size-ballastFloor, 0)); err != nil {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
}

// probe tries to write size bytes.
func (b *ballast) probe(size int64) error {
	f, err := os.OpenFile(filepath.Join(b.dir, probeName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(occupy(f, 0, size), f.Close(), os.Remove(f.Name()))
}

func (b *ballast) resize(size int64) error {
	f, err := os.OpenFile(filepath.Join(b.dir, ballastName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("ballast: %w", err)
	}
	if size > b.size {
		err = occupy(f, b.size, size-b.size)
	} else {
		err = f.Truncate(size)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("ballast: %w", err)
	}
	b.size = size
	return nil
}

// occupy gives the file real blocks on the disk.
func occupy(f *os.File, from, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, from, size)
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	// Random bytes: a file system may keep anything else in less room.
	_, err = io.Copy(io.NewOffsetWriter(f, from), io.LimitReader(rand.Reader, size))
	return err
}
