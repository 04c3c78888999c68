//go:build unix

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process has the directory.
var ErrLocked = errors.New("data directory is in use by another process")

const lockName = "lock"

// Lock takes the directory, which is created when it is missing, for this
// process. The lock goes away with the process, however that ends, so it never
// has to be removed by hand. Closing the returned file releases it. The error
// is ErrLocked when somebody else has the directory.
func Lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory not writable: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close() // only read from; the error of Flock says more
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	return nil, fmt.Errorf("lock data directory: %w", err)
}

// Check returns why Lock could not make or write the directory. It leaves nothing
// behind, and does not mind that somebody else has the directory, nor that the
// disk is full.
func Check(dir string) error {
	there := filepath.Clean(dir)
	info, err := os.Stat(there)
	for errors.Is(err, fs.ErrNotExist) && filepath.Dir(there) != there {
		if _, linked := os.Lstat(there); linked == nil {
			return fmt.Errorf("%s is a link to what is not there", there) // no directory can be made here
		}
		there = filepath.Dir(there)
		info, err = os.Stat(there)
	}
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", there)
	}
	if err := unix.Access(there, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("%s cannot be written: %w", there, err)
	}
	return tryFile(there)
}

// tryFile makes a file in a directory for a moment. Its modes do not tell whether
// that can be: root may write everywhere, but not in /proc.
func tryFile(dir string) error {
	f, err := os.CreateTemp(dir, ".check-*"+Unfinished)
	var refused *fs.PathError // whose path is another each time
	if errors.As(err, &refused) {
		err = refused.Err
	}
	switch {
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT):
		return nil
	case err != nil:
		return fmt.Errorf("%s cannot be written: %w", dir, err)
	}
	return errors.Join(f.Close(), removeIfThere(f.Name()))
}
