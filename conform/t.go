package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// T is what the body of a case is given: a client for its flavour, and the
// means to say that something did not hold. Its methods are safe for
// concurrent use; the Fatal ones end the goroutine they are called from.
type T struct {
	// API speaks the case's flavour with the main credentials.
	API *Client
	// Flavour is the flavour the case runs in.
	Flavour Flavour

	ctx    context.Context
	target *Target

	mu       sync.Mutex
	why      []string
	cleanups []func()
}

// newT returns the T of a case about to run.
func newT(ctx context.Context, g *Target, f Flavour) *T {
	t := &T{ctx: ctx, target: g, Flavour: f}
	t.API = t.Client(f, g.opts.Region, g.opts.Credentials)
	return t
}

// Options returns the options of the run, with their defaults filled in.
func (t *T) Options() Options { return t.target.opts }

// Context returns the context of the case, which ends when its time is over.
func (t *T) Context() context.Context { return t.ctx }

// Errorf notes that something did not hold, and goes on.
func (t *T) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.why = append(t.why, fmt.Sprintf(format, args...))
}

// Fatalf notes that something did not hold and ends the calling goroutine.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// failed reports whether anything did not hold so far.
func (t *T) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.why) > 0
}

// Equal notes a difference between what was got and what was wanted.
func (t *T) Equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %s, want %s", what, Show(got), Show(want))
	}
}

// True notes that a condition did not hold.
func (t *T) True(what string, condition bool) {
	if !condition {
		t.Errorf("%s: did not hold", what)
	}
}

// Show prints a value as JSON, which is how clients know it, and cuts it after
// 400 bytes.
func Show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v", v)
	}
	if len(b) > 400 {
		return string(b[:400]) + "..."
	}
	return string(b)
}

// Cleanup has fn run after the case, last added first.
func (t *T) Cleanup(fn func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, fn)
}

// cleanUp runs the clean-ups.
func (t *T) cleanUp() {
	t.mu.Lock()
	list := t.cleanups
	t.cleanups = nil
	t.mu.Unlock()
	for _, fn := range slices.Backward(list) {
		fn()
	}
}

// Together calls fn n times at once with 0..n-1, waits for all, and ends the
// case when one of them failed it.
func (t *T) Together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
	if t.failed() {
		runtime.Goexit()
	}
}

// Until asks again and again until the answer is yes, and fails the case when
// its time is over first.
func (t *T) Until(what string, yes func() bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-t.ctx.Done():
			t.Fatalf("%s: not so within the time of the case", what)
		}
	}
}

// Client returns a client for a flavour, a control Region and a key pair.
func (t *T) Client(f Flavour, region string, keys Credentials) *Client {
	base := t.target.opts.Endpoint
	if f == Legacy {
		base = t.target.opts.LegacyEndpoint
	}
	return newClient(t, f, base, region, keys)
}

// As returns a client of the case's flavour that signs with a key pair of the
// Accounts profile.
func (t *T) As(r Role) *Client {
	keys, ok := t.Options().Keys[r]
	if !ok {
		t.Fatalf("no key pair was given for the role %q", r)
	}
	return t.Client(t.Flavour, t.Options().Region, keys)
}

// InRegion returns a client of the case's flavour that signs for another
// Region.
func (t *T) InRegion(region string) *Client {
	return t.Client(t.Flavour, region, t.Options().Credentials)
}

// Through returns a client of the given flavour with the main credentials.
func (t *T) Through(f Flavour) *Client {
	return t.Client(f, t.Options().Region, t.Options().Credentials)
}

// NewMeeting returns the input of a plain meeting with a token of its own.
func (t *T) NewMeeting() NewMeeting {
	return NewMeeting{
		Token:             uuid.NewString(),
		MediaRegion:       "us-east-1",
		ExternalMeetingID: "conform-" + uuid.NewString()[:8],
	}
}

// Meeting creates a plain meeting.
func (t *T) Meeting() Meeting { return t.API.CreateMeeting(t.NewMeeting()).OK() }

// MeetingWith creates a meeting after change had its way with the input.
func (t *T) MeetingWith(change func(*NewMeeting)) Meeting {
	in := t.NewMeeting()
	change(&in)
	return t.API.CreateMeeting(in).OK()
}

// Attendee creates a meeting with one attendee.
func (t *T) Attendee() (Meeting, Attendee) {
	m := t.Meeting()
	return m, t.API.CreateAttendee(m.ID, NewAttendee{ExternalUserID: "user-1"}).OK()
}

// made remembers a meeting that a client created, to delete it afterwards,
// whatever became of the case's own time.
func (t *T) made(c *Client, id string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), 10*time.Second)
		defer cancel()
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for c.deleteQuietly(ctx, id) == http.StatusTooManyRequests {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
}
