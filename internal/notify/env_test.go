package notify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var owner = meeting.Owner{Account: "123456789012", Region: "eu-central-1", Flavour: meeting.Meetings}

// inbox is what one receiver has got, over restarts.
type inbox struct {
	mu     sync.Mutex
	got    []*event.Event
	refuse func(*event.Event) error // nil: takes everything
}

func (b *inbox) send(_ context.Context, e *event.Event, _ int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		if err := b.refuse(e); err != nil {
			return err
		}
	}
	b.got = append(b.got, e)
	return nil
}

func (b *inbox) set(refuse func(*event.Event) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = refuse
}

func (b *inbox) events() []*event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// types returns the types of what came of a meeting, without their prefix.
func (b *inbox) types(id meeting.ID) (types []string) {
	for _, e := range b.events() {
		if e.Meeting.ID == id {
			types = append(types, strings.TrimPrefix(e.Type, "chime:"))
		}
	}
	return types
}

// channel is a way to an inbox that all meetings have.
func channel(name string, b *inbox, change func(*outbox.Config)) Channel {
	return Channel{
		Name:  name,
		Route: func(*meeting.Profile) (string, bool) { return name, true },
		Open: func(string) outbox.Config {
			cfg := outbox.Config{
				Kind: "webhook", Send: b.send, Waits: []time.Duration{20 * time.Millisecond}, SlowWaits: []time.Duration{20 * time.Millisecond},
				GiveUp: time.Hour, GiveUpNew: time.Hour, Width: 16, MaxEvents: 1000, MaxBytes: 1 << 20,
			}
			if change != nil {
				change(&cfg)
			}
			return cfg
		},
	}
}

// env is a control plane on a real ledger, whose events are told.
type env struct {
	*control.Control
	t     *testing.T
	cfg   ledger.Config
	store *ledger.Log
	n     *Notifier

	forward func(context.Context, outbox.Letter) error
}

// glue is the ledger as control sees it.
type glue struct{ n *Notifier }

func (g glue) Adopt(ctx context.Context, numbers []int, read func(meeting.ID, ledger.Entry) error) ([]control.Slot, error) {
	slots, err := g.n.Adopt(ctx, numbers, read)
	list := make([]control.Slot, len(slots))
	for i, s := range slots {
		list[i] = s
	}
	return list, err
}

func newEnv(t *testing.T, channels ...Channel) *env {
	t.Helper()
	v := &env{t: t, cfg: ledger.Config{Dir: t.TempDir()}}
	v.start(channels...)
	t.Cleanup(func() { v.crash() })
	return v
}

func (v *env) start(channels ...Channel) {
	v.t.Helper()
	v.open(channels...)
	if err := v.AdoptAll(context.Background()); err != nil {
		v.t.Fatal(err)
	}
}

// open starts everything without any slot.
func (v *env) open(channels ...Channel) {
	v.n = New(Config{Channels: channels, MemoWait: 10 * time.Millisecond, Forward: v.forward})
	var err error
	cfg := v.cfg
	cfg.Needed = v.n.Needed
	if v.store, err = ledger.Open(context.Background(), cfg); err != nil {
		v.t.Error(err)
		return
	}
	v.n.SetStore(v.store)
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		v.t.Error(err)
		return
	}
	v.Control = control.New(control.Config{}, glue{v.n}, key)
}

// held returns the slots that it has, by number.
func (v *env) held() [meeting.Slots]*Slot {
	v.n.mu.Lock()
	defer v.n.mu.Unlock()
	return v.n.slots
}

// crash ends everything without a word about how far the events are.
func (v *env) crash() {
	v.t.Helper()
	if v.store == nil {
		return
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, s := range v.held() {
		if s != nil {
			s.timing.Store(false)
		}
	}
	v.n.cancel()
	v.n.Close(ended)
	if err := errors.Join(v.Control.Close(), v.store.Close()); err != nil {
		v.t.Error(err)
	}
	v.n.background.Wait()
	v.store = nil
}

// stop ends everything in order.
func (v *env) stop() {
	v.t.Helper()
	if err := v.Control.Close(); err != nil {
		v.t.Error(err)
	}
	v.n.Close(context.Background())
	if err := v.store.Close(); err != nil {
		v.t.Error(err)
	}
	v.store = nil
}

// create makes a meeting with these users.
func (v *env) create(token string, users ...string) (meeting.ID, []meeting.ID) {
	v.t.Helper()
	n := meeting.NewMeeting{Owner: owner, ClientRequestToken: token, MediaRegion: "eu-west-3", ExternalMeetingID: token}
	for _, u := range users {
		n.Attendees = append(n.Attendees, meeting.NewAttendee{ExternalUserID: u})
	}
	s, results, err := v.CreateMeeting(context.Background(), n)
	if err != nil {
		v.t.Fatal(err)
	}
	var ids []meeting.ID
	for _, r := range results {
		ids = append(ids, r.Attendee.ID)
	}
	return s.ID, ids
}

func (v *env) fact(id, attendee meeting.ID, kind meeting.FactKind) {
	v.t.Helper()
	if err := v.RecordFact(context.Background(), id, meeting.Fact{Kind: kind, Attendee: attendee, ExternalUserID: "user"}); err != nil {
		v.t.Fatal(err)
	}
}

func (v *env) end(id meeting.ID) {
	v.t.Helper()
	if err := v.DeleteMeeting(context.Background(), owner, id); err != nil {
		v.t.Fatal(err)
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// written waits until it is written down that nothing waits.
func (v *env) written() {
	v.t.Helper()
	eventually(v.t, "all is settled", func() bool {
		for _, s := range v.held() {
			if s == nil {
				continue
			}
			s.mu.Lock()
			settled := true
			for _, t := range s.meetings {
				settled = settled && t.settled == t.last && t.order.settled()
			}
			s.mu.Unlock()
			if !settled {
				return false
			}
		}
		return true
	})
}

var errDown = errors.New("connection refused")

func down(*event.Event) error { return errDown }
