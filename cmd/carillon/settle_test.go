package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

func TestOwnPagesAreThoseThatAreInTheFile(t *testing.T) {
	const maps = `00400000-01da7000 r-xp 00000000 fe:00 123 /usr/bin/carillon
01da7000-03ad9000 r--p 019a7000 fe:00 123 /usr/bin/carillon
03ad9000-03bc6000 rw-p 036d9000 fe:00 123 /usr/bin/carillon
03bc6000-05cb9000 rw-p 00000000 00:00 0
06000000-07000000 r--p 00000000 fe:00 7 /usr/lib/libc.so.6
08000000-09000000 r--s 00000000 fe:00 123 /usr/bin/carillon
nonsense
0000-zzzz r--p 00000000 fe:00 123 /usr/bin/carillon
7ffc57390000-7ffc573b1000 rw-p 00000000 00:00 0 [stack]
`
	want := []pageRange{{0x400000, 0x19a7000}, {0x1da7000, 0x1d32000}}
	if got := ownPages(strings.NewReader(maps), "/usr/bin/carillon"); !reflect.DeepEqual(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// mapped returns how much of a process's binary is mapped, and how much of that is
// resident, in KiB.
func mapped(t *testing.T, pid int) (size, resident int) {
	t.Helper()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	own := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, n := lines.Text(), 0
		switch {
		case strings.Contains(line, " r-xp "), strings.Contains(line, " r--p "):
			own = strings.HasSuffix(line, exe)
		case strings.Contains(line, "-") && strings.Contains(line, "p 0"):
			own = false
		case !own:
		default:
			if _, err := fmt.Sscanf(line, "Size: %d", &n); err == nil {
				size += n
			} else if _, err := fmt.Sscanf(line, "Rss: %d", &n); err == nil {
				resident += n
			}
		}
	}
	return size, resident
}

// A server that waits for calls has little of its binary in memory, and takes calls
// all the same.
func TestAnIdleServerLetsGoOfWhatStartingTook(t *testing.T) {
	s := servertest.Start(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		size, resident := mapped(t, s.PID())
		if size > 0 && resident < size/2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d KiB of the binary are resident", resident, size)
		}
	}
	s.WaitReady()
}
