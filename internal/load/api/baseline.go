package api

import (
	"context"
	"errors"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

// diskSlice is how long the disk is measured after each stint.
const diskSlice = 250 * time.Millisecond

// measureDisk adds to the disk's times.
func (r *run) measureDisk() error {
	if !r.o.Baseline {
		return nil
	}
	took, err := GroupSync(r.o.BaselineDir, groupDepth, r.recordBytes(), diskSlice)
	r.disk = append(r.disk, took...)
	return err
}

// recordBytes is what the server stores for one call. The estimate is an id,
// an external id and a few bytes for each attendee, and an envelope.
func (r *run) recordBytes() int {
	if r.o.RecordBytes > 0 {
		return r.o.RecordBytes
	}
	const envelope, attendee = 200, 16 + 36 + 4
	if r.o.Op == "BatchCreateAttendee" {
		return envelope + r.o.Attendees*attendee
	}
	return envelope + attendee
}

// measureBare makes the same calls, for half as long, to a bare handler that
// gives an answer of the same size.
func (r *run) measureBare(ctx context.Context) (err error) {
	if !r.o.Baseline {
		return nil
	}
	b, err := startBare(ctx, r.o.Self, r.averageAnswer())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	o := r.o
	o.Endpoint, o.Pid = b.endpoint, b.cmd.Process.Pid
	other, err := newRun(o)
	if err != nil {
		return err
	}
	defer other.transport.CloseIdleConnections()
	// The same call over and over: the handler does not read it.
	other.op.made, other.op.creates = nil, false
	t := target{id: "00000000-0000-4000-8000-000000000000", attendees: []string{"00000000-0000-4000-8000-000000000000"}}
	pick := func() (call, bool) { return other.op.make(other.bodies, t, 0), true }
	if _, err := other.stint(ctx, o.Duration/20, pick); err != nil { // to warm up
		return err
	}
	s, err := other.stint(ctx, o.Duration/2, pick)
	if err != nil {
		return err
	}
	if len(s.took) > 0 {
		r.rep.BareCPU = gauge.Milliseconds(s.server) / float64(len(s.took))
		r.rep.BarePerSecond = float64(len(s.took)) / s.elapsed.Seconds()
	}
	return s.firstErr
}

func (r *run) averageAnswer() int {
	if len(r.total.took) == 0 {
		return 0
	}
	return int(r.total.bytes) / len(r.total.took)
}

// report turns what was measured into figures.
func (r *run) report() Report {
	s, rep := &r.total, r.rep
	rep.Op, rep.Flavour, rep.Clients, rep.Attendees = r.o.Op, r.o.Flavour, r.o.Clients, r.o.Attendees
	rep.Seconds, rep.Calls, rep.Errors = s.elapsed.Seconds(), len(s.took), s.errors
	if s.firstErr != nil {
		rep.FirstError = s.firstErr.Error()
	}
	calls := float64(len(s.took))
	rep.CallsPerSecond = ratio(calls, rep.Seconds)
	rep.AttendeesPerSecond = ratio(float64(s.attendees), rep.Seconds)
	rep.P50, rep.P90 = gauge.Milliseconds(gauge.Percentile(s.took, 0.5)), gauge.Milliseconds(gauge.Percentile(s.took, 0.9))
	rep.P99, rep.Max = gauge.Milliseconds(gauge.Percentile(s.took, 0.99)), gauge.Milliseconds(gauge.Percentile(s.took, 1))
	rep.ResponseBytes = r.averageAnswer()
	rep.RequestBytes = len(r.op.make(r.bodies, target{attendees: []string{""}}, 0).body.bytes)
	// Calls that failed cost, too, and are few or the run is worthless.
	rep.ServerCPU, rep.ClientCPU = ratio(gauge.Milliseconds(s.server), calls), ratio(gauge.Milliseconds(s.client), calls)
	rep.CPURatioToBare = ratio(rep.ServerCPU, rep.BareCPU)
	if len(r.disk) > 0 {
		rep.RecordBytes = r.recordBytes()
		rep.DiskP50, rep.DiskP99 = gauge.Milliseconds(gauge.Percentile(r.disk, 0.5)), gauge.Milliseconds(gauge.Percentile(r.disk, 0.99))
		rep.P99RatioToDisk = ratio(rep.P99, rep.DiskP99)
	}
	return rep
}
