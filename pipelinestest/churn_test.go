//go:build soak

package pipelinestest

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines"
	pipelines "github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// `make soak-churn` sets these.
var (
	churnFor   = flag.Duration("duration", time.Hour, "how long TestChurn lasts")
	churnTable = flag.String("table", "", "file for what TestChurn measures")
)

const (
	churners   = 6 // meetings at a time
	guests     = 5 // invited to each
	sampleEach = 10 * time.Second
	// calledOffEach is between two meetings that are made for many and called off.
	// They turn the store over: it keeps the block at hand that it writes to, up to
	// 8 MiB for each of its eight streams, and lets go of it when it is full. One
	// round of that takes some twenty minutes.
	calledOffEach = 70 * time.Millisecond
	// quiet is how long the server has to come to rest at the end.
	quiet = 3 * time.Minute
	// growth is what a measure's peak of the second half may be above that of the
	// first, as a part of it.
	growth = 0.10
)

// TestChurn has people come and go for an hour: meetings are made, joined, left
// with and without a word, recorded, and ended in each way there is, while a
// receiver of events fails now and then. What the server takes at most stays as it
// was in the first half, and goes when everybody has gone.
func TestChurn(t *testing.T) {
	hook := unreliable(t)
	secret := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(secret, []byte("whsec_"+strings.Repeat("QUJD", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	tapes := t.TempDir()
	c := &churn{
		// Everything that is kept for a while is kept so briefly that it is in balance soon.
		scene: newScene(t, nil, "--timer-idle", "20s", "--timer-tombstone", "30s", "--history-age", "5m", "--history-mib", "8",
			"--recordings", tapes, "--limit-cache-mib", "16", "--events-dead-age", "5m",
			"--webhook", hook.URL, "--webhook-secret-file", secret, "--webhook-allow-private"),
		tapes: tapes,
	}
	c.api = chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: "us-east-1", BaseEndpoint: &c.server.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})
	var err error
	if c.cert, err = client.NewCertificate(); err != nil {
		t.Fatal(err)
	}
	rest := c.sample(time.Now())
	ctx, cancel := context.WithTimeout(context.Background(), *churnFor)
	defer cancel()
	var work sync.WaitGroup
	for range churners {
		work.Go(func() { c.churn(ctx, c.meet) })
	}
	work.Go(func() { c.churn(ctx, c.callOff) })
	begun := time.Now()
	var samples []sample
	for ctx.Err() == nil {
		select {
		case <-time.After(sampleEach):
			samples = append(samples, c.sample(begun))
		case <-ctx.Done():
		}
	}
	work.Wait()
	t.Logf("%d meetings, %d called off, %d joins, %d recordings, %d failures", c.meetings.Load(), c.calledOff.Load(), c.joins.Load(), c.taped.Load(), c.failures.Load())
	if failed := c.failures.Load(); failed > 0 || c.joins.Load() == 0 {
		t.Errorf("%d of %d joins and calls failed, the first with %v", failed, c.joins.Load(), c.first)
	}
	c.flat(samples)
	time.Sleep(quiet)
	c.rested(rest, c.sample(begun))
}

// unreliable is a receiver of events that fails for a while in each minute.
func unreliable(t *testing.T) *httptest.Server {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if time.Now().Second() < 5 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(hook.Close)
	return hook
}

// churn is the server and what was done to it.
type churn struct {
	*scene
	api   *chimesdkmeetings.Client
	cert  tls.Certificate
	tapes string

	meetings, calledOff, joins, taped, failures atomic.Int64
	once                                        sync.Once
	first                                       error // of the failures
}

func (c *churn) failed(err error) {
	c.failures.Add(1)
	c.once.Do(func() { c.first = err })
}

// churn holds one meeting after the other.
func (c *churn) churn(ctx context.Context, meet func(context.Context) error) {
	for ctx.Err() == nil {
		if err := meet(ctx); err != nil && ctx.Err() == nil {
			c.failed(err)
			time.Sleep(time.Second)
		}
	}
}

// meet is the life of one meeting.
func (c *churn) meet(ctx context.Context) error {
	name := fmt.Sprintf("churn-%d", c.meetings.Add(1))
	in := &chimesdkmeetings.CreateMeetingWithAttendeesInput{ClientRequestToken: &name, ExternalMeetingId: &name, MediaRegion: aws.String("us-east-1")}
	for i := range guests {
		in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprintf("guest-%d", i))})
	}
	made, err := c.api.CreateMeetingWithAttendees(ctx, in)
	if err != nil {
		return fmt.Errorf("create a meeting: %w", err)
	}
	id, url := made.Meeting.MeetingId, *made.Meeting.MediaPlacement.SignalingUrl
	var people sync.WaitGroup
	for i, a := range made.Attendees {
		people.Go(func() {
			if err := c.visit(ctx, url, *a.JoinToken, i); err != nil && ctx.Err() == nil {
				c.failed(fmt.Errorf("guest %d: %w", i, err))
			}
		})
	}
	var tape func() error
	if rand.N(4) == 0 {
		if tape, err = c.record(ctx, *id, name); err != nil {
			return err
		}
	}
	people.Wait()
	ctx = context.WithoutCancel(ctx) // what has begun is brought to its end
	if rand.N(3) > 0 {               // the others end by themselves
		if _, err := c.api.DeleteMeeting(ctx, meetingToDelete(*id)); err != nil {
			return fmt.Errorf("delete a meeting: %w", err)
		}
	}
	if tape != nil {
		return tape()
	}
	return nil
}

// callOff makes a meeting for a hundred, which is called off before anybody joins.
func (c *churn) callOff(ctx context.Context) error {
	time.Sleep(calledOffEach)
	name := fmt.Sprintf("called-off-%d", c.calledOff.Add(1))
	made, err := c.api.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{ClientRequestToken: &name, ExternalMeetingId: &name, MediaRegion: aws.String("us-east-1")})
	if err != nil {
		return fmt.Errorf("create a meeting: %w", err)
	}
	in := &chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: made.Meeting.MeetingId}
	for i := range 100 {
		in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprintf("guest-%d", i))})
	}
	out, err := c.api.BatchCreateAttendee(ctx, in)
	if err != nil {
		return fmt.Errorf("create attendees: %w", err)
	}
	if len(out.Errors) > 0 {
		return fmt.Errorf("%d attendees were not created", len(out.Errors))
	}
	if _, err := c.api.DeleteMeeting(ctx, meetingToDelete(*made.Meeting.MeetingId)); err != nil {
		return fmt.Errorf("delete a meeting: %w", err)
	}
	return nil
}

// visit joins, hums for some seconds, and leaves: by a word, or without one.
func (c *churn) visit(ctx context.Context, url, token string, i int) error {
	time.Sleep(rand.N(3 * time.Second))
	joining, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	end, err := client.New(c.cert)
	if err != nil {
		return err
	}
	defer end.Close()
	d, err := door.Dial(joining, nil, url, token, func(*wire.Index) {})
	if err != nil {
		return err
	}
	defer d.Close()
	answer, err := d.Enter(joining, rand.Uint64(), end.Offer(false, 0), false)
	if err != nil {
		return err
	}
	if err := end.Connect(joining, answer); err != nil {
		return err
	}
	c.joins.Add(1)
	staying, cancel := context.WithTimeout(ctx, 2*time.Second+rand.N(10*time.Second))
	defer cancel()
	sound := hum(c.t, i == 0)
	every(staying, 20*time.Millisecond, func(n int) { sound(end, n) })
	if err := d.Err(); err != nil {
		return err
	}
	if i%2 == 0 {
		_, err = d.Ask(joining, door.Leave(), wire.Frame_LEAVE_ACK)
	}
	return err
}

// record records the meeting. What it returns waits until that has ended, joins
// the pieces, and removes everything, as an owner of recordings does.
func (c *churn) record(ctx context.Context, id, name string) (func() error, error) {
	p, err := c.capture(id, bucket+"/"+name, pipelines.ArtifactsStateEnabled)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return func() error {
		ctx := context.WithoutCancel(ctx)
		if err := c.over(ctx, p.MediaPipelineId); err != nil {
			return err
		}
		defer os.RemoveAll(filepath.Join(c.tapes, bucket, name))
		joined, err := c.CreateMediaConcatenationPipeline(ctx, concatenation(p.MediaPipelineArn, name))
		if err != nil {
			return fmt.Errorf("concatenate: %w", err)
		}
		c.taped.Add(1)
		return c.over(ctx, joined.MediaConcatenationPipeline.MediaPipelineId)
	}, nil
}

// over waits until a pipeline has stopped; one that is forgotten already has.
func (c *churn) over(ctx context.Context, id *string) error {
	for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline); time.Sleep(time.Second) {
		out, err := c.GetMediaPipeline(ctx, &chimesdkmediapipelines.GetMediaPipelineInput{MediaPipelineId: id})
		var gone *pipelines.NotFoundException
		if errors.As(err, &gone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ask for a pipeline: %w", err)
		}
		var state pipelines.MediaPipelineStatus
		if p := out.MediaPipeline.MediaCapturePipeline; p != nil {
			state = p.Status
		} else {
			state = out.MediaPipeline.MediaConcatenationPipeline.Status
		}
		switch state {
		case pipelines.MediaPipelineStatusStopped:
			return nil
		case pipelines.MediaPipelineStatusFailed:
			return fmt.Errorf("pipeline %s has failed", *id)
		}
	}
	return fmt.Errorf("pipeline %s does not end", *id)
}
