package targets

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// queueMemory is how long the URL of a queue is remembered.
const queueMemory = 10 * time.Minute

// knownQueue is the URL of a queue.
type knownQueue struct {
	url   string
	until time.Time
}

func (s *Services) queue(a arn) Send {
	client := sqs.NewFromConfig(s.config(SQS, a.region))
	return func(ctx context.Context, e *event.Event, _ int) error {
		url, err := s.queueURL(ctx, client, a)
		if err != nil {
			return classify(err)
		}
		in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(e.Direct()))}
		for _, at := range s.attributes(e) {
			if in.MessageAttributes == nil {
				in.MessageAttributes = map[string]types.MessageAttributeValue{}
			}
			in.MessageAttributes[at.name] = types.MessageAttributeValue{DataType: aws.String(attributeType), StringValue: aws.String(at.value)}
		}
		if a.fifo() {
			in.MessageGroupId, in.MessageDeduplicationId = aws.String(e.Meeting.ID.String()), aws.String(e.ID.String())
		}
		if _, err = client.SendMessage(ctx, in); err != nil {
			s.mu.Lock()
			delete(s.queues, a.text) // it may be another one by now
			s.mu.Unlock()
		}
		return classify(err)
	}
}

// queueURL asks for the URL of a queue. Servers have different forms of it; only
// its path is of use, for requests go to the configured endpoint.
func (s *Services) queueURL(ctx context.Context, client *sqs.Client, a arn) (string, error) {
	s.mu.Lock()
	q := s.queues[a.text]
	s.mu.Unlock()
	if time.Now().Before(q.until) {
		return q.url, nil
	}
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &a.name, QueueOwnerAWSAccountId: &a.account})
	if err != nil {
		return "", err
	}
	q = knownQueue{aws.ToString(out.QueueUrl), time.Now().Add(queueMemory)}
	s.mu.Lock()
	s.queues[a.text] = q
	s.mu.Unlock()
	return q.url, nil
}
