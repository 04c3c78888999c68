package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
)

const (
	// stretch is how long one measured stretch is meant to last. It is long
	// against its beginning and its end, when not all clients call.
	stretch = 2 * time.Second

	groupDepth = 8 // records of the disk measurement
)

// Run makes one run. With Bare it serves as the bare handler instead, until
// standard input ends.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Bare {
		return Report{}, serveBare(os.Stdin, os.Stdout, o.BareReply)
	}
	if err := o.check(); err != nil {
		return Report{}, err
	}
	r, err := newRun(o)
	if err != nil {
		return Report{}, err
	}
	defer r.transport.CloseIdleConnections()
	err = r.measure(ctx)
	if !o.Keep {
		// Also after a failure, and when the user had enough.
		err = errors.Join(err, r.cleanUp(context.WithoutCancel(ctx)))
	}
	return r.report(), err
}

// idler is the part of *http.Transport that a run needs to end it.
type idler interface{ CloseIdleConnections() }

// run is one run under way.
type run struct {
	o         Options
	op        operation
	bodies    *bodies
	transport idler
	clients   []*client

	targets []target // meetings of this run that may still exist
	total   stint
	disk    []time.Duration
	rep     Report // what does not come from total
}

// stint is what happened in a measured stretch.
type stint struct {
	took      []time.Duration // of each call that succeeded
	elapsed   time.Duration
	attendees int
	bytes     int64 // of answers
	errors    int
	firstErr  error
	server    time.Duration // CPU time
	client    time.Duration // CPU time
	created   []string      // meetings created by the calls
}

func (s *stint) add(t stint) {
	s.took = append(s.took, t.took...)
	s.elapsed += t.elapsed
	s.attendees += t.attendees
	s.bytes += t.bytes
	s.errors += t.errors
	s.firstErr = firstOf(s.firstErr, t.firstErr)
	s.server += t.server
	s.client += t.client
	s.created = append(s.created, t.created...)
}

func firstOf(first, other error) error {
	if first != nil {
		return first
	}
	return other
}

func newRun(o Options) (*run, error) {
	r := &run{o: o, op: operations[o.Op]}
	var err error
	if r.bodies, err = newBodies(o); err != nil {
		return nil, err
	}
	transport := newTransport(o.Clients)
	r.transport = transport
	for range o.Clients {
		c, err := newClient(o, transport)
		if err != nil {
			return nil, err
		}
		r.clients = append(r.clients, c)
	}
	return r, nil
}

// measure is the whole measurement: stints with the disk measured in between,
// since what else happens on the machine changes. The first stint is to warm
// up and does not count.
func (r *run) measure(ctx context.Context) error {
	if err := r.prepare(ctx, r.o.Meetings); err != nil {
		return err
	}
	rate := 0.0 // calls a second of the last stint
	for round := 0; r.total.elapsed < r.o.Duration; round++ {
		s, err := r.round(ctx, rate)
		if err != nil {
			return err
		}
		if len(s.took) == 0 && s.errors > 0 {
			r.total.add(s)
			return nil // the report says why; more would not help
		}
		rate = float64(len(s.took)) / s.elapsed.Seconds()
		if round > 0 {
			r.total.add(s)
		}
		if err := r.measureDisk(); err != nil {
			return err
		}
	}
	if r.o.Pid != 0 {
		var err error
		if r.rep.ServerRSS, r.rep.ServerPeakRSS, err = gauge.Memory(r.o.Pid); err != nil {
			return err
		}
	}
	return r.measureBare(ctx)
}

// round makes one stint, with fresh meetings if the operation uses them up.
func (r *run) round(ctx context.Context, rate float64) (stint, error) {
	long := min(stretch, r.o.Duration)
	switch {
	case r.op.creates:
		return r.stint(ctx, long, func() (call, bool) { return r.op.make(r.bodies, target{}, 0), true })
	case r.op.calls == nil:
		return r.stint(ctx, long, func() (call, bool) {
			return r.op.make(r.bodies, r.targets[rand.IntN(len(r.targets))], rand.IntN(maxMeeting)), true
		})
	}
	perMeeting := r.op.calls(r.o.Attendees)
	first := len(r.targets)
	if err := r.prepare(ctx, max(2*r.o.Clients, int(rate*long.Seconds())/perMeeting)); err != nil {
		return stint{}, err
	}
	fresh := r.targets[first:]
	var next atomic.Int64
	s, err := r.stint(ctx, 2*long, func() (call, bool) {
		// All meetings once, then all again, so that calls on one meeting do
		// not wait for each other.
		n := int(next.Add(1)) - 1
		if n >= len(fresh)*perMeeting {
			return call{}, false
		}
		return r.op.make(r.bodies, fresh[n%len(fresh)], n/len(fresh)), true
	})
	if r.op.ends {
		gone := min(int(next.Load()), len(fresh))
		r.targets = append(r.targets[:first], fresh[gone:]...)
	}
	return s, err
}

// stint lets all clients call for the given time, or until next has no more.
func (r *run) stint(ctx context.Context, d time.Duration, next func() (call, bool)) (stint, error) {
	serverBefore, clientBefore, err := r.cpu()
	if err != nil {
		return stint{}, err
	}
	parts := make([]stint, len(r.clients))
	start := time.Now()
	var wg sync.WaitGroup
	for i, c := range r.clients {
		wg.Go(func() { parts[i] = r.work(ctx, c, start.Add(d), next) })
	}
	wg.Wait()
	total := stint{elapsed: time.Since(start)}
	server, client, err := r.cpu()
	if err != nil {
		return stint{}, err
	}
	total.server, total.client = server-serverBefore, client-clientBefore
	for _, p := range parts {
		total.add(p)
	}
	if r.op.creates {
		for _, id := range total.created {
			r.targets = append(r.targets, target{id: id})
		}
	}
	return total, ctx.Err()
}

// work is one client's part of a stint.
func (r *run) work(ctx context.Context, c *client, end time.Time, next func() (call, bool)) (s stint) {
	for ctx.Err() == nil && time.Now().Before(end) {
		k, more := next()
		if !more {
			break
		}
		err := c.do(ctx, k)
		if err == nil {
			err = r.note(&s, c.answer.Bytes())
		}
		if err != nil {
			s.errors++
			s.firstErr = firstOf(s.firstErr, err)
			continue
		}
		s.took = append(s.took, c.elapsed)
		s.bytes += int64(c.answer.Len())
	}
	return s
}

// note checks an answer and counts what it says.
func (r *run) note(s *stint, answer []byte) error {
	if r.op.creates {
		t, err := parseMeeting(answer)
		if err != nil {
			return err
		}
		s.created = append(s.created, t.id)
	}
	if r.op.made == nil {
		return nil
	}
	want := 1
	if r.o.Op == "BatchCreateAttendee" {
		want = r.o.Attendees
	}
	made := r.op.made(answer)
	if made != want {
		return fmt.Errorf("answer holds %d attendees, %d were asked for", made, want)
	}
	s.attendees += made
	return nil
}

// cpu returns the CPU time spent so far by the server, 0 if it is not watched,
// and by this process.
func (r *run) cpu() (server, self time.Duration, err error) {
	if r.o.Pid != 0 {
		if server, err = gauge.CPUTime(r.o.Pid); err != nil {
			return 0, 0, err
		}
	}
	self, err = gauge.CPUTime(os.Getpid())
	return server, self, err
}
