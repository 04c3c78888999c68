package control_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What becomes of pipelines when the ledger refuses, or does not say for a while
// whether it has a record.

func TestARefusedPipelineLeavesNothing(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	for _, refusal := range []error{ledger.ErrUnavailable, ledger.ErrFull, ledger.ErrBusy} {
		f.set(func(string, meeting.ID) error { return refusal }, nil)
		_, err := v.CreatePipeline(ctx, capture(m.ID, "t"), isReady)
		wantKind(t, err, meeting.Unavailable)
		f.set(nil, nil)
		if len(v.Pipelines()) != 0 || len(v.roster(owner, m.ID)) != 1 {
			t.Errorf("%v: something is left", refusal)
		}
	}
	p := v.pipeline(capture(m.ID, "t")) // neither the token nor the limit is used up
	f.set(func(string, meeting.ID) error { return ledger.ErrUnavailable }, nil)
	wantKind(t, v.StopPipeline(ctx, recorderOwner, p.ID, 0), meeting.Unavailable)
	wantKind(t, v.TagPipeline(ctx, recorderOwner, p.ID, []meeting.Tag{{Key: "k"}}), meeting.Unavailable)
	f.set(nil, nil)
	if got, _ := v.Pipeline(p.ID); got.Status != meeting.PipelineInitializing || len(got.Tags) != 0 {
		t.Errorf("%+v", got)
	}
	must(t, v.StopPipeline(ctx, recorderOwner, p.ID, 0))
}

func TestAPipelineIsThereWithoutItsAttendee(t *testing.T) {
	v, f := newFaulty(t, nil)
	m := v.create(owner, "m", "ann")
	f.set(func(op string, id meeting.ID) error {
		if id == m.ID {
			return ledger.ErrUnavailable
		}
		return nil
	}, nil)
	p := v.pipeline(capture(m.ID, "t"))
	f.set(nil, nil)
	if _, there := v.roster(owner, m.ID)[p.AttendeeUser]; there {
		t.Error("the attendee was made")
	}
	must(t, v.AddCaptureAttendee(context.Background(), p)) // as who carries it out does
	if _, there := v.roster(owner, m.ID)[p.AttendeeUser]; !there {
		t.Error("the attendee was not made")
	}
}

func TestAnOutcomeThatIsKnownLateIsKnownAtLast(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	var mu sync.Mutex
	var seen []string
	v.WatchPipelines(func(c control.PipelineChange) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, c.Pipeline.Status.String())
	})
	f.set(nil, once("append", 1, errors.New("no answer")))
	wantKind(t, v.StopPipeline(ctx, recorderOwner, p.ID, 0), meeting.Unavailable)
	if v.status(p.ID) != meeting.PipelineInitializing {
		t.Errorf("%s before it is known", v.status(p.ID))
	}
	f.tell()
	soon(t, func() bool { return v.status(p.ID) == meeting.PipelineStopping })
	mu.Lock()
	defer mu.Unlock()
	if got := fmt.Sprint(seen); got != "[Initializing Stopping]" {
		t.Errorf("%s", got)
	}
}

// soon waits for what another goroutine brings about.
func soon(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// While it is not known whether a pipeline was created, nobody can create
// another one for its meeting.
func TestACreationThatIsKnownLateIsTheOnlyOne(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	f.set(nil, once("append", 1, errors.New("no answer")))
	_, err := v.CreatePipeline(ctx, capture(m.ID, "t"), isReady)
	wantKind(t, err, meeting.Unavailable)
	second := make(chan error, 1)
	go func() {
		_, err := v.CreatePipeline(ctx, capture(m.ID, "u"), isReady)
		second <- err
	}()
	f.tell()
	if err := <-second; !isKind(err, meeting.LimitExceeded) {
		t.Errorf("a second capture: %v", err)
	}
	again := v.pipeline(capture(m.ID, "t"))
	if len(v.Pipelines()) != 1 || again.Meeting != m.ID {
		t.Errorf("%d pipelines", len(v.Pipelines()))
	}
	if _, there := v.roster(owner, m.ID)[again.AttendeeUser]; !there {
		t.Error("the repeated call made no attendee")
	}
}

func TestASlotThatIsLostTakesItsPipelinesAlong(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	moved := make(chan meeting.ID, 10)
	v.WatchPipelines(func(c control.PipelineChange) {
		if c.Moved {
			moved <- c.Pipeline.ID
		}
	})
	f.set(func(string, meeting.ID) error { return ledger.ErrLost }, nil)
	err := v.StopPipeline(ctx, recorderOwner, p.ID, 0)
	if !errors.Is(err, control.ErrElsewhere) {
		t.Errorf("%v", err)
	}
	if got := <-moved; got != p.ID {
		t.Errorf("%s moved", got)
	}
	_, err = v.GetPipeline(ctx, recorderOwner, p.ID, 0)
	wantKind(t, err, meeting.Unavailable)
	_, err = v.CreatePipeline(ctx, capture(m.ID, "u"), isReady)
	wantKind(t, err, meeting.Unavailable)
}

func TestDamagedRecordsOfAPipelineAreNoticed(t *testing.T) {
	v := newEnv(t, nil, nil)
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	entries := v.records(p.ID)
	last := entries[len(entries)-1].Revision
	if _, err := v.slot(p.ID).Append(context.Background(), p.ID, last, []byte("rubbish"), ledger.Ordinary); err != nil {
		t.Fatal(err)
	}
	if err := v.again(nil); err == nil {
		t.Error("a start with damaged records")
	}
	must(t, v.again(func(c *control.Config) { c.AcceptLoss = true }))
	if _, ok := v.Pipeline(p.ID); ok {
		t.Error("a pipeline whose records make no sense is served")
	}
	if _, err := v.GetMeeting(context.Background(), owner, m.ID); err != nil {
		t.Errorf("its meeting: %v", err)
	}
}

func TestManyPipelinesAtOnce(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	var ids []meeting.ID
	for i := range 12 {
		ids = append(ids, v.create(owner, fmt.Sprint("m", i), "ann").ID)
	}
	made := make([]*meeting.Pipeline, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			p, err := v.CreatePipeline(ctx, capture(id, "t"), isReady)
			if err != nil {
				t.Error(err)
				return
			}
			made[i] = p
			for _, to := range []meeting.PipelineStatus{meeting.PipelineInProgress, meeting.PipelineStopping, meeting.PipelineStopped} {
				if err := v.MovePipeline(ctx, p.ID, to, ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v.restart()
	for _, p := range made {
		if v.status(p.ID) != meeting.PipelineStopped {
			t.Errorf("%s", v.status(p.ID))
		}
	}
	if list, _, err := v.ListPipelines(ctx, recorderOwner, 0, 100, ""); err != nil || len(list) != 0 {
		t.Errorf("%d listed, %v", len(list), err)
	}
}
