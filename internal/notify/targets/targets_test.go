package targets

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

const (
	queueARN    = "arn:aws:sqs:eu-central-1:123456789012:meetings"
	fifoARN     = "arn:aws:sqs:eu-central-1:123456789012:meetings.fifo"
	topicARN    = "arn:aws:sns:eu-central-1:123456789012:meetings"
	functionARN = "arn:aws:lambda:eu-central-1:123456789012:function:meetings:live"
)

// call is one request that a service has got.
type call struct {
	method, path, query, target, signed string
	header                              http.Header
	body                                string
}

// service is an endpoint of any service; it answers as it is told.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(c call) (status int, header map[string]string, body string)
}

func newService(t *testing.T, answer func(call) (int, map[string]string, string)) *service {
	s := &service{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=AKID/")
		parts := strings.Split(scope, "/")
		c := call{method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery, target: r.Header.Get("X-Amz-Target"), header: r.Header, body: string(body)}
		if len(parts) > 2 {
			c.signed = parts[1] + " " + parts[2]
		}
		s.mu.Lock()
		s.calls = append(s.calls, c)
		s.mu.Unlock()
		status, header, text := s.answer(c)
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) last(t *testing.T) call {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) == 0 {
		t.Fatal("no request came")
	}
	return s.calls[len(s.calls)-1]
}

// services reaches everything at one address.
func services(t *testing.T, address string, change func(*Config)) *Services {
	cfg := Config{
		Endpoints:   map[string]string{SQS: address, SNS: address, Lambda: address, Bus: address},
		Credentials: Static("AKID", "secret"), Region: "eu-west-1", AllowARNs: []string{"*"}, Attributes: true,
		BusName: "default", BusSource: "aws.chime", Width: 4,
	}
	if change != nil {
		change(&cfg)
	}
	s := New(cfg)
	t.Cleanup(s.Close)
	return s
}

func profile(n meeting.Notifications) *meeting.Profile {
	return &meeting.Profile{ID: meeting.ID{1}, Owner: meeting.Owner{Account: "123456789012", Region: "eu-central-1"}, MediaRegion: "eu-west-3", Notifications: n}
}

func sample() *event.Event {
	f := event.Fold{Profile: profile(meeting.Notifications{})}
	return f.Fact(7, meeting.Fact{Kind: meeting.Joined, Attendee: meeting.ID{2}, ExternalUserID: "ann", Time: time.UnixMilli(1772600767123)})[0]
}

// sqsAnswers is what a queue says; each message body is hashed by the caller of
// the SDK, so none is returned.
func sqsAnswers(c call) (int, map[string]string, string) {
	if strings.HasSuffix(c.target, "GetQueueUrl") {
		return 200, nil, `{"QueueUrl":"http://queues.example.org:1/123456789012/meetings"}`
	}
	return 200, nil, `{"MessageId":"m"}`
}

func TestAMessageForAQueue(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		name := queueARN
		if fifo {
			name = fifoARN
		}
		srv := newService(t, sqsAnswers)
		e := sample()
		send := services(t, srv.URL, nil).Sender("sqs " + name).One
		for range 3 {
			if err := send(t.Context(), e, 1); err != nil {
				t.Fatal(err)
			}
		}
		c := srv.last(t)
		var in struct {
			QueueURL          string `json:"QueueUrl"`
			MessageBody       string
			MessageGroupID    string `json:"MessageGroupId"`
			DeduplicationID   string `json:"MessageDeduplicationId"`
			MessageAttributes map[string]struct{ DataType, StringValue string }
		}
		if err := json.Unmarshal([]byte(c.body), &in); err != nil {
			t.Fatal(err)
		}
		if c.target != "AmazonSQS.SendMessage" || c.path != "/" || c.signed != "eu-central-1 sqs" || len(srv.calls) != 4 {
			t.Errorf("%d requests, the last %+v", len(srv.calls), c)
		}
		if in.MessageBody != string(e.Direct()) || in.QueueURL != "http://queues.example.org:1/123456789012/meetings" {
			t.Errorf("the message is %+v", in)
		}
		if group := in.MessageGroupID == e.Meeting.ID.String() && in.DeduplicationID == e.ID.String(); group != fifo || !fifo && in.MessageGroupID != "" {
			t.Errorf("%s: group %q, de-duplication %q", name, in.MessageGroupID, in.DeduplicationID)
		}
		for attribute, want := range map[string]string{
			"eventType": e.Type, "meetingId": e.Meeting.ID.String(), "carillonEventId": e.ID.String(), "carillonSequence": "1",
		} {
			if got := in.MessageAttributes[attribute]; got.StringValue != want || got.DataType != "String" {
				t.Errorf("attribute %s is %+v, want %s", attribute, got, want)
			}
		}
	}
}

func TestANotificationOfATopic(t *testing.T) {
	srv := newService(t, func(call) (int, map[string]string, string) {
		return 200, map[string]string{"Content-Type": "text/xml"}, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`
	})
	e := sample()
	if err := services(t, srv.URL, nil).Sender("sns "+topicARN+".fifo").One(t.Context(), e, 1); err != nil {
		t.Fatal(err)
	}
	c := srv.last(t)
	form, err := url.ParseQuery(c.body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Action": "Publish", "Version": "2010-03-31", "TopicArn": topicARN + ".fifo", "Message": string(e.Direct()),
		"MessageGroupId": e.Meeting.ID.String(), "MessageDeduplicationId": e.ID.String(),
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
	if c.signed != "eu-central-1 sns" || !strings.Contains(c.body, "carillonSequence") {
		t.Errorf("the request is %+v", c)
	}
}

func TestACallOfAFunction(t *testing.T) {
	status := http.StatusAccepted
	srv := newService(t, func(call) (int, map[string]string, string) { return status, nil, "" })
	e := sample()
	if err := services(t, srv.URL, nil).Sender("lambda "+functionARN).One(t.Context(), e, 1); err != nil {
		t.Fatal(err)
	}
	c := srv.last(t)
	path, err := url.PathUnescape(c.path)
	if err != nil || path != "/2015-03-31/functions/"+functionARN+"/invocations" || c.header.Get("X-Amz-Invocation-Type") != "Event" || c.body != string(e.Direct()) {
		t.Errorf("the call is %+v", c)
	}
	byName := services(t, srv.URL, func(c *Config) { c.LambdaByName = true })
	if err := byName.Sender("lambda "+functionARN).One(t.Context(), e, 1); err != nil {
		t.Fatal(err)
	}
	if path, err := url.PathUnescape(srv.last(t).path); err != nil || path != "/2015-03-31/functions/meetings:live/invocations" {
		t.Errorf("by name it goes to %s", path)
	}
	status = http.StatusOK // it was run at once, which is not what was asked for
	if err := byName.Sender("lambda "+functionARN).One(t.Context(), e, 1); err == nil {
		t.Error("an answer other than 202 counts as taken")
	}
}

func TestAnEntryForTheBus(t *testing.T) {
	answer := `{"FailedEntryCount":0,"Entries":[{"EventId":"x"}]}`
	srv := newService(t, func(call) (int, map[string]string, string) { return 200, nil, answer })
	e := sample()
	send := services(t, srv.URL, func(c *Config) { c.BusIDs = true }).Sender(Bus).One
	if err := send(t.Context(), e, 1); err != nil {
		t.Fatal(err)
	}
	c := srv.last(t)
	var in struct {
		Entries []struct {
			Detail, DetailType, Source, EventBusName string
			Time                                     float64
		}
	}
	if err := json.Unmarshal([]byte(c.body), &in); err != nil || len(in.Entries) != 1 {
		t.Fatalf("%s: %v", c.body, err)
	}
	if got := in.Entries[0]; got.Detail != string(e.Detail(true)) || got.DetailType != "Chime Meeting State Change" || got.Source != "aws.chime" ||
		got.EventBusName != "default" || int64(got.Time) != 1772600767 || c.target != "AWSEvents.PutEvents" || c.signed != "eu-west-1 events" {
		t.Errorf("the entry is %+v in %+v", got, c)
	}
	for code, want := range map[string]outbox.Class{"NotAuthorizedForSourceException": outbox.Permanent, "ThrottlingException": outbox.Passing, "MalformedDetail": outbox.Permanent} {
		answer = `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"` + code + `","ErrorMessage":"no"}]}`
		var r *outbox.Refusal
		if err := send(t.Context(), e, 1); !errors.As(err, &r) || r.Class != want || r.Code != short(code) {
			t.Errorf("%s: %+v", code, err)
		}
	}
}

func TestWhatARefusalMeans(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		after  string
		want   outbox.Refusal
	}{
		"no queue":                {400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`, "", outbox.Refusal{Class: outbox.Missing, Code: "QueueDoesNotExist"}},
		"no queue, as others say": {400, `{"__type":"AWS.SimpleQueueService.NonExistentQueue"}`, "", outbox.Refusal{Class: outbox.Missing, Code: "NonExistentQueue"}},
		"no right":                {403, `{"__type":"AccessDeniedException"}`, "", outbox.Refusal{Class: outbox.Configuration, Code: "AccessDenied"}},
		"a bad key":               {403, `{"__type":"InvalidSignatureException"}`, "", outbox.Refusal{Class: outbox.Configuration, Code: "InvalidSignature"}},
		"forbidden somehow":       {403, `{"__type":"SomethingNew"}`, "", outbox.Refusal{Class: outbox.Configuration, Code: "SomethingNew"}},
		"too large":               {400, `{"__type":"InvalidMessageContents"}`, "", outbox.Refusal{Class: outbox.Permanent, Code: "InvalidMessageContents"}},
		"busy":                    {400, `{"__type":"ThrottlingException"}`, "7", outbox.Refusal{Code: "Throttling", After: 7 * time.Second}},
		"broken":                  {500, `{"__type":"InternalFailure"}`, "", outbox.Refusal{Code: "InternalFailure"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newService(t, func(call) (int, map[string]string, string) {
				return c.status, map[string]string{"Content-Type": "application/x-amz-json-1.0", "Retry-After": c.after}, c.body
			})
			var r *outbox.Refusal
			if err := services(t, srv.URL, nil).Sender("sqs "+queueARN).One(t.Context(), sample(), 1); !errors.As(err, &r) || *r != c.want {
				t.Errorf("got %+v, want %+v", err, c.want)
			}
			if len(srv.calls) != 1 {
				t.Errorf("%d requests for one attempt", len(srv.calls))
			}
		})
	}
	srv := newService(t, sqsAnswers)
	address := srv.URL
	srv.Close()
	var r *outbox.Refusal
	if err := services(t, address, nil).Sender("sqs "+queueARN).One(t.Context(), sample(), 1); !errors.As(err, &r) || r.Class != outbox.Passing || !strings.Contains(r.Code, "refused") {
		t.Errorf("nobody there: %+v", err)
	}
}

func TestWhereMeetingsEventsGo(t *testing.T) {
	all := meeting.Notifications{SqsQueueArn: queueARN, SnsTopicArn: topicARN, LambdaFunctionArn: functionARN}
	some := services(t, "http://127.0.0.1:1", func(c *Config) {
		c.Endpoints = map[string]string{SQS: AWS, Lambda: "http://127.0.0.1:1", Bus: AWS}
		c.AllowARNs = []string{"arn:aws:sqs:eu-*:123456789012:*", "arn:aws:sns:*"}
	})
	if names := some.Names(); !slices.Equal(names, []string{SQS, Lambda, Bus}) {
		t.Errorf("there are %v", names)
	}
	if name, ok := some.Route(SQS, profile(all)); !ok || name != "sqs "+queueARN {
		t.Errorf("queue: %q, %t", name, ok)
	}
	if _, ok := some.Route(Lambda, profile(all)); ok {
		t.Error("a function that is not allowed gets events")
	}
	if got := some.Unreached(all); !slices.Equal(got, []string{functionARN, topicARN}) {
		t.Errorf("not reached: %v", got)
	}
	var none *Services
	if got := none.Unreached(all); !slices.Equal(got, []string{functionARN, topicARN, queueARN}) {
		t.Errorf("without services: %v", got)
	}
	if name, ok := some.Route(Bus, profile(all)); !ok || name != Bus {
		t.Errorf("bus: %q, %t", name, ok)
	}
	inside := profile(all)
	inside.Owner.Account = "demo"
	if _, ok := some.Route(Bus, inside); ok {
		t.Error("the bus gets events of what is no account")
	}
}

// Nothing of an ARN may lead a request elsewhere.
func TestARNsThatLeadNowhere(t *testing.T) {
	s := services(t, AWS, nil)
	for service, texts := range map[string][]string{
		SQS: {"", "meetings", "arn:aws:sqs:eu-central-1:123456789012", "arn:aws:sqs:evil.example.org/:123456789012:q", "arn:aws:sqs:eu@evil:123456789012:q",
			"arn:aws:sqs:eu-central-1:abc:q", "arn:aws:sqs:eu-central-1:123456789012:a/b", "arn:aws:sqs:eu-central-1:123456789012:", "arn:aws:sqs::123456789012:q",
			"arn:a w:sqs:eu-central-1:123456789012:q", topicARN, "arn:aws:bus:eu-central-1:123456789012:q", "arn:aws:sqs:eu-central-1:123456789012:" + strings.Repeat("q", 600)},
		Lambda: {"arn:aws:lambda:eu-central-1:123456789012:layer:x", "arn:aws:lambda:eu-central-1:123456789012:function:a:b:c", "arn:aws:lambda:eu-central-1:123456789012:function:../x"},
	} {
		for _, text := range texts {
			if s.reaches(service, text) {
				t.Errorf("events of %s go to %q", service, text)
			}
		}
	}
	for service, text := range map[string]string{SQS: fifoARN, SNS: topicARN, Lambda: functionARN} {
		if !s.reaches(service, text) {
			t.Errorf("nothing goes to %s", text)
		}
	}
	if !s.reaches(Lambda, "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST") {
		t.Error("nothing goes to the latest version of a function")
	}
}

// Whatever a caller names, its parts can stand in a host name and a path.
func FuzzParse(f *testing.F) {
	for _, text := range []string{queueARN, fifoARN, topicARN, functionARN, "arn:aws:sqs:eu-central-1:123456789012:a/b", "arn:::::", "arn:aws:lambda:x:1:function:f:$LATEST"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parse(text)
		if !ok {
			return
		}
		if strings.ContainsAny(a.region, "./@:%?# \\") || strings.Trim(a.account, digits) != "" || strings.ContainsAny(a.name, "/@%?#\\ \n") {
			t.Errorf("%q is taken for %+v", text, a)
		}
		if a.text != text || !strings.HasSuffix(text, a.name) {
			t.Errorf("%q became %+v", text, a)
		}
	})
}
