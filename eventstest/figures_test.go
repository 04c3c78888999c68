//go:build figures

package eventstest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// What is measured, and how much of it. A server has one core (GOMAXPROCS=1),
// all of it is on loopback, and the rounds go through everything in turn, so that
// what else the machine does falls on all alike.
const (
	rounds       = 5
	busyMeetings = 20  // that events come from at the same time, for the rate
	busyBatches  = 6   // of a hundred attendees for each of them
	singleEvents = 200 // one at a time, for the way from record to receiver
	warmBatches  = 20  // before the processor's time is read
	toldBatches  = 200 // whose processor's time is read
	quietBatches = 800 // the same, of which nobody is told
)

// figures are the values of each round, by what they are.
type figures struct {
	names  []string
	values map[string][]float64
}

func (f *figures) add(name string, v float64) {
	if f.values[name] == nil {
		f.names = append(f.names, name)
	}
	f.values[name] = append(f.values[name], v)
}

// TestFigures prints the medians of all rounds, with the least and the most.
func TestFigures(t *testing.T) {
	f := &figures{values: map[string][]float64{}}
	for range rounds {
		for _, workers := range []string{"64", "2"} {
			t.Run("rate", func(t *testing.T) { measureRate(t, f, workers) })
		}
		t.Run("lag", func(t *testing.T) { measureLag(t, f) })
		for _, mode := range []string{"nobody is told", "services that no meeting names", "a queue", "a web hook"} {
			t.Run(mode, func(t *testing.T) { measureBatches(t, f, mode) })
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("load at the end %s", load)
	for _, name := range f.names {
		all := slices.Sorted(slices.Values(f.values[name]))
		fmt.Printf("%-76s %9.2f  (%.2f to %.2f, %d rounds)\n", name, all[len(all)/2], all[0], all[len(all)-1], len(all))
	}
}

// sink is a queue and a web hook's endpoint that takes everything at once, so
// that what is measured is the server.
type sink struct {
	*httptest.Server
	mu       sync.Mutex
	requests int
	lags     []time.Duration // from the event to its arrival
	last     time.Time
}

func startSink(t *testing.T) *sink {
	s := new(sink)
	stamp := regexp.MustCompile(`\\?"timestamp\\?":(\d+)`)
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
		s.requests++
		for _, m := range all {
			ms, _ := strconv.ParseInt(string(m[1]), 10, 64)
			s.lags, s.last = append(s.lags, now.Sub(time.UnixMilli(ms))), now
		}
		s.mu.Unlock()
		_, _ = io.WriteString(w, takenAll(r, len(all)))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lags)
}

func (s *sink) wait(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); s.count() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events came", s.count(), n)
		}
	}
}

// startOnOneCore starts a server for large meetings.
func startOnOneCore(t *testing.T, flags ...string) *servertest.Server {
	t.Setenv("GOMAXPROCS", "1")
	return servertest.Start(t, append(flags, "--limit-attendees", "10000", "--limit-meetings", "1000", "--log-level", "warn")...)
}

// meetings makes meetings that name the queue, or none.
func meetings(t *testing.T, s *servertest.Server, n int, named bool) (ids []string) {
	var to *types.NotificationsConfiguration
	if named {
		to = &types.NotificationsConfiguration{SqsQueueArn: arn("sqs", "meetings")}
	}
	for i := range n {
		ids = append(ids, create(t, s, fmt.Sprint("token-", i), 0, to))
	}
	return ids
}

func batch(t *testing.T, c *chimesdkmeetings.Client, id, name string) {
	in := &chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: &id}
	for i := range 100 {
		in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprint(name, "-", i))})
	}
	if _, err := c.BatchCreateAttendee(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// measureRate is of events that many meetings have at the same time, with the
// calls that make them. Events go in one request when more meetings have some
// than there are workers.
func measureRate(t *testing.T, f *figures, workers string) {
	q := startSink(t)
	s := startOnOneCore(t, append(services(t, q.URL, "sqs"), "--events-workers", workers)...)
	ids := meetings(t, s, busyMeetings, true)
	q.wait(t, busyMeetings)
	before, begun := q.requests, time.Now()
	c := api(s)
	for k := range busyBatches {
		for _, id := range ids {
			batch(t, c, id, fmt.Sprint(k))
		}
	}
	const events = busyMeetings * busyBatches * 100
	q.wait(t, busyMeetings+events)
	f.add("events/s to one queue, calls included, workers: "+workers, events/q.last.Sub(begun).Seconds())
	f.add("events in a request, workers: "+workers, float64(events)/float64(q.requests-before))
}

// measureLag is of single events, when nothing waits.
func measureLag(t *testing.T, f *figures) {
	q := startSink(t)
	s := startOnOneCore(t, services(t, q.URL, "sqs")...)
	id := meetings(t, s, 1, true)[0]
	q.wait(t, 1)
	c := api(s)
	for n := range singleEvents {
		if _, err := c.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String(fmt.Sprint("u-", n))}); err != nil {
			t.Fatal(err)
		}
		q.wait(t, n+2)
	}
	lags := slices.Sorted(slices.Values(q.lags[1:]))
	f.add("ms from record to queue, p50", float64(lags[len(lags)/2].Microseconds())/1000)
	f.add("ms from record to queue, p99", float64(lags[len(lags)*99/100].Microseconds())/1000)
}

// measureBatches is of the server's processor time for a batch of a hundred
// attendees, with the sending of what it brings about.
func measureBatches(t *testing.T, f *figures, mode string) {
	q := startSink(t)
	var flags []string
	told, batches := true, toldBatches
	switch mode {
	case "nobody is told":
		told, batches = false, quietBatches
	case "services that no meeting names":
		told, batches, flags = false, quietBatches, services(t, q.URL, "sqs")
	case "a queue":
		flags = services(t, q.URL, "sqs")
	case "a web hook":
		h := startHook(t)
		flags = []string{"--webhook", q.URL, "--webhook-secret-file", h.file, "--webhook-allow-private"}
	}
	s := startOnOneCore(t, flags...)
	ids := meetings(t, s, warmBatches+batches, mode == "a queue")
	events := len(ids)
	wait := func() {
		if told {
			q.wait(t, events)
		}
	}
	c := api(s)
	run := func(ids []string) time.Duration {
		wait()
		before := processorTime(t, s.PID())
		for _, id := range ids {
			batch(t, c, id, "u")
			events += 100
		}
		wait()
		return processorTime(t, s.PID()) - before
	}
	run(ids[:warmBatches])
	spent := run(ids[warmBatches:])
	f.add("ms of processor for a batch of 100 attendees, "+mode, spent.Seconds()*1000/float64(batches))
}

// processorTime is what a process has used of processors, to the nanosecond.
func processorTime(t *testing.T, pid int) (sum time.Duration) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatal("no threads", err)
	}
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(ns)
	}
	return sum
}
