package clustertest

import (
	"fmt"
	"strings"
	"testing"
)

// The last lines of a run say what failed and why, whatever the nodes wrote.
func TestTheLastLinesSayWhatFailed(t *testing.T) {
	node := "    cluster.go:110: node n1 wrote:\n" + strings.Repeat("        n1 | time=2026-11-29T18:34:50.730Z level=INFO msg=stopped\n", 300)
	for name, output := range map[string]string{
		"with -v":    "=== RUN   TestGood\n    good_test.go:1: fine\n=== RUN   TestBad\n=== PAUSE TestBad\n=== CONT  TestBad\n    bad_test.go:7: 975 held, 1 failed\n=== CONT  TestGood\n    good_test.go:2: fine again\n=== NAME  TestBad\n    bad_test.go:9: why\n" + node + "--- FAIL: TestBad (1.00s)\n--- PASS: TestGood (1.00s)\nFAIL\n",
		"without -v": "--- FAIL: TestBad (1.00s)\n    bad_test.go:7: 975 held, 1 failed\n    bad_test.go:9: why\n" + node + "--- PASS: TestGood (1.00s)\n",
	} {
		var d digest
		for from := 0; from < len(output); from += 100 { // as a pipe cuts it
			_, _ = fmt.Fprint(&d, output[from:min(from+100, len(output))])
		}
		var told strings.Builder
		d.tell(&told)
		if want := "\nTestBad\n    bad_test.go:7: 975 held, 1 failed\n    bad_test.go:9: why\n"; !strings.HasSuffix(told.String(), want) {
			t.Errorf("%s: %q", name, told.String())
		}
	}
	var d digest
	_, _ = fmt.Fprint(&d, "=== RUN   TestSlow\n    slow_test.go:3: begun\npanic: test timed out after 20m0s\n")
	var told strings.Builder
	if d.tell(&told); !strings.Contains(told.String(), "\nTestSlow\n    slow_test.go:3: begun\npanic: test timed out") {
		t.Errorf("of a panic: %q", told.String())
	}
	told.Reset()
	if new(digest).tell(&told); told.Len() > 0 {
		t.Errorf("when nothing failed: %q", told.String())
	}
}
