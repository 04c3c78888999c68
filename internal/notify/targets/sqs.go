package targets

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// queueMemory is how long the URL of a queue is remembered.
const queueMemory = 10 * time.Minute

// knownQueue is the URL of a queue.
type knownQueue struct {
	url   string
	until time.Time
}

// queue is the sending side of one.
type queue struct {
	s      *Services
	client *sqs.Client
	arn    arn
}

func (s *Services) queue(a arn) Sender {
	q := &queue{s, sqs.NewFromConfig(s.config(SQS, a.region)), a}
	return Sender{One: q.send, Many: q.sendMany}
}

func (q *queue) send(ctx context.Context, e *event.Event, _ int) error {
	url, err := q.url(ctx)
	if err != nil {
		return classify(err)
	}
	m := q.message(e)
	if _, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: m.MessageBody, MessageAttributes: m.MessageAttributes,
		MessageGroupId: m.MessageGroupId, MessageDeduplicationId: m.MessageDeduplicationId,
	}); err != nil {
		q.forget()
	}
	return classify(err)
}

func (q *queue) sendMany(ctx context.Context, events []*event.Event) ([]error, error) {
	url, err := q.url(ctx)
	if err != nil {
		return nil, classify(err)
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: &url}
	for i, e := range events {
		m := q.message(e)
		m.Id = aws.String(strconv.Itoa(i))
		in.Entries = append(in.Entries, m)
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	if err != nil {
		q.forget()
		return nil, apart(classify(err))
	}
	failed := slices.Repeat([]error{errUnanswered()}, len(events))
	of := func(id *string) *error {
		if i, err := strconv.Atoi(aws.ToString(id)); err == nil && i >= 0 && i < len(failed) {
			return &failed[i]
		}
		return new(error)
	}
	for _, taken := range out.Successful {
		*of(taken.Id) = nil
	}
	for _, f := range out.Failed {
		*of(f.Id) = refusedEntry(aws.ToString(f.Code))
	}
	return failed, nil
}

// message is an event as an entry of a batch has it, but for its Id.
func (q *queue) message(e *event.Event) (m types.SendMessageBatchRequestEntry) {
	m.MessageBody = aws.String(string(e.Direct()))
	for _, at := range q.s.attributes(e) {
		if m.MessageAttributes == nil {
			m.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		m.MessageAttributes[at.name] = types.MessageAttributeValue{DataType: aws.String(attributeType), StringValue: aws.String(at.value)}
	}
	if q.arn.fifo() {
		m.MessageGroupId, m.MessageDeduplicationId = aws.String(e.Meeting.ID.String()), aws.String(e.ID.String())
	}
	return m
}

// url asks for the URL of the queue. Servers have different forms of it; only
// its path is of use, for requests go to the configured endpoint.
func (q *queue) url(ctx context.Context) (string, error) {
	q.s.mu.Lock()
	known := q.s.queues[q.arn.text]
	q.s.mu.Unlock()
	if time.Now().Before(known.until) {
		return known.url, nil
	}
	out, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &q.arn.name, QueueOwnerAWSAccountId: &q.arn.account})
	if err != nil {
		return "", err
	}
	known = knownQueue{aws.ToString(out.QueueUrl), time.Now().Add(queueMemory)}
	q.s.mu.Lock()
	q.s.queues[q.arn.text] = known
	q.s.mu.Unlock()
	return known.url, nil
}

// forget has the URL asked for again: it may be another one by now.
func (q *queue) forget() {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	delete(q.s.queues, q.arn.text)
}

// errUnanswered is what came of an entry that an answer does not speak of.
func errUnanswered() error { return &outbox.Refusal{Code: "no word of the entry"} }

// refusedEntry is what came of an entry that was refused.
func refusedEntry(code string) error {
	code = short(code)
	return &outbox.Refusal{Class: classOf(code), Code: code}
}

// apart makes a refusal for good of the refusal of a request whose kind the
// server does not know, so that the events go one by one.
func apart(err error) error {
	if r, ok := err.(*outbox.Refusal); ok && slices.Contains([]string{"InvalidAction", "UnknownOperation", "HTTP 400", "HTTP 404", "HTTP 501"}, r.Code) {
		r.Class = outbox.Permanent
	}
	return err
}
