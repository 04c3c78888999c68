package meeting

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// userHZ is the unit of CPU times in /proc: 100 on every Linux.
const userHZ = 100

// usage is what a process has used so far.
type usage struct {
	at  time.Time
	cpu time.Duration
	rss float64 // MiB, now
}

// cores returns how many processors were busy between two looks.
func cores(from, to usage) float64 {
	return ratio(float64(to.cpu-from.cpu), float64(to.at.Sub(from.at)))
}

// look reads the usage of a process. For pid 0 it knows nothing and says so by
// zeros.
func look(pid int) (usage, error) {
	u := usage{at: time.Now()}
	if pid == 0 {
		return u, nil
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	const user, system, resident = 11, 12, 21 // fields 14, 15 and 24 of the line
	if len(fields) <= resident {
		return u, fmt.Errorf("CPU time of process %d: %d fields", pid, len(fields))
	}
	var n [3]int64
	for i, field := range []int{user, system, resident} {
		if n[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return u, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
	}
	u.cpu = time.Duration(n[0]+n[1]) * time.Second / userHZ
	u.rss = float64(n[2]) * float64(os.Getpagesize()) / (1 << 20)
	return u, nil
}
