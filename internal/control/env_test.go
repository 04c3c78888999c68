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
	slots  [meeting.Slots]control.Slot // as the ledger gives them
	wrap   func(control.Slot) control.Slot
	read   func(id meeting.ID, e ledger.Entry) (seen bool) // nil: an adoption sees everything
	stop   func()
}

// newEnv starts one. change may alter its configuration; wrap may stand
// between it and each slot.
func newEnv(t testing.TB, change func(*control.Config), wrap func(control.Slot) control.Slot) *env {
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
	must(v.t, v.open())
	must(v.t, v.AdoptAll(context.Background()))
}

// open starts a control plane that holds no slot.
func (v *env) open() (err error) {
	cfg := v.ledger
	cfg.Dir = v.dir
	v.store, err = ledger.Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	c, store := control.New(v.cfg, tapped{control.OnLedger(v.store), v}, testKey(v.t)), v.store
	v.Control = c
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Run(ctx)
	}()
	v.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		if err := errors.Join(c.Close(), store.Close()); err != nil {
			v.t.Error(err)
		}
	})
	return nil
}

// again stops it and starts it with another configuration. It returns why the
// slots could not be adopted.
func (v *env) again(change func(*control.Config)) error {
	v.t.Helper()
	v.stop()
	if change != nil {
		change(&v.cfg)
	}
	must(v.t, v.open())
	return v.AdoptAll(context.Background())
}

// tapped is the ledger with the test's hands on its slots.
type tapped struct {
	control.Ledger
	v *env
}

func (l tapped) Adopt(ctx context.Context, numbers []int, read func(meeting.ID, ledger.Entry) error) ([]control.Slot, error) {
	slots, err := l.Ledger.Adopt(ctx, numbers, func(id meeting.ID, e ledger.Entry) error {
		if l.v.read != nil && !l.v.read(id, e) {
			return nil
		}
		return read(id, e)
	})
	for i, s := range slots {
		l.v.slots[s.Number()] = s
		if l.v.wrap != nil {
			slots[i] = l.v.wrap(s)
		}
	}
	return slots, err
}

// slot returns the meeting's slot, past whatever stands before it.
func (v *env) slot(id meeting.ID) control.Slot { return v.slots[id.Slot()] }

// records returns what the ledger has of a meeting.
func (v *env) records(id meeting.ID) []ledger.Entry {
	v.t.Helper()
	entries, err := v.slot(id).Load(context.Background(), id, ledger.Revision{})
	must(v.t, err)
	return entries
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
func (v *env) revision(id meeting.ID) ledger.Revision {
	v.t.Helper()
	entries := v.records(id)
	if len(entries) == 0 {
		v.t.Fatal("no records")
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

// move moves the clock without waking anybody.
func (c *handClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
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

func users(prefix string, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("%s-%03d", prefix, i))
	}
	return list
}
