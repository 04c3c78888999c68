//go:build powercut

package clustertest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// disk is a node's data directory as an ext4 file system of its own, on a loop
// device, whose power can be cut in so far as a program can: the file system is
// shut down without flushing anything, so that only what was synced is there
// afterwards. It needs root. That the cut is a cut, `make test-powercut` shows.
type disk struct {
	t           *testing.T
	device, dir string
}

// newDisk puts the directory, which is empty, on a disk until the test ends.
func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const size = 2 << 30 // more than the store keeps free; the file is sparse
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	d := &disk{t: t, dir: dir, device: tell(t, "losetup", "--find", "--show", image)}
	t.Cleanup(func() { tell(t, "losetup", "--detach", d.device) })
	tell(t, "mkfs.ext4", "-q", "-m", "0", d.device)
	d.mount()
	t.Cleanup(d.unmount)
	if err := errors.Join(os.Remove(filepath.Join(dir, "lost+found")), os.Chmod(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *disk) mount() { tell(d.t, "mount", d.device, d.dir) }

// unmount waits until the files of a process that was killed are closed.
func (d *disk) unmount() {
	d.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := syscall.Unmount(d.dir, 0)
		if err == nil || errors.Is(err, syscall.EINVAL) { // not mounted
			return
		}
		if time.Now().After(end) {
			d.t.Fatal(err)
		}
	}
}

// cut shuts the file system down: nothing reaches the device any more.
func (d *disk) cut() {
	d.t.Helper()
	const shutdown, noFlush = 0x8004587d, uint32(2) // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	flags := noFlush
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.t.Fatal(errno)
	}
}

// tell runs a command that has to succeed and returns what it prints.
func tell(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := output(command, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// powerless cuts the power of a node: first the processor stands still, then the
// disk forgets what was not synced.
func (d *disk) powerless(n *Node) {
	n.Freeze()
	d.cut()
	n.Kill()
}

// power brings it back.
func (d *disk) power(n *Node) {
	d.unmount()
	d.mount()
	n.Start()
}

// A power cut of one node, and of all of them at once, loses nothing and ends no
// meeting.
func TestPowerCutsOfNodes(t *testing.T) {
	// What is unmounted here has to go from the nodes' mount namespaces too.
	tell(t, "mount", "--make-rshared", "/")
	c := shop(t).Prepare(t, Build{}, 3)
	disks := map[*Node]*disk{}
	for _, n := range c.Nodes {
		disks[n] = newDisk(t, n.Dir)
	}
	t.Cleanup(c.stop) // before the disks go
	for _, n := range c.Nodes {
		n.Start()
	}
	c.WaitReady()
	v := NewVerdict()
	trial := begin(t, c, v, DefaultLoad())
	for range 2 {
		trial.Suffer(fault("a power cut of the owner of most", func(c *Cluster) {
			n := c.owner()
			disks[n].powerless(n)
			time.Sleep(killedFor)
			disks[n].power(n)
		}), nil)
	}
	everybody := fault("a power cut of all nodes at once", func(c *Cluster) {
		for _, n := range c.Nodes {
			disks[n].powerless(n)
		}
		for _, n := range c.Nodes {
			disks[n].power(n)
		}
	})
	everybody.Outage = true
	trial.Suffer(everybody, nil)
	trial.End()
	sound(t, v)
}
