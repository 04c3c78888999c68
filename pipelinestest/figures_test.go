//go:build figures

package pipelinestest

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
	"github.com/carillon-meetings/carillon/internal/load/meeting"
)

const (
	window = 8 * time.Second // of each measurement
	rounds = 5               // with a recording, and as many without, in turns
	settle = 2 * time.Second
	// cameraRate is how many packets a second a camera of 1.5 Mb/s sends.
	cameraRate = 180
)

// TestFigures measures what recording, concatenating and transcribing cost, and
// prints a table beside what is to be reached. Nothing else should run on the
// machine. It takes about eight minutes.
func TestFigures(t *testing.T) {
	var table strings.Builder
	rows := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	row := func(cells ...any) { _, _ = fmt.Fprintf(rows, "%s\t%s\t%s\t%s\n", cells...) }
	row("what", "median of 5", "lowest to highest", "goal")

	core, _ := costs(t, meeting.Options{Talkers: 20}, types.ArtifactsStateDisabled)
	row("recording 20 who talk, sound only", core.in("%+.4f core"), core.spread("%+.4f"), "+0.01 core")
	core, memory := costs(t, meeting.Options{Talkers: 2, Cameras: 1}, types.ArtifactsStateEnabled)
	packet := core.times(1e6 / cameraRate)
	row("recording a camera of 1.5 Mb/s", packet.in("%+.1f µs a packet"), packet.spread("%+.1f"), "+10 µs")
	row("", memory.in("%+.1f MiB"), memory.spread("%+.1f"), "+5 MiB")
	speed, memory := concatenations(t)
	row("concatenating an hour of sound and a camera", speed.in("%.0f × real time"), speed.spread("%.0f"), "100 ×")
	row("", memory.in("%.0f MiB"), memory.spread("%.0f"), "64 MiB")
	core, first := transcriptions(t)
	row("transcribing one who talks, engine excluded", core.in("%+.4f core"), core.spread("%+.4f"), "+0.02 core")
	row("", first.in("%.0f ms to the first partial"), first.spread("%.0f"), "300 ms")
	if err := rows.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
}

// figures are what was measured, in rising order.
type figures []float64

func (f figures) in(form string) string { return fmt.Sprintf(form, f[len(f)/2]) }

func (f figures) spread(form string) string {
	return fmt.Sprintf(form+" to "+form, f[0], f[len(f)-1])
}

func (f figures) times(factor float64) (scaled figures) {
	for _, v := range f {
		scaled = append(scaled, v*factor)
	}
	return scaled
}

// costs measures what recording a meeting takes of the server, beside the same
// meeting in the seconds before: cores, and memory in MiB.
func costs(t *testing.T, o meeting.Options, video types.ArtifactsState) (cores, memory figures) {
	t.Helper()
	sc := newScene(t, nil, "--recordings", t.TempDir())
	id, leave := sc.crowd(o)
	for range rounds {
		off, before := sc.spent()
		p := sc.started(id, "p", video)
		until(t, "it is at work", func() bool { return sc.status(p.MediaPipelineId) == types.MediaPipelineStatusInProgress })
		on, after := sc.spent()
		sc.stop(p.MediaPipelineId)
		sc.stopped(p.MediaPipelineId)
		cores, memory = append(cores, on-off), append(memory, after-before)
	}
	leave()
	sc.server.Kill() // nothing runs beside what is measured next
	slices.Sort(cores)
	slices.Sort(memory)
	return cores, memory
}

// spent measures, for a window, how many cores the server uses, and then how much
// memory it has, in MiB.
func (sc *scene) spent() (cores, mib float64) {
	sc.t.Helper()
	time.Sleep(settle)
	from, err := gauge.CPUTime(sc.server.PID())
	begun := time.Now()
	if err != nil {
		sc.t.Fatal(err)
	}
	time.Sleep(window)
	to, err := gauge.CPUTime(sc.server.PID())
	cores = (to - from).Seconds() / time.Since(begun).Seconds()
	if err != nil {
		sc.t.Fatal(err)
	}
	mib, err = gauge.OwnMemory(sc.server.PID())
	if err != nil {
		sc.t.Fatal(err)
	}
	return cores, mib
}

// concatenations has the benchmark of the package measure how many times as fast
// as real time it joins, and how much memory that takes at most, in MiB.
func concatenations(t *testing.T) (speed, memory figures) {
	t.Helper()
	out := product(t, "test", "-run", "^$", "-bench", "Concatenation", "-benchtime", "1x", "-count", strconv.Itoa(rounds), "./internal/capture")
	return found(t, out, `([\d.e+]+) ×real-time`), found(t, out, `([\d.e+]+) MiB`)
}

// transcriptions has the package's own figures say what an attendee who talks
// costs, in cores, and how long a client waits for the first partial result after
// the engine's word, in milliseconds.
func transcriptions(t *testing.T) (cores, wait figures) {
	t.Helper()
	out := product(t, "test", "-count=1", "-tags", "figures", "-run", "TestFigures", "-v", "./internal/transcribe")
	return found(t, out, `costs (-?[\d.]+) core`), found(t, out, `waits ([\d.]+) ms`)
}

// product runs the Go tool in the product's module.
func product(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, both.String())
	}
	return both.String()
}

// found returns the numbers that the pattern finds, one for each round.
func found(t *testing.T, text, pattern string) (list figures) {
	t.Helper()
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if len(list) != rounds {
		t.Fatalf("%d figures of %d: %s", len(list), rounds, text)
	}
	slices.Sort(list)
	return list
}
