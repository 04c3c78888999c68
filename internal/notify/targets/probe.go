package targets

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Probe asks a service whether it is there and takes the credentials, with a call
// that changes nothing.
func (s *Services) Probe(ctx context.Context, service string) error {
	cfg := s.config(service, s.cfg.Region)
	var err error
	switch service {
	case SQS:
		_, err = sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1)})
	case SNS:
		_, err = sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
	case Lambda:
		_, err = lambda.NewFromConfig(cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
	case Bus:
		_, err = eventbridge.NewFromConfig(cfg).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: &s.cfg.BusName})
	default:
		return fmt.Errorf("no such service: %q", service)
	}
	return classify(err)
}

// Probes returns what asks each service of each account, by a name that says
// which.
func (a *Accounts) Probes() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	add := func(s *Services, of string) {
		if s == nil {
			return
		}
		for _, service := range s.Names() {
			all[service+of] = func(ctx context.Context) error { return s.Probe(ctx, service) }
		}
	}
	if a == nil {
		return all
	}
	add(a.common, "")
	for account, s := range a.own {
		add(s, " of account "+account)
	}
	return all
}
