package control_test

import (
	"context"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func connector(id meeting.ID, token string) meeting.NewPipeline {
	return meeting.NewPipeline{
		Kind: meeting.LiveConnectorPipeline, Owner: recorderOwner, ClientRequestToken: token + "-" + id.String(), Meeting: id,
		Settings: meeting.PipelineSettings{SourceArn: "arn:of:" + id.String(), Stream: meeting.Stream{URL: "rtmp://example.org/app/key"}},
	}
}

func TestAConnectorOutlivesRestarts(t *testing.T) {
	v := newEnv(t, nil, nil)
	m := v.create(owner, "m", "ann")
	p := v.pipeline(connector(m.ID, "t"))
	if a, listed := v.roster(owner, m.ID)[p.AttendeeUser]; !listed || a.ID != p.Attendee {
		t.Errorf("its attendee: %+v, %t", a, listed)
	}
	v.move(p.ID, meeting.PipelineInProgress)
	v.restart()
	got, err := v.GetPipeline(context.Background(), recorderOwner, p.ID, meeting.LiveConnectorPipeline)
	if err != nil || got.ID.Slot() != m.ID.Slot() || got.Status != meeting.PipelineInProgress || got.Settings.Stream != p.Settings.Stream {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLimitsOfConnectors(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.Composing = 2 }, nil)
	ctx := context.Background()
	ann, bob, cat := v.create(owner, "a", "x"), v.create(owner, "b", "x"), v.create(owner, "c", "x")
	refused := func(n meeting.NewPipeline, words string) {
		t.Helper()
		if _, err := v.CreatePipeline(ctx, n, isReady); !isKind(err, meeting.LimitExceeded) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %s", err, words)
		}
	}
	composed := func(id meeting.ID) meeting.NewPipeline {
		n := capture(id, "composed")
		n.Settings.Composition = &meeting.Composition{}
		return n
	}
	p := v.pipeline(connector(ann.ID, "t"))
	refused(connector(ann.ID, "other"), "new media live connector pipeline for source type 'ChimeSdkMeeting' and source arn 'arn:of:"+ann.ID.String())
	v.pipeline(composed(ann.ID)) // a capture of the same meeting is another matter
	refused(connector(bob.ID, "t"), "Limit of 2 media pipelines that compose video exceeded")
	refused(composed(bob.ID), "Limit of 2 media pipelines")
	v.pipeline(capture(bob.ID, "plain")) // composes nothing
	v.move(p.ID, meeting.PipelineStopping)
	refused(connector(cat.ID, "t"), "Limit of 2 media pipelines")
	v.move(p.ID, meeting.PipelineStopped)
	v.pipeline(connector(cat.ID, "t"))
}
