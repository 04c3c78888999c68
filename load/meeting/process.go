package meeting

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks is the unit of CPU times in /proc: USER_HZ, 100 on every Linux.
const ticks = 100

// usage is what a process has used: CPU time so far, resident memory in MiB now.
type usage struct {
	cpu time.Duration
	rss float64
}

// usageOf reads the usage of a process; nothing is known of process 0.
func usageOf(pid int) (u usage, err error) {
	if pid == 0 {
		return u, nil
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, fmt.Errorf("usage of process %d: %w", pid, err)
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	const user, system, resident = 11, 12, 21 // fields 14, 15 and 24 of the whole line
	if len(fields) <= resident {
		return u, fmt.Errorf("usage of process %d: %d fields", pid, len(fields))
	}
	var n [3]int64
	for i, field := range []int{user, system, resident} {
		if n[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return u, fmt.Errorf("usage of process %d: %w", pid, err)
		}
	}
	u.cpu = time.Duration(n[0]+n[1]) * time.Second / ticks
	u.rss = float64(n[2]) * float64(os.Getpagesize()) / (1 << 20)
	return u, nil
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
