//go:build linux

package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inodes is how many files a disk made for playNoInode has room for.
const inodes = 400

// playNoInode: the disk has room, but for no further file. The ledger closes as
// ever, and has everything once there is room for a file again.
func playNoInode(dir string) error {
	cfg := Config{Dir: filepath.Join(dir, "ledger"), MinFree: 16 << 20}
	l, list, err := prepare(cfg, 40)
	if err != nil {
		return err
	}
	other := filepath.Join(dir, "other")
	if err := useUpFiles(other); err != nil {
		return err
	}
	if err := errors.Join(verify(l, list), noFault(l), l.Close()); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	if err := os.RemoveAll(other); err != nil {
		return err
	}
	if l, err = open(context.Background(), cfg); err != nil {
		return fmt.Errorf("start with room again: %w", err)
	}
	return errors.Join(verify(l, list), noFault(l), l.Close())
}

// useUpFiles makes files until there can be no more.
func useUpFiles(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for n := range inodes {
		switch err := os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), nil, 0o600); {
		case errors.Is(err, unix.ENOSPC):
			return nil
		case err != nil:
			return err
		}
	}
	return errors.New("the disk has room for more files than it should")
}

func TestADiskWithoutRoomForAFileEndsNoStop(t *testing.T) {
	if os.Geteuid() != 0 { // tmpfs takes it among its options
		t.Setenv(playInodes, fmt.Sprint(inodes))
	}
	onSmallDisk(t, 160<<20, []string{"-N", fmt.Sprint(inodes)}, func(dir string, attr *syscall.SysProcAttr) { act(t, "no inode", dir, attr) })
}
