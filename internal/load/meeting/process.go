package meeting

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

// usage is what a process has used: CPU time so far, memory in MiB now:
// resident, and of that its own.
type usage struct {
	cpu      time.Duration
	rss, own float64
}

// usageOf reads the usage of a process; nothing is known of process 0.
func usageOf(pid int) (u usage, err error) {
	if pid == 0 {
		return u, nil
	}
	if u.cpu, err = gauge.CPUTime(pid); err != nil {
		return u, err
	}
	if u.rss, _, err = gauge.Memory(pid); err != nil {
		return u, err
	}
	u.own, err = gauge.OwnMemory(pid)
	return u, err
}

// ownCPU returns the CPU time that this process has used.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// loadAverage returns the machine's load average of the last minute, 0 if it is
// not known.
func loadAverage() float64 {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(raw), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return load
}
