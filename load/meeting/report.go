package meeting

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Report is the outcome of a run; the package comment says how each figure is
// taken. Times are in milliseconds, memory in MiB; what was not measured is zero.
type Report struct {
	Meetings  int     `json:"meetings"`
	Talkers   int     `json:"talkers"` // of each meeting, as the next two
	Listeners int     `json:"listeners"`
	Cameras   int     `json:"cameras"`
	Seconds   float64 `json:"seconds"` // measured

	Attendees     int     `json:"attendees"` // in all meetings
	Joins         int     `json:"joins"`     // that succeeded, with those of churn
	Errors        int     `json:"errors"`    // joins, subscriptions and sessions that failed
	FirstError    string  `json:"first_error,omitempty"`
	JoinsPerS     float64 `json:"joins_per_s"` // at the beginning
	JoinP50       float64 `json:"join_p50_ms"` // socket open to SUBSCRIBE_ACK
	JoinP99       float64 `json:"join_p99_ms"`
	FirstMediaP50 float64 `json:"first_media_p50_ms"` // socket open to first packet
	FirstMediaP99 float64 `json:"first_media_p99_ms"`

	PacketsIn    float64 `json:"packets_in_per_s"`  // into the server
	PacketsOut   float64 `json:"packets_out_per_s"` // from it
	DeliveredPct float64 `json:"delivered_pct"`
	Clicks       int     `json:"clicks"` // found in the mix
	ClicksSent   int     `json:"clicks_sent"`
	DelayP50     float64 `json:"delay_p50_ms"`
	DelayP99     float64 `json:"delay_p99_ms"`
	DelayMax     float64 `json:"delay_max_ms"`
	ConcealedPct float64 `json:"concealed_pct"`

	GeneratorCores    float64 `json:"generator_cores"`
	ServerCores       float64 `json:"server_cores"`
	ServerIdleCores   float64 `json:"server_idle_cores"` // everybody there, nobody sending
	MicrosPerPacket   float64 `json:"us_per_packet"`
	ServerCPUPerJoin  float64 `json:"server_cpu_ms_per_join"`
	RSSBefore         float64 `json:"rss_before_mib"`
	RSSAfter          float64 `json:"rss_after_mib"`
	RSSPerAttendee    float64 `json:"rss_mib_per_attendee"`
	ServerCPUMeasured float64 `json:"server_cpu_s"`
}

// Write prints the report, as one line of JSON or for people.
func (r Report) Write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	lines := []string{
		fmt.Sprintf("%d meetings of %d talkers, %d listeners, %d cameras; %.1f s", r.Meetings, r.Talkers, r.Listeners, r.Cameras, r.Seconds),
		fmt.Sprintf("  joins        %d (%.1f/s), p50 %.1f ms, p99 %.1f ms; first media p50 %.1f ms, p99 %.1f ms; %d errors",
			r.Joins, r.JoinsPerS, r.JoinP50, r.JoinP99, r.FirstMediaP50, r.FirstMediaP99, r.Errors),
		fmt.Sprintf("  packets      %.0f/s in, %.0f/s out, %.2f %% delivered", r.PacketsIn, r.PacketsOut, r.DeliveredPct),
		fmt.Sprintf("  sound        delay p50 %.1f ms, p99 %.1f ms, max %.1f ms (%d of %d clicks), %.2f %% concealed",
			r.DelayP50, r.DelayP99, r.DelayMax, r.Clicks, r.ClicksSent, r.ConcealedPct),
		fmt.Sprintf("  server       %.3f cores (%.3f idle), %.2f us per packet, %.2f ms per join, %.2f MiB per attendee",
			r.ServerCores, r.ServerIdleCores, r.MicrosPerPacket, r.ServerCPUPerJoin, r.RSSPerAttendee),
		fmt.Sprintf("  generator    %.3f cores", r.GeneratorCores),
	}
	if r.FirstError != "" {
		lines = append(lines, "  first error  "+r.FirstError)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, l); err != nil {
			return err
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentile returns the value below which the given part of the durations lies,
// 0 for none. It sorts them.
func percentile(d []time.Duration, part float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(part*float64(len(d))), len(d)-1)]
}

// ratio returns a/b, 0 when b is unknown.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
