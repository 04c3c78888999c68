package cluster

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever lost the lease says so, and for how long when it has it again. A short
// cut, and the other nodes, say nothing.
func TestALapseIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := three(t)
		for _, cut := range []time.Duration{2 * time.Second, 3200 * time.Millisecond, 30 * time.Second} {
			w.pass(5 * time.Second) // what the cut before held up has gone
			before := len(w.log("c").String())
			w.net.isolate("c", []string{"a", "b"}, true)
			w.pass(cut)
			w.net.isolate("c", []string{"a", "b"}, false)
			w.within(30*time.Second, map[string]int{"a": 4, "b": 4, "c": 4})
			log := w.log("c").String()[before:]
			lapses, given := 0, cut > 5*time.Second
			if cut > 3*time.Second {
				lapses = 1
			}
			said := strings.Count(log, "lease does not hold") // which a lapse between two looks is too short for
			if said > lapses || given && said != 1 || strings.Count(log, "lease holds again") != lapses || strings.Contains(log, "gives its slots up") != given {
				t.Errorf("a cut of %v:\n%s", cut, log)
			}
			if _, text, _ := strings.Cut(log, " for="); lapses > 0 {
				word, _, _ := strings.Cut(text, "\n")
				lasted, err := time.ParseDuration(word)
				if lost := cut - 3*time.Second; err != nil || lasted < lost || lasted > lost+2*time.Second {
					t.Errorf("a cut of %v, lapsed for %v, %v", cut, lasted, err)
				}
			}
		}
		for _, name := range []string{"a", "b"} {
			if log := w.log(name).String(); strings.Contains(log, "lease") {
				t.Errorf("%s says\n%s", name, log)
			}
		}
	})
}
