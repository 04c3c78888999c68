package clustertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Finding is a kind of thing that must not happen.
type Finding string

// The kinds.
const (
	Lost     Finding = "lost"     // acknowledged, and not there
	Doubled  Finding = "doubled"  // made once, and there twice
	Stale    Finding = "stale"    // a read that shows less than was acknowledged before it
	Admitted Finding = "admitted" // a dead token that was let in
	Failed   Finding = "failed"   // a call that failed after the SDK's retries
	Disorder Finding = "disorder" // a history that no order explains
	Stranded Finding = "stranded" // an attendee who did not come back
)

// Findings lists all kinds, in the order of tables.
func Findings() []Finding {
	return []Finding{Lost, Doubled, Stale, Admitted, Disorder, Failed, Stranded}
}

// shownMost is how many findings of a kind are kept in words for each fault.
const shownMost = 5

// Verdict collects what a trial finds. Its methods may be called from any
// goroutine.
type Verdict struct {
	mu    sync.Mutex
	found map[Finding]int            // guarded by mu
	words []string                   // guarded by mu
	count map[string]int             // guarded by mu
	took  map[string][]time.Duration // guarded by mu
	rows  map[string]*row            // guarded by mu; by fault
	order []string                   // guarded by mu; the faults as they came first
	fault Fault                      // guarded by mu; the one that is going on
	shown map[string]int             // guarded by mu; by fault and kind
}

// row is what is kept of a fault.
type row struct{ runs, findings int }

// NewVerdict returns one that has found nothing.
func NewVerdict() *Verdict {
	return &Verdict{found: map[Finding]int{}, count: map[string]int{}, took: map[string][]time.Duration{}, rows: map[string]*row{}, shown: map[string]int{}}
}

// Find notes a finding.
func (v *Verdict) Find(kind Finding, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if kind == Failed && v.fault.Outage {
		v.count["calls that failed while no node served"]++
		return
	}
	v.found[kind]++
	key := v.fault.Name + ", " + string(kind)
	if v.shown[key]++; v.shown[key] <= shownMost {
		v.words = append(v.words, fmt.Sprintf("%s %s: %s", time.Now().Format("15:04:05.000"), key, fmt.Sprintf(format, args...)))
	}
}

// during says which fault is going on.
func (v *Verdict) during(f Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fault = f
}

// Count counts something that was done, to show that a trial was one.
func (v *Verdict) Count(what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count[what]++
}

// Took notes how long something took.
func (v *Verdict) Took(what string, d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.took[what] = append(v.took[what], d)
}

// Found returns how many findings of a kind there are.
func (v *Verdict) Found(kind Finding) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.found[kind]
}

// Counted returns how often something was done.
func (v *Verdict) Counted(what string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count[what]
}

// Words returns some findings of each kind.
func (v *Verdict) Words() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.words)
}

// Times returns the n-th percentiles of what Took noted, nearest rank, and how
// many there are.
func (v *Verdict) Times(what string, percent ...int) (at []time.Duration, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	sorted := slices.Sorted(slices.Values(v.took[what]))
	for _, p := range percent {
		if len(sorted) == 0 {
			at = append(at, 0)
			continue
		}
		at = append(at, sorted[max(0, (p*len(sorted)+99)/100-1)])
	}
	return at, len(sorted)
}

// total returns how many findings of all kinds there are.
func (v *Verdict) total() (n int) {
	for _, kind := range Findings() {
		n += v.Found(kind)
	}
	return n
}

// suffered notes a fault and how much was found meanwhile.
func (v *Verdict) suffered(fault string, findings int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.rows[fault] == nil {
		v.rows[fault] = new(row)
		v.order = append(v.order, fault)
	}
	v.rows[fault].runs++
	v.rows[fault].findings += findings
}

// Table returns the faults and their outcomes in Markdown.
func (v *Verdict) Table() string {
	var b strings.Builder
	b.WriteString("| fault | times | interruptions of sound | of these p50 / p95 / longest | all ready again, p50 / longest | findings |\n|---|---|---|---|---|---|\n")
	for _, fault := range v.faults() {
		r := v.row(fault)
		silence, n := v.Times("silence: "+fault, 50, 95, 100)
		ready, _ := v.Times("ready again: "+fault, 50, 100)
		fmt.Fprintf(&b, "| %s | %d | %d | %s / %s / %s | %s / %s | %d |\n", fault, r.runs, n,
			seconds(silence[0]), seconds(silence[1]), seconds(silence[2]), seconds(ready[0]), seconds(ready[1]), r.findings)
	}
	calls, n := v.Times("call", 50, 99, 100)
	fmt.Fprintf(&b, "\n%d calls through the SDK: p50 %v, p99 %v, longest %v.\n", n, calls[0].Round(time.Millisecond), calls[1].Round(time.Millisecond), calls[2].Round(time.Millisecond))
	for _, kind := range Findings() {
		fmt.Fprintf(&b, "%s %d, ", kind, v.Found(kind))
	}
	b.WriteString("of:\n")
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(v.count)) {
		fmt.Fprintf(&b, "- %s: %d\n", what, v.count[what])
	}
	return b.String()
}

func (v *Verdict) faults() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.order)
}

func (v *Verdict) row(fault string) row {
	v.mu.Lock()
	defer v.mu.Unlock()
	return *v.rows[fault]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
