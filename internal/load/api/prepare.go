package api

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// prepare creates meetings, with attendees when the operation wants some. The
// first failure ends it.
func (r *run) prepare(ctx context.Context, meetings int) error {
	attendees := 0
	if r.op.attendees {
		attendees = min(r.o.Attendees, maxInitial)
	}
	var mu sync.Mutex
	err := r.share(ctx, meetings, func(c *client, _ int) error {
		if err := c.do(ctx, r.bodies.createMeeting(attendees)); err != nil {
			return fmt.Errorf("prepare meetings (are the server's limits raised?): %w", err)
		}
		t, err := parseMeeting(c.answer.Bytes())
		if err != nil {
			return err
		}
		if len(t.attendees) < attendees {
			return fmt.Errorf("prepare meetings: %d of %d attendees created", len(t.attendees), attendees)
		}
		mu.Lock()
		defer mu.Unlock()
		r.targets = append(r.targets, t)
		r.rep.Meetings++
		return nil
	})
	return err
}

// cleanUp deletes the meetings of this run.
func (r *run) cleanUp(ctx context.Context) error {
	targets := r.targets
	r.targets = nil
	return r.share(ctx, len(targets), func(c *client, n int) error {
		if err := c.do(ctx, call{method: "DELETE", path: "/meetings/" + targets[n].id}); err != nil {
			return fmt.Errorf("clean up: %w", err)
		}
		return nil
	})
}

// share lets the clients do n pieces of work that is not measured. It stops at
// the first failure and returns it.
func (r *run) share(ctx context.Context, n int, do func(c *client, i int) error) error {
	start := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int, n)
	for i := range n {
		work <- i
	}
	close(work)
	var wg sync.WaitGroup
	for _, c := range r.clients {
		wg.Go(func() {
			for i := range work {
				if ctx.Err() != nil {
					return
				}
				if err := do(c, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	r.rep.PreparedSeconds += time.Since(start).Seconds()
	r.rep.PreparedCalls += n - len(work)
	return context.Cause(ctx)
}
