package clustertest

import (
	"context"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/conform"
	"github.com/carillon-meetings/carillon/conform/cases"
)

// Whatever a caller of the API can see of one server holds for three, each call
// made at another one.
func TestEveryBehaviourThroughAnyNode(t *testing.T) {
	c := shop(t).Start(t, Build{}, 3)
	await(t, "the slots are shared out", func() bool { return sharedOut(c.Status()) }) // a meeting that moves names other addresses
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	report, err := conform.Run(ctx, cases.All(), conform.Options{
		Endpoint: "http://" + publicName, Account: account,
		Credentials: conform.Credentials{AccessKey: accessKey, SecretKey: secretKey},
		Dial:        c.Balancer.Dial,
		Parallel:    4,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d held, %d failed", report.Held, report.Failed)
	if report.Held < 100 {
		t.Errorf("only %d behaviours were tried", report.Held)
	}
	for _, o := range report.Outcomes {
		if !o.Held {
			t.Errorf("%s/%s: %s\n%v", o.Case, o.Flavour, o.Says, o.Why)
		}
	}
}
