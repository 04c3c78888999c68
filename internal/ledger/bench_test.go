package ledger

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func randomID(tb testing.TB) (id meeting.ID) {
	tb.Helper()
	if _, err := rand.Read(id[:]); err != nil {
		tb.Fatal(err)
	}
	return id
}

func openTB(tb testing.TB, cfg Config) *Log {
	tb.Helper()
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	l, err := Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}

func cpuTime() time.Duration {
	var ru syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// BenchmarkAppend stores 8 KB entries, two to a meeting, from several writers
// at once.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		for _, follow := range []bool{false, true} {
			b.Run(fmt.Sprintf("writers=%d/follow=%v", writers, follow), func(b *testing.B) {
				l := openTB(b, Config{})
				if follow {
					defer l.Follow(func(meeting.ID, Entry) {})()
				}
				data := make([]byte, 8<<10)
				_, _ = rand.Read(data)
				b.ReportAllocs()
				b.ResetTimer()
				cpu := cpuTime()
				var next atomic.Int64
				var wg sync.WaitGroup
				for range writers {
					wg.Go(func() {
						for next.Add(1) <= int64(b.N) {
							id := randomID(b)
							rev, err := l.Append(b.Context(), id, 0, data)
							if err == nil && next.Add(1) <= int64(b.N) {
								_, err = l.Append(b.Context(), id, rev, data)
							}
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
			})
		}
	}
}

// BenchmarkDisk is what the disk itself does: depth entries of 8 KB appended
// to a file, then one fdatasync.
func BenchmarkDisk(b *testing.B) {
	for _, depth := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "f"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			data := make([]byte, 8<<10*depth)
			_, _ = rand.Read(data)
			for n := 0; n < b.N; n += depth {
				if _, err := f.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := unix.Fdatasync(int(f.Fd())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
