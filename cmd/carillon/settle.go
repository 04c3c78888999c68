package main

import (
	"bufio"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// settle gives back what only starting needed: memory of the heap, and the pages of
// the binary that were read once. The kernel keeps those in its cache for as long as it
// likes, and hands them out again when they are wanted.
func settle() {
	debug.FreeOSMemory()
	path, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return // not on this system
	}
	defer func() { _ = maps.Close() }()
	for _, r := range ownPages(maps, path) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, r.from, r.size, syscall.MADV_DONTNEED) // what is refused stays
	}
}

// pageRange is a part of the address space.
type pageRange struct{ from, size uintptr }

// ownPages returns the parts that are mapped from a file and can only be read, of
// proc_pid_maps(5). What can be written is not in the file any more.
func ownPages(maps io.Reader, path string) (list []pageRange) {
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		const perms, file = 1, 5
		fields := strings.Fields(lines.Text())
		if len(fields) <= file || fields[file] != path || strings.Contains(fields[perms], "w") || !strings.HasSuffix(fields[perms], "p") {
			continue
		}
		begin, end, _ := strings.Cut(fields[0], "-")
		from, err := strconv.ParseUint(begin, 16, 64)
		to, err2 := strconv.ParseUint(end, 16, 64)
		if err == nil && err2 == nil && from < to {
			list = append(list, pageRange{uintptr(from), uintptr(to - from)})
		}
	}
	return list
}
