package gauge

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ticks is the unit of CPU times in /proc: USER_HZ, 100 on every Linux.
const ticks = 100

// CPUTime returns the CPU time that a process has used, to 10 ms.
func CPUTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	const user, system = 11, 12 // fields 14 and 15 of the whole line
	if len(fields) <= system {
		return 0, fmt.Errorf("CPU time of process %d: %d fields", pid, len(fields))
	}
	var sum uint64
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, nil
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
