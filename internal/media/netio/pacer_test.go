package netio

import (
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	for _, tc := range []struct {
		name  string
		every time.Duration
		n     int
		want  bool
	}{
		{"a voice", 20 * time.Millisecond, 1, false},
		{"a camera's frames", 33 * time.Millisecond, 5, false},
		{"twenty voices", time.Millisecond, 1, true},
		{"twenty voices, gathered", gather, 4, true},
	} {
		var p pacer
		at := time.Unix(1, 0)
		for range 200 {
			at = at.Add(tc.every)
			p.read(tc.n, at)
		}
		if p.busy() != tc.want {
			t.Errorf("%s: busy %v at a rate of %.2f", tc.name, p.busy(), p.rate)
		}
		for range 50 { // it falls silent
			at = at.Add(gather)
			p.read(0, at)
		}
		if p.busy() {
			t.Errorf("%s: still busy after 200 ms of silence", tc.name)
		}
	}
}
