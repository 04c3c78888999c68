package targets

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// Each service is asked something that changes nothing, with the credentials.
func TestWhetherServicesAreThere(t *testing.T) {
	status, body := 200, "{}"
	srv := newService(t, func(c call) (int, map[string]string, string) {
		if strings.HasSuffix(c.signed, " sns") && status == 200 {
			return 200, map[string]string{"Content-Type": "text/xml"}, `<ListTopicsResponse><ListTopicsResult></ListTopicsResult></ListTopicsResponse>`
		}
		return status, nil, body
	})
	a := NewAccounts(services(t, srv.URL, nil), map[string]*Services{
		ownAccount: services(t, srv.URL, func(c *Config) { c.Endpoints = map[string]string{SQS: srv.URL} }), otherAccount: nil,
	})
	probes := a.Probes()
	want := []string{"bus", "lambda", "sns", "sqs", "sqs of account " + ownAccount}
	if got := slices.Sorted(maps.Keys(probes)); !slices.Equal(got, want) {
		t.Fatalf("there are %q, want %q", got, want)
	}
	for name, asks := range map[string]string{
		"bus": "AWSEvents.DescribeEventBus", "lambda": "/2015-03-31/functions?MaxItems=1", "sns": "Action=ListTopics", "sqs": "AmazonSQS.ListQueues",
	} {
		if err := probes[name](t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c := srv.last(t); !strings.Contains(c.target+c.path+"?"+c.query+c.body, asks) {
			t.Errorf("%s is asked %+v, want %s", name, c, asks)
		}
	}
	status, body = 403, `{"__type":"InvalidSignatureException"}`
	var r *outbox.Refusal
	if err := probes["sqs"](t.Context()); !errors.As(err, &r) || r.Class != outbox.Configuration || r.Code != "InvalidSignature" {
		t.Errorf("with a bad key: %+v", err)
	}
	var none *Accounts
	if len(none.Probes()) != 0 {
		t.Error("none are asked")
	}
}
