//go:build soak

package pipelinestest

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

// measures are what sample takes, in the order of its columns.
var measures = []string{"own MiB", "heap MiB", "goroutines", "file handles", "data MiB", "data files", "recordings MiB"}

// slack is what each measure may grow by whatever it was: what a moment differs
// from another by.
var slack = []float64{4, 3, 40, 20, 2, 40, 8}

// sample is what the server takes at one moment.
type sample struct {
	after  time.Duration
	values []float64
}

func (c *churn) sample(begun time.Time) sample {
	c.t.Helper()
	own, err := gauge.OwnMemory(c.server.PID())
	if err != nil {
		c.t.Fatal(err)
	}
	handles, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.server.PID()))
	if err != nil {
		c.t.Fatal(err)
	}
	runtime := c.metrics("go_memstats_heap_alloc_bytes", "go_goroutines")
	data, files := sizeOf(c.server.Dir)
	tapes, _ := sizeOf(c.tapes)
	s := sample{time.Since(begun), []float64{own, runtime[0] / mib, runtime[1], float64(len(handles)), data, files, tapes}}
	c.keep(s)
	return s
}

const mib = 1 << 20

// metrics reads values of the server's metrics.
func (c *churn) metrics(names ...string) []float64 {
	c.t.Helper()
	resp, err := http.Get(c.server.Endpoint + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	found := make([]float64, len(names))
	for i, name := range names {
		_, rest, ok := strings.Cut(string(all), "\n"+name+" ")
		text, _, _ := strings.Cut(rest, "\n")
		if found[i], err = strconv.ParseFloat(text, 64); err != nil || !ok {
			c.t.Fatalf("metric %s: %q, %v", name, text, err)
		}
	}
	return found
}

// sizeOf is what lies below a directory, whose files come and go: in MiB, and how
// many.
func sizeOf(dir string) (size, files float64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "journal" {
			return nil // gone meanwhile, or what is known of a recording for a month
		}
		if info, err := e.Info(); err == nil {
			size += float64(info.Size()) / mib
			files++
		}
		return nil
	})
	return size, files
}

// keep writes a sample into the table.
func (c *churn) keep(s sample) {
	if *churnTable == "" {
		return
	}
	f, err := os.OpenFile(*churnTable, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintf(f, "%.0f\t%d\t%d", s.after.Seconds(), c.meetings.Load(), c.joins.Load())
	for _, v := range s.values {
		fmt.Fprintf(f, "\t%.1f", v)
	}
	fmt.Fprintln(f)
}

// flat finds that no measure grows: the peak of the second half is about that of
// the first. Peaks, because memory and disk rise and fall with the blocks of the
// store, which are filled and then let go of.
func (c *churn) flat(samples []sample) {
	c.t.Helper()
	half := len(samples) / 2
	if half < 3 {
		c.t.Fatalf("only %d samples", len(samples))
	}
	for i, name := range measures {
		early, late := peak(samples[:half], i), peak(samples[half:], i)
		c.t.Logf("%-15s %8.1f → %8.1f", name, early, late)
		if late > early*(1+growth)+slack[i] {
			c.t.Errorf("%s grow: from %.1f at most in the first half to %.1f in the second", name, early, late)
		}
	}
}

// peak is the largest value of a measure.
func peak(samples []sample, measure int) (most float64) {
	for _, s := range samples {
		most = max(most, s.values[measure])
	}
	return most
}

// rested finds that goroutines and handles are as many as before anybody came,
// and that nothing is left of the recordings.
func (c *churn) rested(before, after sample) {
	c.t.Helper()
	for i, name := range measures {
		c.t.Logf("%-15s %8.1f before, %8.1f when all had gone", name, before.values[i], after.values[i])
		if (name == "goroutines" || name == "file handles") && after.values[i] > before.values[i]+slack[i] || name == "recordings MiB" && after.values[i] > 0 {
			c.t.Errorf("%s: %.1f before, %.1f when all had gone", name, before.values[i], after.values[i])
		}
	}
}
