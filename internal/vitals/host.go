package vitals

import (
	"bufio"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Host is what the process and its machine use. Sizes are in bytes; of what
// cannot be read a size is -1 and a count 0.
type Host struct {
	CPU       time.Duration // processor time of this process, in the program and in the kernel
	Cores     int           // processors that it may use
	Busy, All uint64        // time of the machine's processors: at work, and in all, in ticks of the kernel
	Resident  int64         // memory of this process
	Heap      int64         // of Go's heap, in use
	Free      int64         // of the machine's memory, what can be had
	Memory    int64         // of the machine, in all
	DiskUsed  int64
	DiskFree  int64 // for this process
}

// ReadHost reads this process, its machine and the disk that a directory is on.
// In a container the machine is what the kernel tells there: mostly the whole of
// it, with what others use.
func ReadHost(dir string) Host {
	h := Host{Cores: runtime.GOMAXPROCS(0), Resident: -1, Heap: goHeap(), Free: -1, Memory: -1, DiskUsed: -1, DiskFree: -1}
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil {
		h.CPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	var disk unix.Statfs_t
	if unix.Statfs(dir, &disk) == nil {
		h.DiskUsed = int64(disk.Blocks-disk.Bfree) * disk.Bsize
		h.DiskFree = int64(disk.Bavail) * disk.Bsize
	}
	_ = readFile("/proc/stat", h.readStat) // what cannot be read stays unknown
	_ = readFile("/proc/self/statm", h.readStatm)
	_ = readFile("/proc/meminfo", h.readMeminfo)
	return h
}

// goHeap returns how much of Go's heap is in use.
func goHeap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

func readFile(path string, read func(io.Reader)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	read(f)
	return f.Close()
}

// readStat reads the first line of /proc/stat, which sums up all processors:
// user nice system idle iowait irq softirq steal (proc_stat(5); what guests take is
// in user).
func (h *Host) readStat(r io.Reader) {
	line, _ := bufio.NewReader(r).ReadString('\n')
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "cpu" {
		return
	}
	for i, field := range fields[1:min(len(fields), 9)] {
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			h.Busy, h.All = 0, 0
			return
		}
		h.All += ticks
		if i != 3 && i != 4 { // idle, and idle with a disk at work
			h.Busy += ticks
		}
	}
}

// readStatm reads /proc/self/statm: all pages, resident pages, … (proc_pid_statm(5)).
func (h *Host) readStatm(r io.Reader) {
	line, _ := bufio.NewReader(r).ReadString('\n')
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return
	}
	if pages, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
		h.Resident = pages * int64(os.Getpagesize())
	}
}

// readMeminfo reads the lines "MemTotal: N kB" and "MemAvailable: N kB".
func (h *Host) readMeminfo(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() && (h.Memory < 0 || h.Free < 0) {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "MemTotal":
			h.Memory = kib << 10
		case "MemAvailable":
			h.Free = kib << 10
		}
	}
}
