package testmode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// reset ends what there is and puts everything back as it was at the start.
// Events keep counting, so that a cursor stays good.
func (d *Door) reset(r *http.Request) (any, error) {
	ctx := d.cfg.WithActor(r.Context(), actor)
	d.cfg.Faults.ClearAll()
	all, err := d.cfg.Meetings.Meetings(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.endAll(ctx, all); err != nil {
		return nil, err
	}
	forgotten := d.cfg.Tombstone
	if len(d.cfg.Meetings.Pipelines()) > 0 {
		if err := d.stopPipelines(ctx); err != nil {
			return nil, err
		}
		forgotten = max(forgotten, control.PipelineKept)
	}
	// What has ended is forgotten by its time.
	if err := d.advance(ctx, forgotten+time.Second); err != nil {
		return nil, err
	}
	d.cfg.Clock.Reset()
	d.cfg.Refill()
	d.cfg.Events.Clear()
	_, err = d.cfg.Meetings.EndDue(ctx)
	return nil, err
}

func (d *Door) endAll(ctx context.Context, all []observe.Meeting) error {
	for _, m := range all {
		if !m.Ended.IsZero() {
			continue
		}
		err := d.cfg.Meetings.EndMeeting(ctx, m.ID)
		var refused *meeting.Error
		if err != nil && !(errors.As(err, &refused) && refused.Kind == meeting.NotFound) { // a replica went with its primary
			return err
		}
	}
	return nil
}

// pipelinePatience bounds how long a reset waits for media pipelines to store
// what they have, and end; pipelinePoll is how often it looks.
const (
	pipelinePatience = 30 * time.Second
	pipelinePoll     = 10 * time.Millisecond
)

// stopPipelines stops the media pipelines that do not stop with their meetings,
// and waits until all are over: what they still do would be told as events of
// the next test.
func (d *Door) stopPipelines(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pipelinePatience)
	defer cancel()
	tick := time.NewTicker(pipelinePoll)
	defer tick.Stop()
	for {
		var left []*meeting.Pipeline
		for _, p := range d.cfg.Meetings.Pipelines() {
			if !p.Status.Over() {
				left = append(left, p)
			}
		}
		if len(left) == 0 {
			return nil
		}
		for _, p := range left {
			if p.Status >= meeting.PipelineStopping {
				continue
			}
			if err := d.cfg.Meetings.MovePipeline(ctx, p.ID, meeting.PipelineStopping, ""); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d media pipelines have not ended after %v, as %s: where they store what they record may be out of reach", len(left), pipelinePatience, left[0].ID)
		}
	}
}
