package observe

import (
	"strconv"
	"time"
)

// Time is a moment: in JSON Unix milliseconds, 0 for the zero time.
type Time struct{ time.Time }

// At returns t as a Time.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON returns Unix milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("0"), nil
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	ms, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return err
	}
	*t = Time{}
	if ms != 0 {
		t.Time = time.UnixMilli(ms)
	}
	return nil
}

// Span is a length of time: in JSON whole milliseconds.
type Span time.Duration

// MarshalJSON returns milliseconds, rounded.
func (s Span) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, time.Duration(s).Round(time.Millisecond).Milliseconds(), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Span) UnmarshalJSON(b []byte) error { return readUnits(s, b, time.Millisecond) }

// Minutes is a length of time: in JSON the whole minutes of it, so that what
// grows all the time is not told all the time.
type Minutes time.Duration

// MarshalJSON returns the minutes that have passed.
func (m Minutes) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, int64(time.Duration(m)/time.Minute), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Minutes) UnmarshalJSON(b []byte) error { return readUnits(m, b, time.Minute) }

func readUnits[T ~int64](into *T, b []byte, unit time.Duration) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err == nil {
		*into = T(time.Duration(n) * unit)
	}
	return err
}
