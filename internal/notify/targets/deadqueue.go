package targets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// reasonMost bounds what a message says of why an event was given up, in bytes.
const reasonMost = 256

// QueueARN returns the ARN of a queue of which the ARN or the URL is given; the
// Region is that of the URL's host, or the one given here. ok is false for what
// is neither.
func QueueARN(text, region string) (name string, ok bool) {
	if a, isARN := parse(text); isARN {
		return text, a.service == SQS
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", false
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if u.Host == "" || len(path) < 2 {
		return "", false
	}
	if rest, public := strings.CutPrefix(u.Hostname(), "sqs."); public {
		region, _, _ = strings.Cut(rest, ".")
	}
	name = strings.Join([]string{"arn", "aws", SQS, region, path[len(path)-2], path[len(path)-1]}, ":")
	a, ok := parse(name)
	return name, ok && a.service == SQS
}

// DeadLetters returns what puts events that were given up into a queue, of the
// ARN: in the direct form, with attributes that say whose they were and why.
func (s *Services) DeadLetters(queueARN string) func(context.Context, outbox.Letter) error {
	a, _ := parse(queueARN)
	q := &queue{s, sqs.NewFromConfig(s.config(SQS, a.region)), a}
	return func(ctx context.Context, l outbox.Letter) error {
		address, err := q.url(ctx)
		if err != nil {
			return classify(err)
		}
		attributes := map[string]types.MessageAttributeValue{}
		for name, value := range map[string]string{
			"carillonDestination": l.Destination, "carillonError": l.Reason[:min(len(l.Reason), reasonMost)], "carillonEventId": l.Event.ID.String(),
		} {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String(attributeType), StringValue: aws.String(strings.ToValidUTF8(value, "?"))}
		}
		in := &sqs.SendMessageInput{QueueUrl: &address, MessageBody: aws.String(string(l.Event.Direct())), MessageAttributes: attributes}
		if a.fifo() {
			sum := sha256.Sum256([]byte(l.Destination + " " + l.Event.ID.String()))
			in.MessageGroupId, in.MessageDeduplicationId = aws.String(l.Event.Meeting.ID.String()), aws.String(hex.EncodeToString(sum[:]))
		}
		if _, err = q.client.SendMessage(ctx, in); err != nil {
			q.forget()
		}
		return classify(err)
	}
}
