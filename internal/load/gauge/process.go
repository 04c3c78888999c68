package gauge

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime returns the CPU time that a process of this machine has used, in user
// and in system mode, threads that have ended included. It is that of the
// process's own clock (clock_getcpuclockid(3)), to the nanosecond: /proc tells
// it in steps of 10 ms.
func CPUTime(pid int) (time.Duration, error) {
	const (
		scheduler = 2       // CPUCLOCK_SCHED of the kernel: what the process has run
		maxPID    = 1 << 22 // PID_MAX_LIMIT; numbers far beyond name other clocks
	)
	var used unix.Timespec
	err := error(unix.ESRCH)
	if pid > 0 && pid <= maxPID {
		err = unix.ClockGettime(int32(^pid<<3|scheduler), &used)
	}
	if err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}

// Memory returns the resident memory of a process now and at its highest, in
// MiB.
func Memory(pid int) (now, peak float64, err error) {
	values, err := status(pid, "VmRSS", "VmHWM")
	return values[0], values[1], err
}

// OwnMemory returns the resident memory of a process that is in no file, in MiB: how
// much it grows says what something takes, whatever pages of its binary the kernel
// maps meanwhile.
func OwnMemory(pid int) (float64, error) {
	values, err := status(pid, "RssAnon")
	return values[0], err
}

// status reads values of proc_pid_status(5), in MiB; those that are not there are 0.
func status(pid int, names ...string) (values []float64, err error) {
	values = make([]float64, len(names))
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return values, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(raw)) {
		name, rest, _ := strings.Cut(line, ":")
		i := slices.Index(names, name)
		if i < 0 {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		if err != nil {
			return values, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		values[i] = kib / 1024
	}
	return values, nil
}
