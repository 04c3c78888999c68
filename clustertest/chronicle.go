package clustertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

const (
	// chroniclers call one meeting at the same time.
	chroniclers = 4
	// chronicledMost is how many calls a history has. Longer ones take the
	// checker longer, and those without an answer make that worse.
	chronicledMost = 240
	// checkWithin bounds the check of one history, which on a busy machine takes
	// long if many of its calls had no answer.
	checkWithin = 3 * time.Minute
)

// Chronicle has clients call one meeting after another, each for a while, and
// checks the history of each.
type Chronicle struct {
	name    string
	api     *sdk.Client
	verdict *Verdict
	pause   time.Duration
	begun   time.Time
}

// NewChronicle returns one whose clients come through a balancer.
func NewChronicle(name string, b *Balancer, v *Verdict, pause time.Duration) *Chronicle {
	return &Chronicle{name: name, api: newAPI(b.Client(), 1), verdict: v, pause: pause, begun: time.Now()}
}

// Run works until ctx ends, and returns when the last history is checked.
func (c *Chronicle) Run(ctx context.Context) {
	var checks sync.WaitGroup
	for n := 0; ctx.Err() == nil; n++ {
		id, err := c.open(fmt.Sprintf("%s-%d", c.name, n))
		if err != nil {
			continue // a fault is going on: the next one
		}
		h := &history{chronicle: c, meeting: id, names: map[string]string{}}
		h.record(ctx)
		checks.Go(h.check)
	}
	checks.Wait()
}

func (c *Chronicle) open(token string) (id string, err error) {
	ctx, cancel := timed(context.Background())
	defer cancel()
	out, err := c.api.CreateMeeting(ctx, &sdk.CreateMeetingInput{
		ClientRequestToken: &token, ExternalMeetingId: &token, MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Meeting.MeetingId), nil
}

// history is the calls on one meeting.
type history struct {
	chronicle *Chronicle
	meeting   string

	mu    sync.Mutex
	calls []porcupine.Operation // guarded by mu
	names map[string]string     // guarded by mu; the id last seen of a name
	open  int                   // guarded by mu; calls begun
}

// record makes calls from several clients until there are enough, or ctx ends.
func (h *history) record(ctx context.Context) {
	var clients sync.WaitGroup
	for i := range chroniclers {
		clients.Go(func() {
			for h.goesOn(ctx) {
				h.call(i, h.draw())
				time.Sleep(h.chronicle.pause/2 + rand.N(h.chronicle.pause))
			}
		})
	}
	clients.Wait()
}

// goesOn tells whether another call is to be made.
func (h *history) goesOn(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open++
	return ctx.Err() == nil && h.open <= chronicledMost
}

// draw returns the next question. The meeting is closed near the end.
func (h *history) draw() question {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == chronicledMost*9/10 {
		return question{action: closing}
	}
	q := question{name: fmt.Sprintf("p%d", rand.IntN(4))}
	q.id = h.names[q.name]
	switch n := rand.IntN(10); {
	case n < 2:
		q.action = listing
	case q.id == "" || n < 5:
		q.action, q.id = creating, ""
	case n < 8:
		q.action = removing
	default:
		q.action = looking
	}
	return q
}

// call makes the call and writes it down.
func (h *history) call(client int, q question) {
	ctx, cancel := timed(context.Background())
	defer cancel()
	begun := time.Since(h.chronicle.begun)
	a := h.ask(ctx, q)
	ended := time.Since(h.chronicle.begun)
	h.chronicle.verdict.Count("calls in histories")
	if a.outcome == unknown {
		h.chronicle.verdict.Count("calls in histories without an answer")
		if q.action == looking || q.action == listing {
			return // it shows nothing
		}
		// It may still be done, whenever.
		ended = time.Duration(1<<62 - 1)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.outcome == done && q.action == creating {
		h.names[q.name] = a.id
	}
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: q, Call: int64(begun), Output: a, Return: int64(ended)})
}

func (h *history) ask(ctx context.Context, q question) (a reply) {
	api, err := h.chronicle.api, error(nil)
	switch q.action {
	case creating:
		var out *sdk.CreateAttendeeOutput
		if out, err = api.CreateAttendee(ctx, &sdk.CreateAttendeeInput{MeetingId: &h.meeting, ExternalUserId: &q.name}); err == nil {
			a.id = aws.ToString(out.Attendee.AttendeeId)
		}
	case removing:
		_, err = api.DeleteAttendee(ctx, &sdk.DeleteAttendeeInput{MeetingId: &h.meeting, AttendeeId: &q.id})
	case looking:
		_, err = api.GetAttendee(ctx, &sdk.GetAttendeeInput{MeetingId: &h.meeting, AttendeeId: &q.id})
	case listing:
		a.list, err = roster(ctx, api, h.meeting)
	case closing:
		_, err = api.DeleteMeeting(ctx, &sdk.DeleteMeetingInput{MeetingId: &h.meeting})
	}
	if errors.Is(err, errDoubled) {
		h.chronicle.verdict.Find(Doubled, "meeting %s: %v", h.meeting, err)
	}
	a.outcome = judge(err)
	return a
}

// check looks for an order that explains the answers.
func (h *history) check() {
	result, info := porcupine.CheckOperationsVerbose(model(), h.calls, checkWithin)
	h.chronicle.verdict.Count("histories")
	switch result {
	case porcupine.Ok:
		return
	case porcupine.Unknown:
		h.chronicle.verdict.Count("histories too hard to check")
		return
	}
	where := filepath.Join(os.TempDir(), "carillon-history-"+h.meeting+".html")
	if err := porcupine.VisualizePath(model(), info, where); err != nil {
		where = err.Error()
	}
	h.chronicle.verdict.Find(Disorder, "no order explains the %d calls on meeting %s; picture: %s", len(h.calls), h.meeting, where)
}
