package gauge

import (
	"bytes"
	"crypto/sha256"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestProcessFigures(t *testing.T) {
	before, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; {
		sha256.Sum256(make([]byte, 1<<16)) // work
		after, err := CPUTime(os.Getpid())
		if err == nil && after > before {
			break
		}
		if err != nil || time.Since(start) > time.Minute { // a busy machine gives little
			t.Fatalf("CPU time went from %v to %v, %v", before, after, err)
		}
	}
	for _, pid := range []int{1 << 22, 1 << 30, 0, -1} {
		if _, err := CPUTime(pid); err == nil {
			t.Errorf("process %d, which does not exist, has CPU time", pid)
		}
	}
	if now, peak, err := Memory(os.Getpid()); err != nil || now < 1 || peak < now {
		t.Errorf("memory %f MiB, peak %f, %v", now, peak, err)
	}
	debug.FreeOSMemory()
	small, err := OwnMemory(os.Getpid())
	if err != nil || small <= 0 {
		t.Fatalf("own memory %f MiB, %v", small, err)
	}
	held := bytes.Repeat([]byte{1}, 64<<20)
	if large, err := OwnMemory(os.Getpid()); err != nil || large < small+32 {
		t.Errorf("own memory grew from %f to %f MiB, %v", small, large, err)
	}
	runtime.KeepAlive(held)
	if _, err := OwnMemory(1 << 30); err == nil {
		t.Error("a process that does not exist has memory")
	}
}

func TestPercentile(t *testing.T) {
	var d []time.Duration
	for n := 100; n > 0; n-- {
		d = append(d, time.Duration(n))
	}
	for part, want := range map[float64]time.Duration{0.5: 51, 0.99: 100, 1: 100, 0: 1} {
		if got := Percentile(d, part); got != want {
			t.Errorf("percentile %v is %v, want %v", part, got, want)
		}
	}
	if Percentile(nil, 0.5) != 0 {
		t.Error("no times have a percentile")
	}
}
