package targets

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// AWS as an endpoint stands for the public one of the ARN's Region.
const AWS = "aws"

// callTimeout bounds one attempt.
const callTimeout = 10 * time.Second

// Config says where events may go. All fields but Credentials are required.
type Config struct {
	Endpoints    map[string]string // by service: a URL, or AWS; none for a service that nothing is sent to
	Credentials  aws.CredentialsProvider
	Region       string   // of the bus
	AllowARNs    []string // patterns as of path.Match
	Attributes   bool     // messages have attributes
	LambdaByName bool     // functions are called by their names, not their ARNs
	BusName      string   // name or ARN
	BusSource    string   // of the events there
	BusIDs       bool     // events there have their id in the detail
	Width        int      // connections that are kept to each endpoint
}

// Sender makes attempts to hand events over; see outbox.Config for both.
type Sender struct {
	One  func(ctx context.Context, e *event.Event, attempt int) error
	Many func(ctx context.Context, events []*event.Event) ([]error, error) // nil: the service takes one at a time
}

// Most is how many events SendMessageBatch and PutEvents take.
const Most = 10

// Services hands events to targets.
type Services struct {
	cfg  Config
	http *http.Client

	mu     sync.Mutex
	queues map[string]knownQueue // by ARN; guarded by mu
}

// New returns Services, which open no connection yet.
func New(cfg Config) *Services {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, cfg.Width
	return &Services{cfg: cfg, queues: map[string]knownQueue{}, http: &http.Client{
		Transport: transport, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes connections that nothing is sent on.
func (s *Services) Close() { s.http.CloseIdleConnections() }

// Names returns the services that have an endpoint, in a fixed order.
func (s *Services) Names() (names []string) {
	for _, service := range []string{SQS, SNS, Lambda, Bus} {
		if s.cfg.Endpoints[service] != "" {
			names = append(names, service)
		}
	}
	return names
}

// Route returns the name of the target of a service that gets the meeting's
// events: for the bus the account's, which is called as the service is.
func (s *Services) Route(service string, p *meeting.Profile) (name string, ok bool) {
	if service == Bus {
		return Bus, s.cfg.Endpoints[Bus] != "" && strings.Trim(p.Owner.Account, digits) == ""
	}
	text := namedBy(p.Notifications, service)
	if text == "" || !s.reaches(service, text) {
		return "", false
	}
	return service + " " + text, true
}

// Sender returns what sends to the target of a name that Route has returned.
func (s *Services) Sender(name string) Sender {
	service, text, _ := strings.Cut(name, " ")
	a, _ := parse(text)
	if service == Bus {
		return s.bus()
	}
	switch service {
	case SQS:
		return s.queue(a)
	case SNS:
		return s.topic(a)
	case Lambda:
		return s.function(a)
	}
	return Sender{One: func(context.Context, *event.Event, int) error { return fmt.Errorf("no such service: %q", service) }}
}

// config returns the SDK's configuration for a service in a Region.
func (s *Services) config(service, region string) aws.Config {
	c := aws.Config{
		Region: region, Credentials: s.cfg.Credentials, HTTPClient: s.http,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }, // package outbox does the retrying
	}
	if endpoint := s.cfg.Endpoints[service]; endpoint != AWS {
		c.BaseEndpoint = &endpoint
	}
	return c
}

// attribute is one of those that messages have.
type attribute struct{ name, value string }

// attributes lets subscribers filter, and tell repeats and gaps.
func (s *Services) attributes(e *event.Event) []attribute {
	if !s.cfg.Attributes {
		return nil
	}
	return []attribute{
		{"eventType", e.Type}, {"meetingId", e.Meeting.ID.String()}, {"carillonEventId", e.ID.String()}, {"carillonSequence", fmt.Sprint(e.Sequence)},
	}
}

// attributeType is that of all attributes.
const attributeType = "String"
