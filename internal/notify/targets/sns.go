package targets

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/carillon-meetings/carillon/internal/notify/event"
)

func (s *Services) topic(a arn) Sender {
	client := sns.NewFromConfig(s.config(SNS, a.region))
	return Sender{One: func(ctx context.Context, e *event.Event, _ int) error {
		in := &sns.PublishInput{TopicArn: &a.text, Message: aws.String(string(e.Direct()))}
		for _, at := range s.attributes(e) {
			if in.MessageAttributes == nil {
				in.MessageAttributes = map[string]types.MessageAttributeValue{}
			}
			in.MessageAttributes[at.name] = types.MessageAttributeValue{DataType: aws.String(attributeType), StringValue: aws.String(at.value)}
		}
		if a.fifo() {
			in.MessageGroupId, in.MessageDeduplicationId = aws.String(e.Meeting.ID.String()), aws.String(e.ID.String())
		}
		_, err := client.Publish(ctx, in)
		return classify(err)
	}}
}
