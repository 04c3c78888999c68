package eventstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// envelope is an event in either form.
type envelope struct {
	ID         string   `json:"id"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Region     string   `json:"region"`
	DetailType string   `json:"detail-type"`
	Time       string   `json:"time"`
	Resources  []string `json:"resources"`
	Detail     struct {
		EventType string `json:"eventType"`
		MeetingID string `json:"meetingId"`
		Attendee  string `json:"attendeeId"`
		External  string `json:"externalMeetingId"`
	} `json:"detail"`
}

// collected are the bodies that a receiver has got.
type collected struct {
	mu     sync.Mutex
	bodies []string
	told   []told // of queues: what the attributes say
}

func (c *collected) add(body string, e told) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies, c.told = append(c.bodies, body), append(c.told, e)
}

// events returns them as events.
func (c *collected) events(t *testing.T) (all []envelope) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, body := range c.bodies {
		var e envelope
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		all = append(all, e)
	}
	return all
}

// queue makes a queue and collects what comes into it until the test ends.
func queue(t *testing.T, address, name string, attributes map[string]string) *collected {
	t.Helper()
	client := sqs.NewFromConfig(cloud(address))
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	c := new(collected)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for t.Context().Err() == nil {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			})
			if err != nil || len(out.Messages) == 0 {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			for _, m := range out.Messages {
				text := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
				sequence, _ := strconv.Atoi(text("carillonSequence"))
				c.add(*m.Body, told{text("carillonEventId"), text("meetingId"), strings.TrimPrefix(text("eventType"), "chime:"), sequence})
				_, _ = client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: made.QueueUrl, ReceiptHandle: m.ReceiptHandle})
			}
		}
	}()
	t.Cleanup(func() { <-done })
	return c
}

func arn(service, name string) *string {
	return aws.String(fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, "000000000000", name))
}

// topic makes a topic whose notifications go to a queue.
func topic(t *testing.T, address string) (topicARN *string, c *collected) {
	t.Helper()
	c = queue(t, address, "of-topic", nil)
	client := sns.NewFromConfig(cloud(address))
	made, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("meetings")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: arn("sqs", "of-topic")}); err != nil {
		t.Fatal(err)
	}
	return made.TopicArn, c
}

// rule has the bus send what comes from Chime to a queue.
func rule(t *testing.T, address string) *collected {
	t.Helper()
	c := queue(t, address, "of-bus", nil)
	client := eventbridge.NewFromConfig(cloud(address))
	if _, err := client.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("chime"), EventPattern: aws.String(`{"source":["aws.chime"]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("chime"), Targets: []bustypes.Target{{Id: aws.String("1"), Arn: arn("sqs", "of-bus")}},
	}); err != nil {
		t.Fatal(err)
	}
	return c
}

// function starts a real handler, this test's binary, and makes the function.
func function(t *testing.T, address string) (functionARN *string, c *collected) {
	t.Helper()
	c = new(collected)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.add(string(body), told{})
	}))
	t.Cleanup(sink.Close)
	client := lambda.NewFromConfig(cloud(address))
	made, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("meetings"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: []byte("none")},
	})
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	handler := exec.Command(binary)
	handler.Env = append(os.Environ(), handlerEnv+"="+sink.URL, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(address, "http://")+"/_runtime/meetings")
	if err := handler.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = handler.Process.Kill()
		_ = handler.Wait()
	})
	return made.FunctionArn, c
}

// Five receivers of five kinds hear the same of a meeting.
func TestEveryServiceHearsTheSame(t *testing.T) {
	address := startKumo(t)
	direct := queue(t, address, "meetings", nil)
	topicARN, ofTopic := topic(t, address)
	functionARN, ofFunction := function(t, address)
	ofBus := rule(t, address)
	h := startHook(t)
	s := servertest.Start(t, append(services(t, address, "sqs", "sns", "lambda", "bus"), h.flags()...)...)
	id := create(t, s, "one", 3, &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "meetings"), SnsTopicArn: topicARN, LambdaFunctionArn: functionARN})
	end(t, s, id)
	want := []string{"AttendeeAdded", "AttendeeAdded", "AttendeeAdded", "MeetingEnded", "MeetingStarted"}
	eventually(t, func() string { return fmt.Sprintf("the web hook has %v", h.meetings(t)) }, func() bool { return len(h.meetings(t)[id]) == 5 })
	for name, c := range map[string]*collected{"queue": direct, "topic": ofTopic, "function": ofFunction, "bus": ofBus} {
		eventually(t, func() string { return fmt.Sprintf("%s has %v", name, c.bodies) }, func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.bodies) >= 5
		})
	}
	for i, body := range ofTopic.bodies { // wrapped in the topic's own envelope
		var notification struct{ Message string }
		if err := json.Unmarshal([]byte(body), &notification); err != nil {
			t.Fatal(err)
		}
		ofTopic.bodies[i] = notification.Message
	}
	for name, c := range map[string]*collected{"queue": direct, "topic": ofTopic, "function": ofFunction, "bus": ofBus} {
		var kinds []string
		for _, e := range c.events(t) {
			kinds = append(kinds, strings.TrimPrefix(e.Detail.EventType, "chime:"))
			_, err := time.Parse("2006-01-02T15:04:05.000Z", e.Time)
			whole := err != nil
			if e.Source != "aws.chime" || e.DetailType != "Chime Meeting State Change" || e.Region != region || e.Detail.MeetingID != id || e.Detail.External != "x-one" {
				t.Errorf("%s: %+v", name, e)
			}
			if bus := name == "bus"; bus != (e.ID != "") || bus != whole {
				t.Errorf("%s: id %q, time %q", name, e.ID, e.Time)
			}
		}
		slices.Sort(kinds) // not every service keeps the order
		if !slices.Equal(kinds, want) {
			t.Errorf("%s has %v, want %v", name, kinds, want)
		}
	}
}

// A queue that keeps order gets the events of each meeting in order, however
// often the server is killed.
func TestAQueueThatKeepsOrder(t *testing.T) {
	address := startKumo(t)
	c := queue(t, address, "meetings.fifo", map[string]string{"FifoQueue": "true"})
	s := servertest.Start(t, services(t, address, "sqs")...)
	var all []string
	for round := range 4 {
		for i := range 5 {
			id := create(t, s, fmt.Sprintf("%d-%d", round, i), 20, &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "meetings.fifo")})
			end(t, s, id)
			all = append(all, id)
		}
		s.Kill()
		s.Restart()
	}
	have := func() map[string][]string {
		c.mu.Lock()
		defer c.mu.Unlock()
		return inOrder(t, c.told)
	}
	eventually(t, func() string { return fmt.Sprint("only these came: ", have()) }, func() bool {
		m := have()
		return !slices.ContainsFunc(all, func(id string) bool { return len(m[id]) != 22 })
	})
}

// unused returns an address that nothing listens on.
func unused(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

// Another queue server, read by SQS's older protocol; one of the queues is made
// late.
func TestAQueueServerOfTheOlderProtocol(t *testing.T) {
	address := unused(t)
	_, port, _ := net.SplitHostPort(address)
	server := exec.Command("node", "queues.mjs", port, "meetings")
	server.Stderr = os.Stderr
	stdout, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the queue server said %q, %v", line, err)
	}
	s := servertest.Start(t, services(t, "http://"+address, "sqs")...)
	create(t, s, "there", 2, &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "meetings")})
	late := create(t, s, "late", 0, &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "late")})
	query := func(form url.Values, queue string) string {
		t.Helper()
		form.Set("Version", "2012-11-05")
		response, err := http.PostForm("http://"+address+queue, form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	var read string
	receive := func(queue string) string {
		read += query(url.Values{"Action": {"ReceiveMessage"}, "MaxNumberOfMessages": {"10"}, "QueueUrl": {"http://" + address + queue}}, queue)
		return read
	}
	eventually(t, func() string { return "read: " + read }, func() bool {
		return strings.Count(receive("/123456789012/meetings"), "chime:AttendeeAdded") >= 2 && strings.Contains(read, "chime:MeetingStarted")
	})
	query(url.Values{"Action": {"CreateQueue"}, "QueueName": {"late"}}, "/")
	read = ""
	eventually(t, func() string { return "of the late queue: " + read }, func() bool { return strings.Contains(receive("/123456789012/late"), late) })
}
