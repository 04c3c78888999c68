package clustertest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/conform"
	"github.com/carillon-meetings/carillon/conform/cases"
)

// conformWithin bounds all cases.
const conformWithin = 8 * time.Minute

// triesMost is how often a case is tried that a lapse may have hit.
const triesMost = 4

// Whatever a caller of the API can see of one server holds for three, each call
// made at another one. It holds of nodes that stay where they are: a meeting that
// moves tells of other addresses, and calls that are at a node when its lease lapses
// are told to come back. A busy machine can do that to a node; what failed then is
// tried again, as callers would.
func TestEveryBehaviourThroughAnyNode(t *testing.T) {
	alongside(t, 90)
	c := shop(t).Start(t, Build{}, 3)
	ctx, cancel := context.WithTimeout(t.Context(), conformWithin)
	defer cancel()
	held, only := 0, ""
	for try := 1; ; try++ {
		await(t, "the slots are shared out", func() bool { return sharedOut(c.Status()) })
		before := places(c.Status())
		report, err := conform.Run(ctx, cases.All(), conform.Options{
			Endpoint: "http://" + publicName, Account: account,
			Credentials: conform.Credentials{AccessKey: accessKey, SecretKey: secretKey},
			Dial:        c.Balancer.Dial,
			Parallel:    4,
			Run:         only,
		})
		if err != nil {
			t.Fatal(err)
		}
		held += report.Held
		t.Logf("%d held, %d failed", report.Held, report.Failed)
		failed := slices.DeleteFunc(report.Outcomes, func(o conform.Outcome) bool { return o.Held })
		stayed := slices.Equal(before, places(c.Status()))
		wrong := slices.ContainsFunc(failed, func(o conform.Outcome) bool { return !toldToComeBack(o) })
		if len(failed) == 0 || stayed && wrong || try == triesMost {
			blame(t, failed)
			break
		}
		only = named(failed)
		t.Logf("nodes lost their leases meanwhile; tried again: %s", only)
	}
	if held < 100 {
		t.Errorf("only %d behaviours were tried", held)
	}
}

// places is where the slots are, and since which life of their nodes.
func places(s Status) (list []string) {
	lives := map[string]uint64{}
	for _, n := range s.Nodes {
		lives[n.Node] = n.Incarnation
	}
	for _, slot := range s.Slots {
		list = append(list, fmt.Sprint(slot.Owner, " ", lives[slot.Owner]))
	}
	return list
}

// toldToComeBack tells whether a call of a case got the answer of a node that does
// not know any more whether the slot is its own.
func toldToComeBack(o conform.Outcome) bool {
	return strings.Contains(strings.Join(o.Why, "\n"), "503 ServiceUnavailableException")
}

// named returns a pattern of the cases.
func named(outcomes []conform.Outcome) string {
	names := make([]string, len(outcomes))
	for i, o := range outcomes {
		names[i] = regexp.QuoteMeta(o.Case + "/" + string(o.Flavour))
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// blame fails the test for each case.
func blame(t *testing.T, failed []conform.Outcome) {
	t.Helper()
	for _, o := range failed {
		t.Errorf("%s/%s: %s\n%s", o.Case, o.Flavour, o.Says, strings.Join(o.Why, "\n"))
	}
}
