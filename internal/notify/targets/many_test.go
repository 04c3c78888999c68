package targets

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// samples are events of as many meetings.
func samples(n int) (list []*event.Event) {
	for i := range n {
		p := profile(meeting.Notifications{})
		p.ID = meeting.ID{1, byte(i)}
		f := event.Fold{Profile: p}
		list = append(list, f.Fact(7, meeting.Fact{Kind: meeting.Joined, Attendee: meeting.ID{2}, Time: time.UnixMilli(1772600767123)})...)
	}
	return list
}

// codes are the codes of refusals, "" for what was taken.
func codes(t *testing.T, failed []error) (list []string) {
	t.Helper()
	for _, err := range failed {
		code := ""
		if err != nil {
			var r *outbox.Refusal
			if !errors.As(err, &r) {
				t.Fatalf("%v is no refusal", err)
			}
			code = fmt.Sprint(r.Code, "/", r.Class)
		}
		list = append(list, code)
	}
	return list
}

func TestManyMessagesForAQueue(t *testing.T) {
	srv := newService(t, func(c call) (int, map[string]string, string) {
		if !strings.HasSuffix(c.target, ".SendMessageBatch") {
			return sqsAnswers(c)
		}
		return 200, nil, `{"Successful":[{"Id":"2","MessageId":"m"},{"Id":"0"},{"Id":"9"},{"Id":"x"}],
			"Failed":[{"Id":"1","Code":"AWS.SimpleQueueService.InvalidMessageContents","SenderFault":true},{"Id":"4","Code":"ThrottlingException","SenderFault":false}]}`
	})
	events := samples(5)
	failed, err := services(t, srv.URL, nil).Sender("sqs "+fifoARN).Many(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", fmt.Sprint("InvalidMessageContents/", outbox.Permanent), "", fmt.Sprint("no word of the entry/", outbox.Passing), fmt.Sprint("Throttling/", outbox.Passing)}
	if got := codes(t, failed); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var in struct {
		Entries []struct {
			ID, MessageBody, MessageGroupID, MessageDeduplicationID string
			MessageAttributes                                       map[string]struct{ StringValue string }
		}
	}
	if err := json.Unmarshal([]byte(srv.last(t).body), &in); err != nil || len(in.Entries) != len(events) {
		t.Fatalf("%v: %s", err, srv.last(t).body)
	}
	for i, e := range events {
		got := in.Entries[i]
		if got.ID != fmt.Sprint(i) || got.MessageBody != string(e.Direct()) || got.MessageGroupID != e.Meeting.ID.String() ||
			got.MessageDeduplicationID != e.ID.String() || got.MessageAttributes["carillonEventId"].StringValue != e.ID.String() {
			t.Errorf("entry %d is %+v", i, got)
		}
	}
}

func TestManyEntriesForTheBus(t *testing.T) {
	srv := newService(t, func(call) (int, map[string]string, string) {
		return 200, nil, `{"FailedEntryCount":2,"Entries":[{"EventId":"a"},{"ErrorCode":"ThrottlingException"},{"ErrorCode":"MalformedDetail"}]}`
	})
	failed, err := services(t, srv.URL, nil).Sender(Bus).Many(t.Context(), samples(4))
	want := []string{"", fmt.Sprint("Throttling/", outbox.Passing), fmt.Sprint("MalformedDetail/", outbox.Permanent), fmt.Sprint("no word of the entry/", outbox.Passing)}
	if got := codes(t, failed); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// A server that knows no request for many gets them one by one; a queue that is
// missing is missing for all.
func TestARequestForManyThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   outbox.Class
	}{
		"an old server":   {400, `{"__type":"InvalidAction"}`, outbox.Permanent},
		"another":         {404, `not found`, outbox.Permanent},
		"one is too long": {400, `{"__type":"AWS.SimpleQueueService.BatchRequestTooLong"}`, outbox.Permanent},
		"no queue":        {400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`, outbox.Missing},
		"busy":            {503, ``, outbox.Passing},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newService(t, func(q call) (int, map[string]string, string) {
				if strings.HasSuffix(q.target, ".SendMessageBatch") {
					return c.status, nil, c.body
				}
				return sqsAnswers(q)
			})
			var r *outbox.Refusal
			if _, err := services(t, srv.URL, nil).Sender("sqs "+queueARN).Many(t.Context(), samples(2)); !errors.As(err, &r) || r.Class != c.want {
				t.Errorf("got %+v, want class %d", r, c.want)
			}
		})
	}
}
