package gauge

import (
	"slices"
	"time"
)

// Milliseconds returns a duration in ms.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Percentile returns the value below which the given part of the durations
// lies, 0 for none. It sorts them.
func Percentile(d []time.Duration, part float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(part*float64(len(d))), len(d)-1)]
}
