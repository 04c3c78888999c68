package targets

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

func (s *Services) bus() Send {
	client := eventbridge.NewFromConfig(s.config(Bus, s.cfg.Region))
	return func(ctx context.Context, e *event.Event, _ int) error {
		out, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
			Detail: aws.String(string(e.Detail(s.cfg.BusIDs))), DetailType: &e.DetailType, Source: &s.cfg.BusSource,
			Time: &e.Time, EventBusName: &s.cfg.BusName, Resources: []string{},
		}}})
		if err != nil {
			return classify(err)
		}
		if out.FailedEntryCount == 0 {
			return nil
		}
		code := "entry refused"
		if len(out.Entries) == 1 {
			code = aws.ToString(out.Entries[0].ErrorCode)
		}
		return &outbox.Refusal{Class: classOf(short(code)), Code: short(code)}
	}
}
