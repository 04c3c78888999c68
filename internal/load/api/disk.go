package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// GroupSync measures the disk under dir for about d: depth records of the
// given size are appended to a file, and then flushed together with one
// fdatasync. It returns how long each write and flush took. A new file is
// begun every 64 MiB.
func GroupSync(dir string, depth, size int, d time.Duration) (_ []time.Duration, err error) {
	const fileSize = 64 << 20
	group := make([]byte, depth*size)
	if _, err := rand.Read(group); err != nil {
		return nil, fmt.Errorf("measure disk: %w", err)
	}
	var took []time.Duration
	for end := time.Now().Add(d); time.Now().Before(end); {
		f, err := os.CreateTemp(dir, "carillon-load-*")
		if err != nil {
			return nil, fmt.Errorf("measure disk: %w", err)
		}
		more, err := syncFile(f, group, fileSize, end)
		if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
			return nil, fmt.Errorf("measure disk: %w", err)
		}
		took = append(took, more...)
	}
	return took, nil
}

func syncFile(f *os.File, group []byte, size int, end time.Time) (took []time.Duration, err error) {
	for written := 0; written < size && time.Now().Before(end); written += len(group) {
		start := time.Now()
		if _, err := f.Write(group); err != nil {
			return nil, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}
