//go:build powercut && linux

package ledger

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// These tests cut the power of a disk, in so far as a program can: an ext4 file
// system on a loop device is shut down without flushing anything, so that only
// what was synced is on the device. They need root and loop devices:
//
//	go test -tags powercut -run PowerCut -v ./internal/ledger
//
// TestPowerCutLosesWhatIsNotSynced shows that the cut is a cut.

// cut shuts the file system down: nothing reaches the device any more, and
// every access fails.
func (d *disk) cut() {
	d.t.Helper()
	const shutdown, noFlush = 0x8004587d, uint32(2) // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	flags := noFlush
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.t.Fatal(errno)
	}
}

// restore brings the power back.
func (d *disk) restore() {
	d.unmount()
	d.mount()
}

func TestPowerCutLosesWhatIsNotSynced(t *testing.T) {
	d := newDisk(t, 1<<30)
	lazy, synced := filepath.Join(d.dir, "lazy"), filepath.Join(d.dir, "synced")
	if err := os.WriteFile(lazy, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(synced, []byte("data")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lazy, []byte("more data"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.cut()
	d.restore()
	if got, err := os.ReadFile(lazy); err == nil && string(got) == "more data" {
		t.Error("the cut lost nothing: these tests prove nothing here")
	}
	if got, err := os.ReadFile(synced); err != nil || string(got) != "data" {
		t.Errorf("the cut lost what was synced: %q, %v", got, err)
	}
}

func TestPowerCut(t *testing.T) {
	for range 3 {
		powerCut(t, func(cmd *exec.Cmd, d *disk) {
			// Frozen first: with the power, the processor goes too.
			if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			d.cut()
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed
		})
	}
}

// TestPowerCutOfTheDiskAlone is a disk that fails under a running process,
// which has to notice, acknowledge nothing more, and end.
func TestPowerCutOfTheDiskAlone(t *testing.T) {
	for range 3 {
		powerCut(t, func(cmd *exec.Cmd, d *disk) {
			d.cut()
			err := cmd.Wait()
			if cmd.ProcessState.ExitCode() != faultStatus {
				t.Errorf("writer ended with %v, want status %d", err, faultStatus)
			}
		})
	}
}

func powerCut(t *testing.T, cut func(*exec.Cmd, *disk)) {
	t.Helper()
	d, path := newDisk(t, 1<<30), filepath.Join(t.TempDir(), "acks")
	dir := filepath.Join(d.dir, "data")
	cmd := startWriter(t, dir, path)
	awaitAcks(t, path, 2000)
	cut(cmd, d)
	d.restore()
	l := openTB(t, Config{Dir: dir})
	acked, lost := compare(t, l, readAcks(t, path))
	t.Logf("%d writes acknowledged, %d lost", acked, lost)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
