package api

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Report is the result of a run. Times are in milliseconds, memory in MiB.
type Report struct {
	Op      string  `json:"op"`
	Flavour string  `json:"flavour"`
	Clients int     `json:"clients"`
	Seconds float64 `json:"seconds"` // measured, preparation left out
	Calls   int     `json:"calls"`   // that succeeded
	Errors  int     `json:"errors"`
	// FirstError is the first failed call's error.
	FirstError string `json:"first_error,omitempty"`

	CallsPerSecond     float64 `json:"calls_per_s"`
	AttendeesPerSecond float64 `json:"attendees_per_s"` // created
	P50                float64 `json:"p50_ms"`
	P99                float64 `json:"p99_ms"`

	// Of the process named by Pid; 0 without one.
	ServerCPUPerCall float64 `json:"server_cpu_ms_per_call"`
	ServerRSS        float64 `json:"server_rss_mib"`
	ServerPeakRSS    float64 `json:"server_peak_rss_mib"`

	// With Baseline: a bare handler of the same bodies, and the disk's time
	// for eight records of RecordBytes flushed together.
	BareCPUPerCall float64 `json:"bare_cpu_ms_per_call,omitempty"`
	CPURatioToBare float64 `json:"cpu_ratio_to_bare,omitempty"`
	RecordBytes    int     `json:"record_bytes,omitempty"`
	DiskP50        float64 `json:"disk_p50_ms,omitempty"`
	DiskP99        float64 `json:"disk_p99_ms,omitempty"`
	P99RatioToDisk float64 `json:"p99_ratio_to_disk,omitempty"`
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentile returns the pth percentile of sorted times, 0 of none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// recordOverhead and recordPerAttendee estimate the bytes stored for a call: a
// record's frame, and an attendee with an external user id of 36 bytes.
const (
	recordOverhead    = 200
	recordPerAttendee = 56
)

// baseline measures the bare handler and the disk.
func (r *runner) baseline(ctx context.Context, out *Report) error {
	out.RecordBytes = r.options.RecordBytes
	if out.RecordBytes == 0 {
		out.RecordBytes = recordOverhead
		if r.op.made != nil && r.calls > 0 {
			out.RecordBytes += recordPerAttendee * r.attendees / r.calls
		}
	}
	took, err := GroupSync(r.options.BaselineDir, 8, out.RecordBytes, baselineTime)
	if err != nil {
		return err
	}
	slices.Sort(took)
	out.DiskP50, out.DiskP99 = millis(percentile(took, 50)), millis(percentile(took, 99))
	if out.DiskP99 > 0 {
		out.P99RatioToDisk = out.P99 / out.DiskP99
	}
	if out.BareCPUPerCall, err = r.measureBare(ctx); err != nil {
		return err
	}
	if out.BareCPUPerCall > 0 {
		out.CPURatioToBare = out.ServerCPUPerCall / out.BareCPUPerCall
	}
	return nil
}

// measureBare returns the CPU time in ms that a bare handler spends on one
// exchange of the same size.
func (r *runner) measureBare(ctx context.Context) (_ float64, err error) {
	b, err := startBare(ctx, r.options.Self, r.answer)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	o := r.options
	o.Endpoint, o.Duration, o.Pid, o.Keep = b.endpoint, baselineTime, b.cmd.Process.Pid, true
	other, err := newRunner(o)
	if err != nil {
		return 0, err
	}
	defer other.transport.CloseIdleConnections()
	// The bare handler has no meetings: any call of the operation does.
	fixed := other.op.make(other.bodies, target{id: "00000000-0000-4000-8000-000000000000", attendees: []string{"00000000-0000-4000-8000-000000000000"}}, 0)
	other.op = operation{make: func(*bodies, target, int) call { return fixed }}
	other.targets = []target{{}}
	if err := other.measure(ctx); err != nil {
		return 0, err
	}
	return other.report().ServerCPUPerCall, nil
}
