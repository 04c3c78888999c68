package control_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// recorderOwner is who creates pipelines for the meetings of owner.
var recorderOwner = meeting.Owner{Account: owner.Account, Region: owner.Region, Flavour: meeting.Pipelines}

func isReady(context.Context) error { return nil }

func capture(id meeting.ID, token string) meeting.NewPipeline {
	return meeting.NewPipeline{
		Kind: meeting.CapturePipeline, Owner: recorderOwner, ClientRequestToken: token + "-" + id.String(), Meeting: id,
		Settings: meeting.PipelineSettings{SourceArn: "arn:of:" + id.String(), Bucket: "bucket", Artifacts: meeting.Artifacts{Audio: true}},
	}
}

func joinUp(source meeting.ID, token string) meeting.NewPipeline {
	return meeting.NewPipeline{
		Kind: meeting.ConcatenationPipeline, Owner: recorderOwner, ClientRequestToken: token,
		Settings: meeting.PipelineSettings{SourceArn: "arn:of:" + source.String(), Bucket: "bucket", Source: source},
	}
}

func (v *env) pipeline(n meeting.NewPipeline) *meeting.Pipeline {
	v.t.Helper()
	p, err := v.CreatePipeline(context.Background(), n, isReady)
	if err != nil {
		v.t.Fatal(err)
	}
	return p
}

func (v *env) move(id meeting.ID, to meeting.PipelineStatus) {
	v.t.Helper()
	must(v.t, v.MovePipeline(context.Background(), id, to, ""))
}

func (v *env) status(id meeting.ID) meeting.PipelineStatus {
	v.t.Helper()
	p, ok := v.Pipeline(id)
	if !ok {
		v.t.Fatalf("no pipeline %s", id)
	}
	return p.Status
}

func TestAPipelineLiesInTheSlotOfItsMeetingAndOutlivesRestarts(t *testing.T) {
	v := newEnv(t, nil, nil)
	m := v.create(owner, "m", "ann")
	n := capture(m.ID, "t")
	n.Tags = []meeting.Tag{{Key: "k", Value: "v"}}
	p := v.pipeline(n)
	if p.ID.Slot() != m.ID.Slot() || p.Meeting != m.ID || p.ExternalMeetingID != m.ExternalMeetingID || p.Status != meeting.PipelineInitializing {
		t.Errorf("%+v", p)
	}
	v.move(p.ID, meeting.PipelineInProgress)
	for range 2 { // from its records, and from those a second time
		v.restart()
		got, err := v.GetPipeline(context.Background(), recorderOwner, p.ID, meeting.CapturePipeline)
		if err != nil || got.Status != meeting.PipelineInProgress || got.Attendee != p.Attendee || got.Settings.Bucket != "bucket" || len(got.Tags) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	v.move(p.ID, meeting.PipelineStopped)
	must(t, v.TagPipeline(context.Background(), recorderOwner, p.ID, []meeting.Tag{{Key: "after", Value: "the end"}}))
	v.restart()
	tags, err := v.PipelineTags(context.Background(), recorderOwner, p.ID)
	if err != nil || len(tags) != 2 || v.status(p.ID) != meeting.PipelineStopped {
		t.Errorf("%v, %v", tags, err)
	}
}

func TestACaptureHasAnAttendeeThatNobodyCanBe(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	a, listed := v.roster(owner, m.ID)[p.AttendeeUser]
	if !listed || a.ID != p.Attendee {
		t.Fatalf("%+v, %t", a, listed)
	}
	if _, err := v.Authorize(ctx, m.ID, v.JoinToken(m.ID, p.Attendee)); !isKind(err, meeting.Forbidden) {
		t.Errorf("somebody joined as the recording: %v", err)
	}
	must(t, v.AddCaptureAttendee(ctx, p)) // it is there
	must(t, v.RemoveCaptureAttendee(ctx, p))
	must(t, v.RemoveCaptureAttendee(ctx, p))
	if _, listed := v.roster(owner, m.ID)[p.AttendeeUser]; listed {
		t.Error("it is there still")
	}
	must(t, v.DeleteMeeting(ctx, owner, m.ID))
	must(t, v.RemoveCaptureAttendee(ctx, p))
	wantKind(t, v.AddCaptureAttendee(ctx, p), meeting.NotFound)
}

func TestARepeatedCallFindsThePipeline(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	again := capture(m.ID, "t")
	again.Settings.Bucket = "another"
	asked := false
	same, err := v.CreatePipeline(ctx, again, func(context.Context) error { asked = true; return nil })
	if err != nil || same.ID != p.ID || same.Settings.Bucket != "bucket" || asked {
		t.Errorf("%+v, %v; the sink was asked: %t", same, err, asked)
	}
	v.restart()
	if same := v.pipeline(capture(m.ID, "t")); same.ID != p.ID {
		t.Errorf("after a restart: %s", same.ID)
	}
	v.move(p.ID, meeting.PipelineFailed)
	if other := v.pipeline(capture(m.ID, "t")); other.ID == p.ID {
		t.Error("the token of a pipeline that is over is free")
	}
}

func TestAMeetingHasOneCaptureAtATime(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.Pipelines = 2 }, nil)
	ctx := context.Background()
	m, other, third := v.create(owner, "m", "ann"), v.create(owner, "o", "ann"), v.create(owner, "p", "ann")
	var wg sync.WaitGroup
	made := make([]*meeting.Pipeline, 8)
	for i := range made {
		wg.Go(func() { made[i], _ = v.CreatePipeline(ctx, capture(m.ID, fmt.Sprint("t", i)), isReady) })
	}
	wg.Wait()
	made = slices.DeleteFunc(made, func(p *meeting.Pipeline) bool { return p == nil })
	if len(made) != 1 {
		t.Fatalf("%d captures of one meeting", len(made))
	}
	_, err := v.CreatePipeline(ctx, capture(m.ID, "u"), isReady)
	want := "Cannot create new media capture pipeline for source type 'ChimeSdkMeeting' and source arn 'arn:of:" + m.ID.String() + "'. Limit reached"
	if !isKind(err, meeting.LimitExceeded) || err.Error() != want {
		t.Errorf("%v", err)
	}
	v.pipeline(capture(other.ID, "t"))
	_, err = v.CreatePipeline(ctx, capture(third.ID, "t"), isReady)
	if !isKind(err, meeting.LimitExceeded) || err.Error() != "Active media pipeline limit of 2 exceeded" {
		t.Errorf("%v", err)
	}
	v.move(made[0].ID, meeting.PipelineStopping)
	_, err = v.CreatePipeline(ctx, capture(m.ID, "u"), isReady)
	wantKind(t, err, meeting.LimitExceeded) // until it is over
	v.move(made[0].ID, meeting.PipelineStopped)
	v.pipeline(capture(m.ID, "u"))
}

func TestPipelinesOfWrongSourcesAreRefused(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	replica := newMeeting(owner, "r", "bob")
	replica.PrimaryID = m.ID.String()
	r, _, err := v.CreateMeeting(ctx, replica)
	must(t, err)
	stranger := capture(m.ID, "t")
	stranger.Owner.Account = "999999999999"
	elsewhere := capture(m.ID, "t")
	elsewhere.Owner.Region = "us-west-2"
	for name, n := range map[string]meeting.NewPipeline{
		"no such meeting":   capture(meeting.ID{15: 3}, "t"),
		"somebody else's":   stranger,
		"of another Region": elsewhere,
		"a replica":         capture(r.ID, "t"),
		"no such pipeline":  joinUp(meeting.ID{15: 3}, "t"),
		"a meeting to join": joinUp(m.ID, "t"),
	} {
		_, err := v.CreatePipeline(ctx, n, isReady)
		if !isKind(err, meeting.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusal := meeting.Errorf(meeting.Forbidden, "Insufficient permission to access S3 bucket: bucket")
	if _, err := v.CreatePipeline(ctx, capture(m.ID, "t"), func(context.Context) error { return refusal }); err != error(refusal) {
		t.Errorf("%v", err)
	}
	if len(v.Pipelines()) != 0 || len(v.roster(owner, m.ID)) != 1 {
		t.Error("a refused call left something")
	}
}

func TestALegacyMeetingCanBeRecordedThroughEitherService(t *testing.T) {
	v := newEnv(t, nil, nil)
	m := v.create(legacy, "m", "ann")
	n := capture(m.ID, "t")
	n.Owner = meeting.Owner{Account: legacy.Account, Region: legacy.Region, Flavour: meeting.Pipelines}
	p := v.pipeline(n)
	n.Owner = legacy
	if _, err := v.GetPipeline(context.Background(), legacy, p.ID, 0); !isKind(err, meeting.NotFound) {
		t.Errorf("seen through the other service: %v", err)
	}
	_, err := v.CreatePipeline(context.Background(), n, isReady)
	wantKind(t, err, meeting.LimitExceeded) // one a meeting, whoever asks
}

func TestStoppingAPipeline(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	join := v.pipeline(joinUp(p.ID, "t"))
	wantKind(t, v.StopPipeline(ctx, recorderOwner, join.ID, meeting.CapturePipeline), meeting.NotFound)
	wantKind(t, v.StopPipeline(ctx, owner, p.ID, 0), meeting.NotFound)
	wantKind(t, v.StopPipeline(ctx, recorderOwner, meeting.ID{15: 1}, 0), meeting.NotFound)
	for range 2 {
		must(t, v.StopPipeline(ctx, recorderOwner, p.ID, meeting.CapturePipeline))
		must(t, v.StopPipeline(ctx, recorderOwner, join.ID, 0))
	}
	if v.status(p.ID) != meeting.PipelineStopping || v.status(join.ID) != meeting.PipelineStopping {
		t.Errorf("%s, %s", v.status(p.ID), v.status(join.ID))
	}
	must(t, v.MovePipeline(ctx, p.ID, meeting.PipelineFailed, "the disk is full"))
	must(t, v.StopPipeline(ctx, recorderOwner, p.ID, 0))
	if got, _ := v.Pipeline(p.ID); got.Status != meeting.PipelineFailed || got.Failure != "the disk is full" {
		t.Errorf("%+v", got)
	}
	wantKind(t, v.MovePipeline(ctx, meeting.ID{15: 1}, meeting.PipelineFailed, ""), meeting.NotFound)
}

func TestListsHoldWhatIsNotOver(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	var want []meeting.ID
	for i := range 7 {
		m := v.create(owner, fmt.Sprint("m", i), "ann")
		v.clock.advance(time.Second)
		want = append(want, v.pipeline(capture(m.ID, "t")).ID)
	}
	v.move(want[3], meeting.PipelineStopped)
	gone := want[3]
	want = slices.Delete(want, 3, 4)
	v.clock.advance(time.Second) // else it is a tie, decided by the id
	join := v.pipeline(joinUp(gone, "t"))
	list := func(kind meeting.PipelineKind, limit int) (ids []meeting.ID) {
		for token := ""; ; {
			page, next, err := v.ListPipelines(ctx, recorderOwner, kind, limit, token)
			must(t, err)
			for _, p := range page {
				ids = append(ids, p.ID)
			}
			if token = next; token == "" {
				return ids
			}
		}
	}
	for _, limit := range []int{0, 1, 2, 5, 6, 100} {
		if got := list(meeting.CapturePipeline, limit); !slices.Equal(got, want) {
			t.Errorf("%d a page: %v, want %v", limit, got, want)
		}
	}
	if got := list(0, 3); !slices.Equal(got, append(slices.Clone(want), join.ID)) {
		t.Errorf("of all kinds: %v", got)
	}
	_, token, err := v.ListPipelines(ctx, recorderOwner, meeting.CapturePipeline, 2, "")
	must(t, err)
	for name, bad := range map[string]func() error{
		"of another kind": func() error { _, _, err := v.ListPipelines(ctx, recorderOwner, 0, 2, token); return err },
		"made up":         func() error { _, _, err := v.ListPipelines(ctx, recorderOwner, 0, 2, "00ff"); return err },
		"of another owner": func() error {
			_, _, err := v.ListPipelines(ctx, owner, meeting.CapturePipeline, 2, token)
			return err
		},
	} {
		if !isKind(bad(), meeting.Invalid) {
			t.Errorf("a token %s is taken", name)
		}
	}
}

func TestWhoWatchesPipelinesMissesNothing(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	m, other := v.create(owner, "m", "ann"), v.create(owner, "o", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	over := v.pipeline(capture(other.ID, "t"))
	v.move(over.ID, meeting.PipelineStopped)
	var mu sync.Mutex
	var seen []string
	watch := func(c control.PipelineChange) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(c.Pipeline.Status, c.Moved))
	}
	v.WatchPipelines(watch)
	must(t, v.StopPipeline(ctx, recorderOwner, p.ID, 0))
	must(t, v.StopPipeline(ctx, recorderOwner, p.ID, 0)) // nothing changes
	must(t, v.Release(ctx, m.ID.Slot()))
	if want := []string{"Initializing false", "Stopping false", "Stopping true"}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
	if _, ok := v.Pipeline(p.ID); ok {
		t.Error("it is served still")
	}
	_, err := v.GetPipeline(ctx, recorderOwner, p.ID, 0)
	wantKind(t, err, meeting.Unavailable)
	seen = nil
	must(t, v.Adopt(ctx, m.ID.Slot()))
	if want := []string{"Stopping false"}; !slices.Equal(seen, want) {
		t.Errorf("adopted: %q, want %q", seen, want)
	}
}

func TestPipelinesAreForgottenAfterAMonth(t *testing.T) {
	v := newEnv(t, nil, nil)
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	v.move(p.ID, meeting.PipelineStopped)
	v.clock.advance(control.PipelineKept - time.Hour)
	later := v.create(owner, "later", "ann")
	v.pipeline(joinUp(p.ID, "in time"))
	if _, ok := v.Pipeline(p.ID); !ok {
		t.Fatal("forgotten too early")
	}
	v.clock.advance(2 * time.Hour)
	_, err := v.CreatePipeline(context.Background(), joinUp(p.ID, "too late"), isReady)
	wantKind(t, err, meeting.Invalid)
	last := v.create(owner, "last", "ann")
	v.pipeline(capture(last.ID, "t"))
	if _, ok := v.Pipeline(p.ID); ok {
		t.Error("remembered for too long")
	}
	_ = later
}

func TestTagsOfPipelinesOfOthersAreNotFound(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	_, err := v.PipelineTags(ctx, owner, p.ID)
	wantKind(t, err, meeting.NotFound)
	wantKind(t, v.TagPipeline(ctx, owner, p.ID, []meeting.Tag{{Key: "k"}}), meeting.NotFound)
	wantKind(t, v.UntagPipeline(ctx, owner, p.ID, []string{"k"}), meeting.NotFound)
	must(t, v.TagPipeline(ctx, recorderOwner, p.ID, []meeting.Tag{{Key: "k"}}))
	must(t, v.UntagPipeline(ctx, recorderOwner, p.ID, []string{"k"}))
	if tags, err := v.PipelineTags(ctx, recorderOwner, p.ID); err != nil || len(tags) != 0 {
		t.Errorf("%v, %v", tags, err)
	}
}
