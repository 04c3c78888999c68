//go:build unix

package durable

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes can still be written to the file system of a
// directory.
func Free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
