package control_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func stream(id meeting.ID, token string) meeting.NewPipeline {
	n := capture(id, token)
	n.Kind = meeting.LiveConnectorPipeline
	return n
}

// A meeting that has ended has no pipeline at work, not even for the next who
// looks: its end is the pipelines' stop, also where nobody carries them out.
func TestThePipelinesOfAMeetingStopWithIt(t *testing.T) {
	ways := map[string]func(v *env, id meeting.ID) error{
		"deleted":         func(v *env, id meeting.ID) error { return v.DeleteMeeting(context.Background(), owner, id) },
		"by the operator": func(v *env, id meeting.ID) error { return v.EndMeeting(context.Background(), id) },
		"of age": func(v *env, _ meeting.ID) error {
			v.clock.move(25 * time.Hour)
			_, err := v.EndDue(context.Background())
			return err
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			v := newEnv(t, nil, nil)
			m, other := v.create(owner, "m", "ann"), v.create(owner, "o", "ann")
			recorded, streamed, source := v.pipeline(capture(m.ID, "t")), v.pipeline(stream(m.ID, "t")), v.pipeline(capture(other.ID, "t"))
			joined := v.pipeline(joinUp(recorded.ID, "t"))
			v.move(recorded.ID, meeting.PipelineInProgress)
			v.move(joined.ID, meeting.PipelineInProgress)
			var told []meeting.ID
			v.WatchPipelines(func(c control.PipelineChange) {
				if c.Pipeline.Status == meeting.PipelineStopping {
					told = append(told, c.Pipeline.ID)
				}
			})
			v.clock.move(time.Second)
			must(t, end(v, m.ID))
			check := func(when string) {
				t.Helper()
				for _, id := range []meeting.ID{recorded.ID, streamed.ID} {
					p, _ := v.Pipeline(id)
					if p.Status != meeting.PipelineStopping || !p.Updated.After(p.Created) || p.Updated.After(v.clock.Now()) {
						t.Errorf("%s: %s since %v", when, p.Status, p.Updated)
					}
				}
				if got := v.status(joined.ID); got != meeting.PipelineInProgress {
					t.Errorf("%s: the concatenation is %s", when, got)
				}
			}
			check("at once")
			if name != "of age" && v.status(source.ID) != meeting.PipelineInitializing {
				t.Errorf("another meeting's is %s", v.status(source.ID))
			}
			if !slices.Contains(told, recorded.ID) || !slices.Contains(told, streamed.ID) || slices.Contains(told, joined.ID) {
				t.Errorf("told of %v", told)
			}
			before, _ := v.Pipeline(recorded.ID)
			v.restart() // before anybody could do anything about it
			check("after a restart")
			if after, _ := v.Pipeline(recorded.ID); !after.Updated.Equal(before.Updated) {
				t.Errorf("Stopping since %v, and after a restart since %v", before.Updated, after.Updated)
			}
			v.move(recorded.ID, meeting.PipelineInProgress) // too late
			check("after a late move")
			v.move(recorded.ID, meeting.PipelineStopped)
			v.restart()
			if got := v.status(recorded.ID); got != meeting.PipelineStopped {
				t.Errorf("at last it is %s", got)
			}
		})
	}
}

// The meeting is forgotten before its pipeline has stopped: a store may be down for
// long.
func TestAPipelineStaysStoppedWhenItsMeetingIsForgotten(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.Tombstone = time.Hour }, nil)
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	v.move(p.ID, meeting.PipelineInProgress)
	must(t, v.DeleteMeeting(context.Background(), owner, m.ID))
	v.clock.advance(2 * time.Hour)
	v.create(owner, "other", "ann")
	v.restart()
	if got := v.status(p.ID); got != meeting.PipelineStopping {
		t.Errorf("%s", got)
	}
}

// What was being written as the meeting ended does not bring the pipeline back.
func TestAMoveThatIsKnownLateComesAfterTheMeetingsEnd(t *testing.T) {
	v, f := newFaulty(t, nil)
	ctx := context.Background()
	m := v.create(owner, "m", "ann")
	p := v.pipeline(capture(m.ID, "t"))
	var mu sync.Mutex
	changes := 0
	v.WatchPipelines(func(control.PipelineChange) { mu.Lock(); defer mu.Unlock(); changes++ })
	f.set(nil, once("append", 1, errors.New("no answer")))
	wantKind(t, v.MovePipeline(ctx, p.ID, meeting.PipelineInProgress, ""), meeting.Unavailable)
	must(t, v.DeleteMeeting(ctx, owner, m.ID))
	f.tell()
	soon(t, func() bool { mu.Lock(); defer mu.Unlock(); return changes == 3 }) // as it was, the end, the move
	if got := v.status(p.ID); got != meeting.PipelineStopping {
		t.Errorf("%s", got)
	}
	v.move(p.ID, meeting.PipelineStopped)
}

// Whoever finds that the meeting is gone finds its pipeline stopping.
func TestNobodySeesAPipelineAtWorkAfterItsMeeting(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	for range 20 {
		m := v.create(owner, time.Now().String(), "ann")
		p := v.pipeline(capture(m.ID, "t"))
		v.move(p.ID, meeting.PipelineInProgress)
		var looking sync.WaitGroup
		for range 4 {
			looking.Go(func() {
				for {
					_, err := v.GetMeeting(ctx, owner, m.ID)
					got, _ := v.GetPipeline(ctx, recorderOwner, p.ID, 0)
					if err != nil && got.Status != meeting.PipelineStopping {
						t.Errorf("the meeting is gone, and its pipeline %s", got.Status)
					}
					if err != nil {
						return
					}
				}
			})
		}
		must(t, v.DeleteMeeting(ctx, owner, m.ID))
		looking.Wait()
	}
}
