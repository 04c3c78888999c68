package control_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
)

// cpuTime is what this process has used so far, user and system.
func cpuTime() time.Duration {
	var ru syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// inParallel calls fn n times from several clients at once, with the numbers
// from 0.
func inParallel(n int, fn func(i int)) {
	const clients = 8
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(i)
			}
		})
	}
	wg.Wait()
}

// BenchmarkCreateMeeting creates meetings beside others that are there, from 8
// clients at once. cpu-µs/op is the whole process: control, ledger and tokens.
func BenchmarkCreateMeeting(b *testing.B) {
	for _, there := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("there=%d", there), func(b *testing.B) {
			v := newEnv(b, func(c *control.Config) {
				c.Limits.Meetings = 1 << 30
				c.Clock = nil // the system's: one that stands still puts every meeting into the middle of the list
			}, nil)
			inParallel(there, func(i int) { v.create(owner, fmt.Sprintf("there-%d", i)) })
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime()
			inParallel(b.N, func(i int) {
				_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, fmt.Sprintf("token-%d", i)))
				if err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
