package meeting

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
	"github.com/carillon-meetings/carillon/internal/media/client"
)

// run is one run of the generator.
type run struct {
	o         Options
	account   *account
	places    []place
	attendees []*attendee
	cameras   []*attendee
	total     counts

	speech, clicking *loop
	silence          sound
	clicker          *attendee // who clicks; nil without talkers or hearers
	ear              *ear

	mu     sync.Mutex
	joins  []joined
	errors int
	first  error
}

// Run makes one run. It fails if the meetings cannot be created or nobody can
// join; single failures are counted in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	r := &run{o: o, account: newAccount(o), silence: silence()}
	defer r.clear(context.WithoutCancel(ctx))
	if err := r.prepare(ctx); err != nil {
		return Report{}, err
	}
	report := Report{
		Meetings: o.Meetings, Attendees: len(r.attendees), Talkers: o.Talkers, Listeners: o.Listeners, Cameras: o.Cameras, Churn: o.Churn,
	}
	err := r.perform(ctx, &report)
	return report, err
}

// prepare makes the sound, the meetings and the attendees.
func (r *run) prepare(ctx context.Context) (err error) {
	if r.speech, err = newLoop(false); err != nil {
		return err
	}
	if r.clicking, err = newLoop(true); err != nil {
		return err
	}
	cert, err := client.NewCertificate()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("load-%08x", rand.Uint32())
	for i := range r.o.Meetings {
		p, err := r.account.open(ctx, fmt.Sprintf("%s-%d", name, i), r.o.members())
		if err != nil {
			return err
		}
		r.places = append(r.places, p)
		for n, token := range p.tokens {
			kind := listening
			switch {
			case n < r.o.Talkers:
				kind = talking
			case n >= r.o.Talkers+r.o.Listeners:
				kind = filming
			}
			a := newAttendee(kind, p.url, token, cert, &r.total, n*37+i*11)
			r.attendees = append(r.attendees, a)
			if kind == filming {
				r.cameras = append(r.cameras, a)
			}
		}
	}
	return r.wire()
}

// wire chooses who clicks and who listens for it: the first talker of the first
// meeting, and the last attendee of it who has no camera.
func (r *run) wire() (err error) {
	last := r.o.Talkers + r.o.Listeners - 1
	if r.o.Talkers == 0 || last == 0 || r.o.Left {
		return nil
	}
	if r.ear, err = newEar(r.clicking.peak * onset); err != nil {
		return err
	}
	r.clicker = r.attendees[0]
	r.attendees[last].ear = r.ear
	return nil
}

// perform lets everybody join, measures, and fills in the report.
func (r *run) perform(ctx context.Context, report *Report) error {
	before, err := usageOf(r.o.Pid)
	if err != nil {
		return err
	}
	begin := time.Now()
	r.each(ctx, r.enter)
	took := time.Since(begin)
	after, err := usageOf(r.o.Pid)
	if err != nil {
		return err
	}
	if len(r.joins) == 0 {
		return fmt.Errorf("nobody could join: %w", errors.Join(r.first, ctx.Err()))
	}
	report.JoinsPerS = float64(len(r.joins)) / took.Seconds()
	report.JoinCPU = gauge.Milliseconds(after.cpu-before.cpu) / float64(len(r.joins))

	pumping, stop := context.WithCancel(ctx)
	var pumps sync.WaitGroup
	pumps.Go(func() { r.talk(pumping) })
	defer pumps.Wait()
	defer stop()
	if len(r.cameras) > 0 {
		r.premiere(ctx)
		pumps.Go(func() { r.film(pumping) })
	}
	if r.o.Left {
		r.each(ctx, func(ctx context.Context, a *attendee) error { a.leave(ctx, true); return nil })
	}
	if err := wait(ctx, r.o.Settle); err != nil {
		return err
	}
	if err := r.measure(ctx, before, report); err != nil {
		return err
	}
	r.finish(report)
	return nil
}

// enter lets one attendee join and notes how that went.
func (r *run) enter(ctx context.Context, a *attendee) error {
	j, err := a.join(ctx)
	if err == nil {
		r.mu.Lock()
		r.joins = append(r.joins, j)
		r.mu.Unlock()
	}
	return err
}

// premiere starts the cameras and lets the others subscribe to them.
func (r *run) premiere(ctx context.Context) {
	r.each(ctx, func(ctx context.Context, a *attendee) error {
		if a.role != filming || a.client == nil {
			return nil
		}
		return a.show(ctx)
	})
	// Videos are listed once the first packet has come.
	for _, a := range r.cameras {
		a.film()
	}
	r.each(ctx, r.watch)
}

// watch subscribes an attendee to what it can see.
func (r *run) watch(ctx context.Context, a *attendee) error {
	if a.client == nil {
		return nil
	}
	return a.watch(ctx, r.watched(a))
}

// watched is how many videos an attendee watches.
func (r *run) watched(a *attendee) int {
	n := r.o.Cameras
	if a.role == filming {
		n--
	}
	return min(n, maxWatched)
}

// each calls do for everybody, several at a time, and counts its errors.
func (r *run) each(ctx context.Context, do func(context.Context, *attendee) error) {
	queue := make(chan *attendee)
	var workers sync.WaitGroup
	for range r.o.Joining {
		workers.Go(func() {
			for a := range queue {
				r.failed(do(ctx, a))
			}
		})
	}
	for _, a := range r.attendees {
		if ctx.Err() != nil {
			break
		}
		queue <- a
	}
	close(queue)
	workers.Wait()
}

// failed counts an error, if it is one.
func (r *run) failed(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors++
	if r.first == nil {
		r.first = err
	}
}

// clear lets everybody who is still there go and deletes the meetings.
func (r *run) clear(ctx context.Context) {
	r.each(ctx, func(ctx context.Context, a *attendee) error { a.leave(ctx, false); return nil })
	for _, p := range r.places {
		r.account.close(ctx, p)
	}
}

// wait waits, unless ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
