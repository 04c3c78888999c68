//go:build linux

package ledger

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// disk is an ext4 file system on a loop device. It needs root.
type disk struct {
	t           *testing.T
	device, dir string
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func newDisk(t *testing.T, size int64, mkfs ...string) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a disk on a loop device needs root")
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	d := &disk{t: t, dir: t.TempDir(), device: run(t, "losetup", "--find", "--show", image)}
	t.Cleanup(func() { run(t, "losetup", "--detach", d.device) })
	run(t, "mkfs.ext4", append(mkfs, "-q", d.device)...)
	d.mount()
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) mount() { run(d.t, "mount", d.device, d.dir) }

// unmount waits for the killed process's files to be closed.
func (d *disk) unmount() {
	d.t.Helper()
	eventually(d.t, "file system unmounts", func() bool {
		err := unix.Unmount(d.dir, 0)
		return err == nil || errors.Is(err, unix.EINVAL) // not mounted
	})
}
