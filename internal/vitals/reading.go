package vitals

import (
	"math"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// Reading is what a node says at one moment. Counts only grow.
type Reading struct {
	Host Host

	Ticks, Late, Skipped uint64 // frames of sound: in all, begun late, given up
	Unsent               uint64 // datagrams of media that the kernel did not take
	Calls                uint64 // of the APIs, in all
	Refused, Failed      uint64 // of these: answered with 4xx, with 5xx

	People   int // connected now
	Meetings int // active now
}

// Columns of observe.Vitals.
const (
	cpu      = iota // percent of all processors that this process may use
	machine         // percent of all of the machine's processors, by everybody
	resident        // bytes of memory of this process
	heap            // bytes of it in Go's heap
	free            // bytes of the machine's memory that can be had
	diskUsed        // bytes of the data directory's disk
	diskFree        // bytes of it that can be had
	late            // frames of sound begun late, percent of all
	skipped         // frames of sound left out, percent of all
	unsent          // datagrams each second
	calls           // each second
	refused         // each second
	failed          // each second
	people
	meetings
	columns // how many there are
)

// names returns what the columns are called in observe.Vitals.
func names() [columns]string {
	return [columns]string{
		cpu: "cpu", machine: "machine", resident: "resident", heap: "heap", free: "free", diskUsed: "diskUsed", diskFree: "diskFree",
		late: "late", skipped: "skipped", unsent: "unsent", calls: "calls", refused: "refused", failed: "failed", people: "people", meetings: "meetings",
	}
}

// moment is what happened between two readings, at the later one.
type moment struct {
	at     time.Time
	values [columns]observe.Measure
}

// between returns the moment of a reading that follows another.
func between(before, now Reading, from, to time.Time) moment {
	elapsed := to.Sub(from)
	// Sound that was given up is no frame any more.
	frames := float64(grown(before.Ticks, now.Ticks) + grown(before.Skipped, now.Skipped))
	rate := func(a, b uint64) observe.Measure {
		return observe.Measure(float64(grown(a, b)) / elapsed.Seconds())
	}
	part := func(a, b uint64) observe.Measure {
		return percent(float64(grown(a, b)), math.Max(frames, 1))
	}
	m := moment{at: to}
	m.values = [columns]observe.Measure{
		cpu:      percent(now.Host.CPU.Seconds()-before.Host.CPU.Seconds(), elapsed.Seconds()*float64(now.Host.Cores)),
		machine:  percent(float64(grown(before.Host.Busy, now.Host.Busy)), float64(grown(before.Host.All, now.Host.All))),
		resident: bytes(now.Host.Resident), heap: bytes(now.Host.Heap), free: bytes(now.Host.Free),
		diskUsed: bytes(now.Host.DiskUsed), diskFree: bytes(now.Host.DiskFree),
		late: part(before.Late, now.Late), skipped: part(before.Skipped, now.Skipped),
		unsent: rate(before.Unsent, now.Unsent), calls: rate(before.Calls, now.Calls),
		refused: rate(before.Refused, now.Refused), failed: rate(before.Failed, now.Failed),
		people: observe.Measure(now.People), meetings: observe.Measure(now.Meetings),
	}
	return m
}

func grown(a, b uint64) uint64 { return max(a, b) - a }

// bytes returns a size; one of less than 0 is not known.
func bytes(n int64) observe.Measure {
	if n < 0 {
		return unknown()
	}
	return observe.Measure(n)
}

// percent returns how much of a whole something is, to a hundredth; unknown of
// nothing.
func percent(part, whole float64) observe.Measure {
	if whole <= 0 || part < 0 || math.IsNaN(part) {
		return unknown()
	}
	return observe.Measure(math.Round(min(part/whole, 1)*1e4) / 100)
}

func unknown() observe.Measure { return observe.Measure(math.NaN()) }
