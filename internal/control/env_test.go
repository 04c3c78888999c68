package control_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var (
	owner  = meeting.Owner{Account: "123456789012", Region: "eu-central-1", Flavour: meeting.Meetings}
	legacy = meeting.Owner{Account: "123456789012", Region: "us-east-1", Flavour: meeting.Legacy}
)

// env is a control plane on a real ledger, with a clock that the test moves.
type env struct {
	*control.Control
	t      testing.TB
	cfg    control.Config
	dir    string
	ledger ledger.Config // all but its Dir
	clock  *handClock
	store  *ledger.Log
	wrap   func(control.Ledger) control.Ledger
	stop   func()
}

// newEnv starts one. change may alter its configuration; wrap may stand
// between it and the ledger.
func newEnv(t testing.TB, change func(*control.Config), wrap func(control.Ledger) control.Ledger) *env {
	t.Helper()
	v := &env{t: t, dir: t.TempDir(), clock: newHandClock(), wrap: wrap}
	v.cfg = control.Config{Clock: v.clock}
	if change != nil {
		change(&v.cfg)
	}
	v.start()
	t.Cleanup(func() { v.stop() })
	return v
}

func (v *env) start() {
	v.t.Helper()
	cfg := v.ledger
	cfg.Dir = v.dir
	store, err := ledger.Open(context.Background(), cfg)
	if err != nil {
		v.t.Fatal(err)
	}
	v.store = store
	var log control.Ledger = store
	if v.wrap != nil {
		log = v.wrap(log)
	}
	if v.Control, err = control.New(context.Background(), v.cfg, log, testKey(v.t)); err != nil {
		v.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = v.Run(ctx)
	}()
	v.stop = func() {
		cancel()
		<-done
		if err := errors.Join(v.Close(), store.Close()); err != nil {
			v.t.Error(err)
		}
	}
}

// restart ends the process, as far as control can tell, and begins a new one.
func (v *env) restart() {
	v.t.Helper()
	v.stop()
	v.start()
}

// restartUntilRunSleeps is restart for tests whose times count from the moment
// in which Run begins.
func (v *env) restartUntilRunSleeps() {
	v.t.Helper()
	v.stop()
	v.clock.asked = make(chan struct{}, cap(v.clock.asked))
	v.start()
	<-v.clock.asked
}

func testKey(t testing.TB) jointoken.Key {
	t.Helper()
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// create makes a meeting with these users.
func (v *env) create(o meeting.Owner, token string, users ...string) meeting.Summary {
	v.t.Helper()
	s, results, err := v.CreateMeeting(context.Background(), newMeeting(o, token, users...))
	if err != nil {
		v.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			v.t.Fatal(r.Err)
		}
	}
	return s
}

func newMeeting(o meeting.Owner, token string, users ...string) meeting.NewMeeting {
	return meeting.NewMeeting{
		Owner: o, ClientRequestToken: token, MediaRegion: "eu-west-3", ExternalMeetingID: "meeting of " + token, Attendees: named(users...),
	}
}

func named(users ...string) (items []meeting.NewAttendee) {
	for _, u := range users {
		items = append(items, meeting.NewAttendee{ExternalUserID: u})
	}
	return items
}

// add creates attendees and returns their ids.
func (v *env) add(o meeting.Owner, id meeting.ID, users ...string) (ids []meeting.ID) {
	v.t.Helper()
	results, err := v.CreateAttendees(context.Background(), o, id, named(users...))
	if err != nil {
		v.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			v.t.Fatal(r.Err)
		}
		ids = append(ids, r.Attendee.ID)
	}
	return ids
}

// roster lists all attendees by user, two a page.
func (v *env) roster(o meeting.Owner, id meeting.ID) map[string]meeting.Attendee {
	v.t.Helper()
	all, token := map[string]meeting.Attendee{}, ""
	for {
		page, next, err := v.ListAttendees(context.Background(), o, id, 20, token)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, a := range page {
			if _, twice := all[a.ExternalUserID]; twice {
				v.t.Fatalf("%s is listed twice", a.ExternalUserID)
			}
			all[a.ExternalUserID] = a
		}
		if next == "" {
			return all
		}
		token = next
	}
}

// revision returns that of the meeting's last record.
func (v *env) revision(id meeting.ID) uint64 {
	v.t.Helper()
	entries, err := v.store.Load(context.Background(), id, 0)
	if err != nil || len(entries) == 0 {
		v.t.Fatalf("%d records: %v", len(entries), err)
	}
	return entries[len(entries)-1].Revision
}

func isKind(err error, kind meeting.Kind) bool {
	var e *meeting.Error
	return errors.As(err, &e) && e.Kind == kind
}

func wantKind(t testing.TB, err error, want meeting.Kind) {
	t.Helper()
	if !isKind(err, want) {
		t.Errorf("got %v, want kind %d", err, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ended waits until the meeting is not active and returns why it ended.
func (v *env) ended(id meeting.ID) meeting.EndReason {
	v.t.Helper()
	told := make(chan meeting.EndReason, 1)
	cancel := v.Watch(id, func(c control.Change) {
		if e, last := c.(control.Ended); last {
			told <- e.Reason
		}
	})
	defer cancel()
	select {
	case reason := <-told:
		return reason
	case <-time.After(20 * time.Second):
		v.t.Fatal("the meeting does not end")
		return 0
	}
}

// handClock stands still until the test moves it.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*handTimer
	asked  chan struct{} // receives when a timer is set
}

type handTimer struct {
	at    time.Time
	fired chan time.Time
}

func newHandClock() *handClock {
	return &handClock{now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), asked: make(chan struct{}, 1000)}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) Timer(d time.Duration) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &handTimer{at: c.now.Add(d), fired: make(chan time.Time, 1)}
	if d <= 0 {
		t.fired <- c.now
	} else {
		c.timers = append(c.timers, t)
	}
	select {
	case c.asked <- struct{}{}:
	default:
	}
	return t.fired, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		n := len(c.timers)
		c.timers = slices.DeleteFunc(c.timers, func(o *handTimer) bool { return o == t })
		return len(c.timers) < n
	}
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t *handTimer) bool {
		if t.at.After(c.now) {
			return false
		}
		t.fired <- c.now
		return true
	})
}

// faulty is a ledger that fails on purpose.
type faulty struct {
	control.Ledger
	mu     sync.Mutex
	before func(op string, id meeting.ID) error // an error means: nothing is stored
	after  func(op string, id meeting.ID) error // an error hides that it was stored
}

func (f *faulty) fail(hook *func(string, meeting.ID) error, op string, id meeting.ID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *hook == nil {
		return nil
	}
	return (*hook)(op, id)
}

func (f *faulty) set(before, after func(string, meeting.ID) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

func (f *faulty) Append(ctx context.Context, id meeting.ID, expected uint64, data []byte, u ledger.Urgency) (uint64, error) {
	if err := f.fail(&f.before, "append", id); err != nil {
		return 0, err
	}
	rev, err := f.Ledger.Append(ctx, id, expected, data, u)
	return rev, errors.Join(err, f.fail(&f.after, "append", id))
}

func (f *faulty) End(ctx context.Context, id meeting.ID, expected uint64, data []byte, keep time.Duration) (uint64, error) {
	if err := f.fail(&f.before, "end", id); err != nil {
		return 0, err
	}
	rev, err := f.Ledger.End(ctx, id, expected, data, keep)
	return rev, errors.Join(err, f.fail(&f.after, "end", id))
}

// once returns a hook that fails the first n calls of op with err.
func once(op string, n int, err error) func(string, meeting.ID) error {
	return func(got string, _ meeting.ID) error {
		if got != op || n == 0 {
			return nil
		}
		n--
		return err
	}
}

// newFaulty starts an env whose ledger fails as the returned hooks say.
func newFaulty(t *testing.T, change func(*control.Config)) (*env, *faulty) {
	f := new(faulty)
	v := newEnv(t, change, func(l control.Ledger) control.Ledger {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.Ledger = l
		return f
	})
	return v, f
}

func users(prefix string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("%s-%03d", prefix, i))
	}
	return list
}
