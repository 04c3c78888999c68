package notify

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Channel is a way out for events. It is known by its name for ever: what a
// channel is called tells how far it is, and one with a new name begins with
// what happens from then on.
type Channel struct {
	Name string

	// Route returns the name of the destination that gets the meeting's events,
	// which is the channel's name, or begins with it and a blank. ok is false
	// for none.
	Route func(p *meeting.Profile) (name string, ok bool)

	// Open returns what the destination of that name is. Bury, Observe and
	// Logger are not its business.
	Open func(name string) outbox.Config

	// Close gives up what the channel's destinations have open; nil for nothing.
	Close func()
}

// Config says who is told.
type Config struct {
	Channels []Channel
	Store    *ledger.Log
	Keep     time.Duration // how long the ledger keeps ended meetings; default 30 min
	MemoWait time.Duration // how long progress waits to be written down; default 2 s
	Observe  Observer      // nil: nobody looks
	Logger   *slog.Logger  // nil: discard

	// Forward hands on an event that was given up; nil: it lies on the ledger's
	// shelf only. It bounds its own time.
	Forward func(context.Context, outbox.Letter) error
}

// Observer counts.
type Observer interface {
	// Event is called for each event that is told to anybody.
	Event(kind string)
	// Delivery is called for each attempt that came to something.
	Delivery(o outbox.Outcome)
}

type blind struct{}

func (blind) Event(string)            {}
func (blind) Delivery(outbox.Outcome) {}

// Notifier tells what happens in the meetings of the slots that were adopted
// through it. Its methods may be called from any goroutine.
type Notifier struct {
	cfg        Config
	store      *ledger.Log
	ctx        context.Context // of everything it does
	cancel     context.CancelFunc
	background sync.WaitGroup

	letters chan outbox.Letter // to be handed on; nil without Forward
	past    *past

	life   sync.Mutex
	closed bool // guarded by life: nothing is begun in the background any more

	mu      sync.Mutex           // may be held while taking a destination's lock, never the other way round
	loading [meeting.Slots]bool  // being adopted; guarded by mu
	slots   [meeting.Slots]*Slot // guarded by mu
	dests   map[string]*shared   // guarded by mu
}

// shared is a destination and how many meetings use it.
type shared struct {
	*outbox.Destination
	users int
}

// New returns a Notifier without slots. Store may be set until the first one is
// adopted, by SetStore.
func New(cfg Config) *Notifier {
	cfg.Keep = cmp.Or(cfg.Keep, 30*time.Minute)
	cfg.MemoWait = cmp.Or(cfg.MemoWait, 2*time.Second)
	if cfg.Observe == nil {
		cfg.Observe = blind{}
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	n := &Notifier{cfg: cfg, store: cfg.Store, dests: map[string]*shared{}, past: newPast()}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.forwardLetters()
	return n
}

// SetStore says which ledger the slots are of: the ledger has to know Needed
// before it is open.
func (n *Notifier) SetStore(l *ledger.Log) { n.store = l }

// Needed reports whether something of an ended meeting has still to be told, so
// that the ledger must keep it.
func (n *Notifier) Needed(id meeting.ID) bool {
	n.mu.Lock()
	s, loading := n.slots[id.Slot()], n.loading[id.Slot()]
	n.mu.Unlock()
	return loading || s != nil && s.needs(id)
}

// take returns the destination of the name, which the channel leads to, for one
// more user. Give undoes it.
func (n *Notifier) take(ch *Channel, name string) *outbox.Destination {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.dests[name]
	if d == nil {
		cfg := ch.Open(name)
		cfg.Name, cfg.Bury, cfg.Observe, cfg.Logger = name, n.bury, n.came, n.cfg.Logger
		d = &shared{Destination: outbox.New(cfg)}
		n.dests[name] = d
	}
	d.users++
	return d.Destination
}

// give gives a destination back.
func (n *Notifier) give(d *outbox.Destination) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.dests[d.Name()]
	if s.users--; s.users == 0 && strings.Contains(d.Name(), " ") {
		delete(n.dests, d.Name()) // of a caller's choice: there may be any number
	}
}

// Destinations tells how each destination is doing that meetings lead to, by
// name.
func (n *Notifier) Destinations() (all []observe.Destination) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(n.dests)) {
		s := n.dests[name].Stats()
		all = append(all, observe.Destination{
			Name: s.Name, Kind: s.Kind, Waiting: s.Waiting, Bytes: s.Bytes, Oldest: observe.At(s.Oldest),
			Open: s.Open, Off: s.Off, Since: observe.At(s.Since), Trouble: s.Trouble,
		})
	}
	return all
}

// came takes note of what came of an event. It is called under destinations'
// locks.
func (n *Notifier) came(o outbox.Outcome) {
	n.past.came(o)
	n.cfg.Observe.Delivery(o)
}

// Told returns what has become of a meeting's latest events at each receiver,
// oldest first, as far as that is known: it lies in memory only, and of many
// meetings those are forgotten of which nothing was heard for the longest time.
func (n *Notifier) Told(id meeting.ID) []observe.Told { return n.past.of(id) }

// Resume has a destination tried again that has asked for no more events. It
// returns false when there is none of that name.
func (n *Notifier) Resume(name string) bool {
	n.mu.Lock()
	d := n.dests[name]
	n.mu.Unlock()
	if d == nil {
		return false
	}
	d.TurnOn()
	return true
}

// Close ends all that it does: no attempt begins any more, those under way may
// finish until ctx ends, and how far all came is written down. The ledger must
// still be open.
func (n *Notifier) Close(ctx context.Context) {
	n.life.Lock()
	n.closed = true
	n.life.Unlock()
	n.mu.Lock()
	dests, slots := slices.Collect(maps.Values(n.dests)), n.slots
	n.mu.Unlock()
	stop := context.AfterFunc(ctx, n.cancel)
	defer stop()
	for _, d := range dests {
		d.Close()
	}
	for _, s := range slots {
		if s != nil {
			s.writeLast(ctx)
		}
	}
	n.cancel()
	for _, s := range slots {
		if s != nil {
			s.leave()
		}
	}
	for _, ch := range n.cfg.Channels {
		if ch.Close != nil {
			ch.Close()
		}
	}
	done := make(chan struct{})
	go func() {
		n.background.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done(): // a write whose outcome is not known; it ends with the ledger
	}
}

// distribute puts events into the lanes of the meeting that lead to whoever has
// not got them yet.
func (n *Notifier) distribute(s *Slot, t *tracked, events []*event.Event) {
	for _, e := range events {
		told := false
		for i := range t.routes {
			r := &t.routes[i]
			if e.Seq > r.on && e.Position.Compare(r.done) > 0 && r.dest.Accepts(e.Type) {
				told = r.put(s, t, e) || told
			}
		}
		if told {
			n.cfg.Observe.Event(e.Type)
		}
	}
}
