package targets

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/carillon-meetings/carillon/internal/notify/event"
)

func (s *Services) bus() Sender {
	client := eventbridge.NewFromConfig(s.config(Bus, s.cfg.Region))
	put := func(ctx context.Context, events []*event.Event) ([]error, error) {
		in := &eventbridge.PutEventsInput{}
		for _, e := range events {
			in.Entries = append(in.Entries, s.entry(e))
		}
		out, err := client.PutEvents(ctx, in)
		if err != nil {
			return nil, apart(classify(err))
		}
		if out.FailedEntryCount == 0 {
			return make([]error, len(events)), nil
		}
		failed := slices.Repeat([]error{errUnanswered()}, len(events))
		for i := range min(len(failed), len(out.Entries)) {
			if failed[i] = nil; out.Entries[i].ErrorCode != nil {
				failed[i] = refusedEntry(*out.Entries[i].ErrorCode)
			}
		}
		return failed, nil
	}
	return Sender{Many: put, One: func(ctx context.Context, e *event.Event, _ int) error {
		failed, err := put(ctx, []*event.Event{e})
		if err != nil {
			return err
		}
		return failed[0]
	}}
}

func (s *Services) entry(e *event.Event) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		Detail: aws.String(string(e.Detail(s.cfg.BusIDs))), DetailType: &e.DetailType, Source: &s.cfg.BusSource,
		Time: &e.Time, EventBusName: &s.cfg.BusName, Resources: []string{},
	}
}
