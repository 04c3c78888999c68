package api

import (
	"encoding/json"
	"fmt"
	"io"
)

// Report is the outcome of a run. Times are in milliseconds, memory in MiB;
// what was not measured is zero.
type Report struct {
	Op        string `json:"op"`
	Flavour   string `json:"flavour"`
	Clients   int    `json:"clients"`
	Attendees int    `json:"attendees_per_batch"`
	Meetings  int    `json:"meetings"` // prepared by this run

	Seconds    float64 `json:"seconds"` // measured, without preparation
	Calls      int     `json:"calls"`   // that succeeded
	Errors     int     `json:"errors"`  // calls that failed; their times are not in the figures
	FirstError string  `json:"first_error,omitempty"`

	CallsPerSecond     float64 `json:"calls_per_s"`
	AttendeesPerSecond float64 `json:"attendees_per_s"` // created by the calls
	P50                float64 `json:"p50_ms"`
	P90                float64 `json:"p90_ms"`
	P99                float64 `json:"p99_ms"`
	Max                float64 `json:"max_ms"`
	RequestBytes       int     `json:"request_bytes"`  // body of one call
	ResponseBytes      int     `json:"response_bytes"` // average body of an answer

	ClientCPU     float64 `json:"client_cpu_ms_per_call"` // spent by this program
	ServerCPU     float64 `json:"server_cpu_ms_per_call"`
	ServerRSS     float64 `json:"server_rss_mib"` // at the end of the measurement
	ServerPeakRSS float64 `json:"server_peak_rss_mib"`

	BareCPU         float64 `json:"bare_cpu_ms_per_call,omitempty"` // of the bare handler
	BarePerSecond   float64 `json:"bare_calls_per_s,omitempty"`
	CPURatioToBare  float64 `json:"cpu_ratio_to_bare,omitempty"` // server_cpu / bare_cpu
	RecordBytes     int     `json:"record_bytes,omitempty"`      // of each of the 8 records
	DiskP50         float64 `json:"disk_p50_ms,omitempty"`       // of a write and flush of 8 records
	DiskP99         float64 `json:"disk_p99_ms,omitempty"`
	P99RatioToDisk  float64 `json:"p99_ratio_to_disk,omitempty"` // p99_ms / disk_p99_ms
	PreparedSeconds float64 `json:"prepare_seconds"`             // spent on creating and deleting meetings
	PreparedCalls   int     `json:"prepare_calls"`
}

// Write prints the report, as one line of JSON or for people.
func (r Report) Write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	p := &printer{w: w}
	p.line("%s (%s), %d clients, %.1f s: %d calls, %d errors", r.Op, r.Flavour, r.Clients, r.Seconds, r.Calls, r.Errors)
	if r.FirstError != "" {
		p.line("  first error      %s", r.FirstError)
	}
	p.line("  rate             %.0f calls/s, %.0f attendees/s", r.CallsPerSecond, r.AttendeesPerSecond)
	p.line("  latency          p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms", r.P50, r.P90, r.P99, r.Max)
	p.line("  bodies           %d bytes asked, %d answered", r.RequestBytes, r.ResponseBytes)
	if r.ServerCPU > 0 {
		p.line("  server           %.3f ms CPU per call, %.0f MiB resident (peak %.0f)", r.ServerCPU, r.ServerRSS, r.ServerPeakRSS)
	}
	p.line("  this generator   %.3f ms CPU per call", r.ClientCPU)
	if r.BareCPU > 0 {
		p.line("  bare handler     %.3f ms CPU per call, %.0f calls/s; the server needs %.1f times its CPU", r.BareCPU, r.BarePerSecond, r.CPURatioToBare)
	}
	if r.DiskP99 > 0 {
		p.line("  disk             8 × %d bytes flushed: p50 %.2f ms, p99 %.2f ms; the server's p99 is %.1f times that", r.RecordBytes, r.DiskP50, r.DiskP99, r.P99RatioToDisk)
	}
	p.line("  preparation      %d calls in %.1f s, not in the figures above", r.PreparedCalls, r.PreparedSeconds)
	return p.err
}

// printer keeps the first error of a series of prints.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// ratio returns a/b, 0 when b is unknown.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
