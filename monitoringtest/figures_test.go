//go:build figures

package monitoringtest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// How much is measured in a round. Its servers run side by side, each on one
// core, and are called in turns of a few calls, so that what else the machine
// does falls on all alike.
const (
	meetings = 2000            // made on each server
	batches  = 2               // of a hundred attendees, for each of them
	turn     = 40              // calls of one server before the next one has its turn
	clients  = 4               // who call at the same time
	settled  = 6 * time.Second // after which nothing is done any more about a call
	sound    = "20s"           // of people who talk
	scrapes  = 1000
)

var rounds = flag.Int("rounds", 7, "in which each variant is measured")

// variants are the servers that are compared. The second is as the first: what
// those two differ by is noise.
func variants(receiver string) []variant {
	return []variant{
		{"as it starts", nil},
		{"as it starts, once more", nil},
		{"every call and join traced", []string{"--otlp-endpoint", receiver}},
		{"no line in the log for calls", []string{"--log-level", "warn"}},
	}
}

type variant struct {
	name  string
	flags []string
}

// TestFigures prints what telemetry costs in processor time of the server: the
// medians of all rounds, with the least and the most. The receiver of traces is
// a process of its own and not in it. It takes about ten minutes.
func TestFigures(t *testing.T) {
	to := startReceiver(t)
	f := &figures{rounds: map[string][][]float64{}}
	for round := range *rounds {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			t.Setenv("GOMAXPROCS", "1")
			var all []*carillon
			for _, v := range variants(to.url) {
				all = append(all, start(t, v.flags...))
			}
			made := make([][meetings]string, len(all))
			f.add("CreateMeeting, ms", calls(t, all, meetings, func(of, n int) {
				made[of][n] = all[of].createMeeting(t)
			}))
			f.add("batch of 100, ms", calls(t, all, batches*meetings, func(of, n int) {
				all[of].createAttendees(t, made[of][n%meetings], 100)
			}))
			f.add("20 who talk, µs a packet", talk(t, all[:3])) // there are no lines of packets
			f.scraped = append(f.scraped, scrape(t, all[0]))
			to.tookAll(t, all[2])
		})
	}
	if !t.Failed() {
		fmt.Print(f.table(variants("")))
	}
}

// calls returns what each of n calls costs each of the servers, in milliseconds,
// with all that is done about it afterwards.
func calls(t *testing.T, all []*carillon, n int, call func(of, n int)) []float64 {
	t.Helper()
	spent := make([]float64, len(all))
	for i, s := range all {
		spent[i] = -s.processorTime(t).Seconds()
	}
	for done := 0; done < n; done += turn {
		for i := range all {
			var together sync.WaitGroup
			for c := range clients {
				together.Go(func() {
					for k := done + c; k < done+turn; k += clients {
						call(i, k)
					}
				})
			}
			together.Wait()
		}
	}
	time.Sleep(settled)
	for i, s := range all {
		spent[i] = (spent[i] + s.processorTime(t).Seconds()) * 1000 / float64(n)
	}
	return spent
}

// talk returns what a packet of sound costs each of the servers, in
// microseconds, while twenty people talk on each of them.
func talk(t *testing.T, all []*carillon) []float64 {
	each := make([]float64, len(all))
	var together sync.WaitGroup
	for i, s := range all {
		together.Go(func() {
			var r struct {
				Errors    float64
				Delivered float64 `json:"delivered_pct"`
				CPU       float64 `json:"us_per_packet"`
			}
			s.load(t, &r, "meeting", "--talkers", "20", "--duration", sound, "--pid", fmt.Sprint(s.cmd.Process.Pid))
			if r.Errors > 0 || r.Delivered < 80 {
				t.Errorf("%v errors, %v %% delivered", r.Errors, r.Delivered)
			}
			each[i] = r.CPU
		})
	}
	together.Wait()
	return each
}

// scrape returns how many milliseconds one reading of the metrics costs.
func scrape(t *testing.T, s *carillon) float64 {
	before := s.processorTime(t)
	for range scrapes {
		s.get(t, "/metrics")
	}
	return (s.processorTime(t) - before).Seconds() * 1000 / scrapes
}

// processorTime is what the server has used of processors, by the clock of its
// process (clock_getcpuclockid(3)).
func (s *carillon) processorTime(t *testing.T) time.Duration {
	t.Helper()
	const scheduler = 2 // CPUCLOCK_SCHED: what it has run, in user and in system mode
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^s.cmd.Process.Pid<<3|scheduler), &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Nano())
}

// figures are the values of each round: what was measured, and by variant.
type figures struct {
	names   []string
	rounds  map[string][][]float64 // of each the values of the variants
	scraped []float64
}

func (f *figures) add(name string, each []float64) {
	if f.rounds[name] == nil {
		f.names = append(f.names, name)
	}
	f.rounds[name] = append(f.rounds[name], each)
}

// table shows each variant's own values, and by how much it exceeds the first in
// the same round.
func (f *figures) table(all []variant) string {
	var b strings.Builder
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(&b, "load at the end %s", load)
	for _, name := range f.names {
		for i, v := range all[:len(f.rounds[name][0])] {
			var own, more []float64
			for _, round := range f.rounds[name] {
				own, more = append(own, round[i]), append(more, 100*(round[i]/round[0]-1))
			}
			fmt.Fprintf(&b, "%-30s %-30s %s", name, v.name, spread("%.3f", own))
			if i > 0 {
				fmt.Fprintf(&b, "   %s %%", spread("%+.1f", more))
			}
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "%-61s %s\n", "reading the metrics, ms", spread("%.2f", f.scraped))
	return b.String()
}

// spread is the median with the least and the most.
func spread(form string, values []float64) string {
	v := slices.Sorted(slices.Values(values))
	return fmt.Sprintf(form+" ("+form+" to "+form+")", v[len(v)/2], v[0], v[len(v)-1])
}
