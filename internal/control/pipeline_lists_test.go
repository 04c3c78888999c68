package control_test

import (
	"context"
	"errors"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What other servers have counts as what is here: a token's pipeline, and the
// limit of an account. When they cannot be asked, nothing is created.
func TestOtherServersPipelinesCount(t *testing.T) {
	var others control.PipelineUse
	var refusal error
	asked := 0
	v := newEnv(t, func(c *control.Config) {
		c.Pipelines = 3
		c.OtherPipelines = func(_ context.Context, o meeting.Owner, token meeting.TokenHash) (control.PipelineUse, error) {
			asked++
			if o != recorderOwner || token == (meeting.TokenHash{}) {
				t.Errorf("asked for %+v, token %x", o, token)
			}
			return others, refusal
		}
	}, nil)
	ctx := context.Background()
	first, second := v.create(owner, "m1", "ann"), v.create(owner, "m2", "bob")
	refusal = meeting.Errorf(meeting.Unavailable, "not now")
	if _, err := v.CreatePipeline(ctx, capture(first.ID, "t"), isReady); !errors.Is(err, refusal) {
		t.Errorf("without an answer of another server: %v", err)
	}
	if list := v.Pipelines(); len(list) != 0 {
		t.Errorf("%d pipelines were created", len(list))
	}
	refusal = nil
	here := v.pipeline(capture(first.ID, "t"))
	before := asked
	if same := v.pipeline(capture(first.ID, "t")); same.ID != here.ID || asked != before {
		t.Errorf("a pipeline of here was looked for elsewhere, and %s found", same.ID)
	}

	there := &meeting.Pipeline{ID: meeting.ID{9}, Kind: meeting.CapturePipeline, Owner: recorderOwner, Status: meeting.PipelineInProgress}
	others.OfToken = there
	if p := v.pipeline(capture(second.ID, "t")); p.ID != there.ID {
		t.Errorf("a token that another server knows made %s", p.ID)
	}
	others.OfToken = nil
	for _, full := range []control.PipelineUse{
		{Active: []meeting.ID{{1}, {2}}}, {Active: []meeting.ID{{1}}, Reserved: 1}, {Active: []meeting.ID{{1}, {2}, here.ID}},
	} {
		others = full
		_, err := v.CreatePipeline(ctx, capture(second.ID, "u"), isReady)
		wantKind(t, err, meeting.LimitExceeded)
	}
	others = control.PipelineUse{Active: []meeting.ID{{1}, here.ID}} // a slot that moves is told of twice
	v.pipeline(capture(second.ID, "u"))
}

// The parts that servers have of a page say of which slots they are.
func TestAPartOfPipelines(t *testing.T) {
	v := newEnv(t, nil, nil)
	for _, name := range []string{"m1", "m2", "m3"} {
		m := v.create(owner, name, "ann")
		v.pipeline(capture(m.ID, "t"))
	}
	part, err := v.PartOfPipelines(recorderOwner, meeting.CapturePipeline, 2, "")
	if err != nil || len(part.Pipelines) != 2 || !part.More || len(part.Slots) != meeting.Slots {
		t.Fatalf("%+v, %v", part, err)
	}
	token := v.NextPipelines(recorderOwner, meeting.CapturePipeline, part.Pipelines, part.More)
	rest, err := v.PartOfPipelines(recorderOwner, meeting.CapturePipeline, 2, token)
	if err != nil || len(rest.Pipelines) != 1 || rest.More || rest.Pipelines[0].Before(part.Pipelines[1]) <= 0 {
		t.Errorf("%+v, %v", rest, err)
	}
	if token := v.NextPipelines(recorderOwner, meeting.CapturePipeline, nil, true); token != "" {
		t.Error("a token behind nothing")
	}
	slot := part.Pipelines[0].ID.Slot()
	must(t, v.Release(context.Background(), slot))
	moved, err := v.PartOfPipelines(recorderOwner, meeting.CapturePipeline, 9, "")
	if err != nil || len(moved.Slots) != meeting.Slots-1 {
		t.Errorf("%+v, %v", moved, err)
	}
	for _, p := range moved.Pipelines {
		if p.ID.Slot() == slot {
			t.Error("a pipeline is listed of a slot that is not held")
		}
	}
	use := v.PipelineUse(recorderOwner, part.Pipelines[1].Token)
	if len(use.Active) != len(moved.Pipelines) || len(use.Slots) != meeting.Slots-1 {
		t.Errorf("%+v", use)
	}
}
