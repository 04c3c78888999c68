package eventstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
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

// sink is a queue that takes everything at once, so that what is measured is the
// server.
type sink struct {
	*httptest.Server
	mu   sync.Mutex
	lags []time.Duration // from the event to its arrival
	last time.Time
}

func startSink(b *testing.B) *sink {
	s := new(sink)
	stamp := regexp.MustCompile(`\\"timestamp\\":(\d+)`)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetQueueUrl") {
			_, _ = io.WriteString(w, `{"QueueUrl":"http://127.0.0.1/000000000000/meetings"}`)
			return
		}
		now := time.Now()
		all := stamp.FindAllSubmatch(body, -1)
		s.mu.Lock()
		for _, m := range all {
			ms, _ := strconv.ParseInt(string(m[1]), 10, 64)
			s.lags, s.last = append(s.lags, now.Sub(time.UnixMilli(ms))), now
		}
		s.mu.Unlock()
		_, _ = io.WriteString(w, takenAll(r, len(all)))
	}))
	b.Cleanup(s.Close)
	return s
}

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

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lags)
}

func (s *sink) wait(b *testing.B, n int) {
	for deadline := time.Now().Add(5 * time.Minute); s.count() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d events came", s.count(), n)
		}
	}
}

// server starts one on one core, which sends to the sink.
func server(b *testing.B, s *sink) *servertest.Server {
	b.Setenv("GOMAXPROCS", "1")
	file := b.TempDir() + "/key"
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		b.Fatal(err)
	}
	return servertest.Start(b, "--events-sqs-endpoint", s.URL, "--events-access-key", "AKID", "--events-secret-key-file", file, "--limit-attendees", "10000")
}

func meetings(b *testing.B, s *servertest.Server, n int) (ids []string) {
	for i := range n {
		out, err := api(s).CreateMeeting(b.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String(fmt.Sprint("token-", i)), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String(region),
			NotificationsConfiguration: &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "meetings")},
		})
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, *out.Meeting.MeetingId)
	}
	return ids
}

// BenchmarkEventsToOneQueue measures how many events a second a server on one
// core sends to one queue, with the calls that make them: batches of 100
// attendees into 20 meetings.
func BenchmarkEventsToOneQueue(b *testing.B) {
	q := startSink(b)
	s := server(b, q)
	ids := meetings(b, s, 20)
	q.wait(b, 20)
	n := 20
	start := time.Now()
	for b.Loop() {
		for _, id := range ids {
			in := &chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: &id}
			for i := range 100 {
				in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprint(n, "-", i))})
			}
			if _, err := api(s).BatchCreateAttendee(b.Context(), in); err != nil {
				b.Fatal(err)
			}
			n += 100
		}
		q.wait(b, n)
	}
	b.ReportMetric(float64(n-20)/q.last.Sub(start).Seconds(), "events/s")
}

// BenchmarkFromRecordToReceiver measures the time from an event to its arrival
// when nothing waits.
func BenchmarkFromRecordToReceiver(b *testing.B) {
	q := startSink(b)
	s := server(b, q)
	id := meetings(b, s, 1)[0]
	q.wait(b, 1)
	for n := 1; b.Loop(); n++ {
		if _, err := api(s).CreateAttendee(b.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String(fmt.Sprint("u-", n))}); err != nil {
			b.Fatal(err)
		}
		q.wait(b, n+1)
	}
	lags := slices.Sorted(slices.Values(q.lags[1:]))
	b.ReportMetric(float64(lags[len(lags)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(lags[len(lags)*99/100].Microseconds())/1000, "p99-ms")
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
