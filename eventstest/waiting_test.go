package eventstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// takenAll is the answer of a queue that has taken every message of a request.
func takenAll(r *http.Request, messages int) string {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "Batch") {
		return `{"MessageId":"m"}`
	}
	ids := make([]string, messages)
	for i := range ids {
		ids[i] = fmt.Sprintf(`{"Id":"%d","MessageId":"m"}`, i)
	}
	return `{"Successful":[` + strings.Join(ids, ",") + `],"Failed":[]}`
}

// message is what a queue gets.
type message struct {
	MessageGroupID    string `json:"MessageGroupId"`
	MessageAttributes map[string]struct{ StringValue string }
}

// readMessages reads the one message of a request, or those of a batch.
func readMessages(r *http.Request) []message {
	var in struct {
		message
		Entries []message
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	if in.Entries == nil {
		return []message{in.message}
	}
	return in.Entries
}

// TestHundredThousandEventsWait has a receiver come back under as many events:
// all come, each meeting's in order.
func TestHundredThousandEventsWait(t *testing.T) {
	address := "http://" + unused(t)
	s := servertest.Start(t, append(services(t, address, "sqs"), "--limit-attendees", "10000", "--events-backlog-count", "200000")...)
	const groups, batches = 100, 10
	for g := range groups {
		id := create(t, s, fmt.Sprint("group-", g), 0, &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "meetings.fifo")})
		for k := range batches {
			in := &chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: &id}
			for i := range 100 {
				in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprint(k, "-", i))})
			}
			if _, err := api(s).BatchCreateAttendee(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		if g%20 == 0 {
			end(t, s, id)
		}
	}
	s.Kill() // they are made again from the log
	var mu sync.Mutex
	next := map[string]int{}
	total := 0
	queue := &http.Server{Addr: strings.TrimPrefix(address, "http://"), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetQueueUrl") {
			_, _ = io.WriteString(w, `{"QueueUrl":"http://127.0.0.1/000000000000/meetings.fifo"}`)
			return
		}
		messages := readMessages(r)
		mu.Lock()
		for _, m := range messages {
			sequence, _ := strconv.Atoi(m.MessageAttributes["carillonSequence"].StringValue)
			if sequence != next[m.MessageGroupID]+1 {
				t.Errorf("meeting %s: event %d came after %d", m.MessageGroupID, sequence, next[m.MessageGroupID])
			}
			next[m.MessageGroupID] = sequence
			total++
		}
		mu.Unlock()
		_, _ = io.WriteString(w, takenAll(r, len(messages)))
	})}
	go func() { _ = queue.ListenAndServe() }()
	t.Cleanup(func() { _ = queue.Close() })
	start := time.Now()
	s.Restart()
	const want = groups*(1+batches*100) + groups/20
	count := func() int { mu.Lock(); defer mu.Unlock(); return total }
	eventually(t, func() string { return fmt.Sprintf("%d of %d events came", count(), want) }, func() bool { return count() >= want })
	t.Logf("%d events in %v", want, time.Since(start).Round(time.Second))
}
