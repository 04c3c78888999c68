//go:build figures

package pipelinestest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
	"github.com/carillon-meetings/carillon/internal/load/meeting"
)

const (
	window  = 15 * time.Second // of each measurement
	windows = 5                // with a recording, and as many without, in turns
	settle  = 4 * time.Second
)

// TestFigures measures what a recording costs the server, beside the same meeting
// unrecorded. Nothing else should run on the machine.
func TestFigures(t *testing.T) {
	for name, c := range map[string]struct {
		options meeting.Options
		video   types.ArtifactsState
	}{
		"20 talking, audio only":           {meeting.Options{Talkers: 20}, types.ArtifactsStateDisabled},
		"3 people, one camera of 1.5 Mb/s": {meeting.Options{Talkers: 2, Cameras: 1}, types.ArtifactsStateEnabled},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t, nil, "--recordings", t.TempDir())
			id, _ := sc.crowd(c.options)
			var with, without, memory []float64
			for range windows {
				off, before := sc.spent(t)
				p := sc.started(id, "p", c.video)
				on, after := sc.spent(t)
				sc.stop(p.MediaPipelineId)
				sc.stopped(p.MediaPipelineId)
				with, without, memory = append(with, on), append(without, off), append(memory, after-before)
			}
			extra := median(with) - median(without)
			t.Logf("cores with %.4v, without %.4v: %+.4f; MiB more: %.1f", with, without, extra, memory)
			if c.options.Cameras > 0 {
				const packets = 180 // a second
				t.Logf("%.1f µs a packet", extra*1e6/packets)
			}
		})
	}
}

// spent measures, for a window, how many cores the server uses, and then how much
// memory it has, in MiB.
func (sc *scene) spent(t *testing.T) (cores, mib float64) {
	t.Helper()
	time.Sleep(settle)
	from, err := gauge.CPUTime(sc.server.PID())
	begun := time.Now()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(window)
	to, err := gauge.CPUTime(sc.server.PID())
	cores = (to - from).Seconds() / time.Since(begun).Seconds()
	if err != nil {
		t.Fatal(err)
	}
	mib, _, err = gauge.Memory(sc.server.PID())
	if err != nil {
		t.Fatal(err)
	}
	return cores, mib
}
