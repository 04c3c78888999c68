package api

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// baselineTime is how long the bare handler and the disk are measured.
const baselineTime = 2 * time.Second

// maxErrors is how many failed calls end a run early: a server that refuses
// everything is not worth measuring.
const maxErrors = 1000

// Run measures one operation against a running server. It returns an error
// when the options are unusable, the server cannot be prepared or ctx ends;
// calls that fail while measuring are counted in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Bare {
		return Report{}, serveBare(os.Stdin, os.Stdout, o.BareReply)
	}
	if err := o.check(); err != nil {
		return Report{}, err
	}
	r, err := newRunner(o)
	if err != nil {
		return Report{}, err
	}
	defer r.transport.CloseIdleConnections()
	err = r.course(ctx)
	if !o.Keep {
		err = errors.Join(err, r.removeAll(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return Report{}, err
	}
	report := r.report()
	if o.Baseline {
		err = r.baseline(ctx, &report)
	}
	return report, err
}

// runner is one run. Its clients work in phases, one goroutine each; between
// phases only Run's goroutine is at work.
type runner struct {
	options   Options
	op        operation
	bodies    *bodies
	transport interface{ CloseIdleConnections() }
	clients   []*client

	mu      sync.Mutex // guards what follows during a phase
	targets []target   // prepared and not used up
	used    []string   // meetings to delete

	calls     int
	attendees int
	errs      int
	firstErr  error
	took      []time.Duration
	elapsed   time.Duration
	cpu       time.Duration
	answer    int // bytes of the last answer
}

func newRunner(o Options) (*runner, error) {
	b, err := newBodies(o)
	if err != nil {
		return nil, err
	}
	transport := newTransport(o.Clients)
	r := &runner{options: o, op: operations[o.Op], bodies: b, transport: transport}
	for range o.Clients {
		c, err := newClient(o, transport)
		if err != nil {
			return nil, err
		}
		r.clients = append(r.clients, c)
	}
	return r, nil
}

// course prepares and measures, in rounds when the operation uses meetings up.
func (r *runner) course(ctx context.Context) error {
	if err := r.prepare(ctx, r.options.Meetings); err != nil {
		return err
	}
	for r.elapsed < r.options.Duration {
		if err := r.measure(ctx); err != nil {
			return err
		}
		if r.op.calls == nil || r.elapsed >= r.options.Duration {
			continue
		}
		if !r.options.Keep {
			if err := r.removeUsed(ctx); err != nil {
				return err
			}
		}
		if err := r.prepare(ctx, max(r.options.Meetings, 50*len(r.clients))); err != nil {
			return err
		}
	}
	return nil
}

// each runs work on every client at the same time until one fails.
func (r *runner) each(ctx context.Context, work func(context.Context, *client) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, c := range r.clients {
		wg.Go(func() {
			if err := work(ctx, c); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// prepare creates n meetings for the operation to work on.
func (r *runner) prepare(ctx context.Context, n int) error {
	attendees := 0
	if r.op.attendees {
		attendees = min(r.options.Attendees, maxInitial)
	}
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	close(left)
	err := r.each(ctx, func(ctx context.Context, c *client) error {
		for range left {
			if err := c.do(ctx, r.bodies.createMeeting(attendees)); err != nil {
				return err
			}
			t, err := parseMeeting(c.answer.Bytes())
			if err != nil {
				return err
			}
			r.mu.Lock()
			r.targets = append(r.targets, t)
			r.mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prepare meetings: %w", err)
	}
	return nil
}

// measure runs one measured stretch: until the time is over or the prepared
// meetings are used up.
func (r *runner) measure(ctx context.Context) error {
	before, err := r.readCPU()
	if err != nil {
		return err
	}
	start := time.Now()
	deadline := start.Add(r.options.Duration - r.elapsed)
	err = r.each(ctx, func(ctx context.Context, c *client) error { return r.work(ctx, c, deadline) })
	r.elapsed += time.Since(start)
	after, cpuErr := r.readCPU()
	r.cpu += after - before
	return errors.Join(err, cpuErr)
}

func (r *runner) readCPU() (time.Duration, error) {
	if r.options.Pid == 0 {
		return 0, nil
	}
	return cpuTime(r.options.Pid)
}

// work is one client's part of a measured stretch.
func (r *runner) work(ctx context.Context, c *client, deadline time.Time) error {
	for n := 0; time.Now().Before(deadline); {
		t, calls, ok := r.take(n)
		if !ok {
			return nil
		}
		for i := range calls {
			if err := c.do(ctx, r.op.make(r.bodies, t, n+i)); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err := r.failed(err); err != nil {
					return err
				}
				continue
			}
			if err := r.succeeded(c); err != nil {
				return err
			}
			if time.Now().After(deadline) {
				break
			}
		}
		if r.op.calls == nil {
			n++
		}
	}
	return nil
}

// take returns a meeting and how many calls to make on it. Reads go round the
// prepared ones; what uses meetings up takes each once.
func (r *runner) take(n int) (t target, calls int, ok bool) {
	if r.op.creates {
		return target{}, 1, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.op.calls == nil {
		return r.targets[(n*7919)%len(r.targets)], 1, true
	}
	if len(r.targets) == 0 {
		return target{}, 0, false
	}
	last := len(r.targets) - 1
	t = r.targets[last]
	r.targets = r.targets[:last]
	if !r.op.ends {
		r.used = append(r.used, t.id)
	}
	return t, r.op.calls(r.options.Attendees), true
}

func (r *runner) succeeded(c *client) error {
	made := 0
	if r.op.made != nil {
		made = r.op.made(c.answer.Bytes())
	}
	var created target
	if r.op.creates {
		var err error
		if created, err = parseMeeting(c.answer.Bytes()); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.attendees += made
	r.took = append(r.took, c.elapsed)
	r.answer = c.answer.Len()
	if r.op.creates {
		r.used = append(r.used, created.id)
	}
	return nil
}

func (r *runner) failed(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs++
	if r.firstErr == nil {
		r.firstErr = err
	}
	if r.errs >= maxErrors {
		return fmt.Errorf("%d calls failed, the first with: %w", r.errs, r.firstErr)
	}
	return nil
}

// removeUsed deletes the meetings that are used up.
func (r *runner) removeUsed(ctx context.Context) error {
	ids := make(chan string, len(r.used))
	for _, id := range r.used {
		ids <- id
	}
	close(ids)
	r.used = r.used[:0]
	err := r.each(ctx, func(ctx context.Context, c *client) error {
		for id := range ids {
			if err := c.do(ctx, call{method: "DELETE", path: "/meetings/" + id}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete meetings: %w", err)
	}
	return nil
}

func (r *runner) removeAll(ctx context.Context) error {
	for _, t := range r.targets {
		r.used = append(r.used, t.id)
	}
	r.targets = nil
	return r.removeUsed(ctx)
}

// report sums the run up.
func (r *runner) report() Report {
	slices.Sort(r.took)
	seconds := r.elapsed.Seconds()
	out := Report{
		Op: r.options.Op, Flavour: r.options.Flavour, Clients: len(r.clients), Seconds: seconds, Calls: r.calls, Errors: r.errs,
		CallsPerSecond: float64(r.calls) / seconds, AttendeesPerSecond: float64(r.attendees) / seconds,
		P50: millis(percentile(r.took, 50)), P99: millis(percentile(r.took, 99)),
	}
	if r.firstErr != nil {
		out.FirstError = r.firstErr.Error()
	}
	if r.options.Pid != 0 && r.calls > 0 {
		out.ServerCPUPerCall = millis(r.cpu) / float64(r.calls)
		// A server that has just gone reports no memory; the calls were measured.
		out.ServerRSS, out.ServerPeakRSS, _ = memory(r.options.Pid)
	}
	return out
}
