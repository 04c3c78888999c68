package observe

import (
	"math"
	"strconv"
)

// Vitals is how one node has fared lately: the same things measured again and
// again, one column for each.
type Vitals struct {
	Node  string `json:"id"`              // its name
	Here  bool   `json:"here"`            // the one that is asked
	Fault string `json:"fault,omitempty"` // why there is nothing of it, as a sentence

	Cores  int   `json:"cores"`  // processors of its machine that it may use
	Memory int64 `json:"memory"` // of its machine, in bytes; 0 when that cannot be told

	Step    Span                 `json:"step"`    // between two moments, when nothing was in the way
	At      []Time               `json:"at"`      // oldest first
	Columns map[string][]Measure `json:"columns"` // by name (package vitals), each as long as At
}

// Measure is a figure that may be unknown: NaN, and in JSON null.
type Measure float32

// Known reports whether the figure is one.
func (m Measure) Known() bool { return !math.IsNaN(float64(m)) }

// MarshalJSON returns the figure with the digits that it has, or null.
func (m Measure) MarshalJSON() ([]byte, error) {
	if !m.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(m), 'f', -1, 32), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Measure) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*m = Measure(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 32)
	if err == nil {
		*m = Measure(v)
	}
	return err
}
