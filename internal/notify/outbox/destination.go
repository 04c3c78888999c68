package outbox

import (
	"container/list"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// Config is what a destination is. All fields but Accepts, Observe and Logger
// are required.
type Config struct {
	Name string // unique among all destinations
	Kind string // "sqs", "sns", "lambda", "bus" or "webhook"

	// Send makes one attempt; it counts from 1. It bounds its own time, and
	// ends early when ctx does.
	Send func(ctx context.Context, e *event.Event, attempt int) error

	// SendMany makes one attempt for each of 2 to Many events, of different
	// lanes, in one request. failed has what came of each; whole is the error
	// of a request that brought nothing about. Nil: there is no such request.
	SendMany func(ctx context.Context, events []*event.Event) (failed []error, whole error)
	Many     int

	Accepts   func(kind string) bool // by type; nil: all
	Waits     []time.Duration        // after the first failure, the second, ...; the last repeats
	SlowWaits []time.Duration        // the same for Configuration and Missing
	GiveUp    time.Duration          // an event this old becomes a dead letter
	GiveUpNew time.Duration          // a target that has been Missing for this long makes them, too
	Width     int                    // attempts at the same time
	Unordered bool                   // events of one meeting need not wait for each other
	MaxEvents int                    // that wait; the oldest beyond them become dead letters
	MaxBytes  int                    // likewise, what they take in memory

	// Bury keeps a dead letter. On ErrNoRoom the letter is lost; on any other
	// error it is called again later.
	Bury func(ctx context.Context, l Letter) error

	Observe func(Outcome) // each attempt that came to something; nil: nobody looks
	Logger  *slog.Logger  // nil: discard
}

// Letter is an event that was given up.
type Letter struct {
	Destination string       `json:"destination"`
	Kind        string       `json:"kind"` // of the destination
	Event       *event.Event `json:"event"`
	First       time.Time    `json:"first,omitzero"` // when it was tried first; zero for never
	Last        time.Time    `json:"last,omitzero"`
	Attempts    int          `json:"attempts"`
	Reason      string       `json:"reason"` // why it was given up: a code of the destination, or a word of ours
}

// Result is what came of an attempt, or of giving an event up.
type Result string

// The results.
const (
	OK    Result = "ok"
	Retry Result = "retry"
	Dead  Result = "dead" // given up, and kept
	Lost  Result = "lost" // given up, and there was no room for it
)

// Outcome is what came of an event at a destination.
type Outcome struct {
	Destination, Kind string
	Event             *event.Event
	Result            Result
	Attempts          int           // so far
	Last              time.Time     // the latest attempt; zero for none
	Code              string        // of the latest failure, or why it was given up; empty for OK
	Lag               time.Duration // of OK: from the event to its being taken
}

// Destination takes events for one receiver. Its methods may be called from any
// goroutine.
type Destination struct {
	cfg     Config
	workers sync.WaitGroup

	mu       sync.Mutex
	items    *list.List         // of *item that are not doomed, in the order of their arrival; guarded by mu, as is all below
	bytes    int                // of items
	doomed   int                // that wait to be buried
	ready    []*Lane            // to be tried; those whose state has changed since are passed over
	now      []*Lane            // to be tried or buried whatever the circuit says
	timed    map[*Lane]struct{} // that wait for their timers
	running  int                // workers
	failures int                // in a row
	open     bool               // the circuit: only prober is tried
	prober   *Lane              // while open
	ramp     int                // attempts at the same time after the circuit was open; 0 for Width
	off      bool               // until TurnOn
	closed   bool
	trouble  string    // the last failure's code
	since    time.Time // when open or off began
}

// New returns a destination for which nothing waits.
func New(cfg Config) *Destination {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Outcome) {}
	}
	return &Destination{cfg: cfg, items: list.New(), timed: map[*Lane]struct{}{}}
}

// Name returns the destination's name.
func (d *Destination) Name() string { return d.cfg.Name }

// Kind returns what it is.
func (d *Destination) Kind() string { return d.cfg.Kind }

// Accepts reports whether it takes events of the type.
func (d *Destination) Accepts(kind string) bool { return d.cfg.Accepts == nil || d.cfg.Accepts(kind) }

// Unordered reports whether each event should have a Lane of its own.
func (d *Destination) Unordered() bool { return d.cfg.Unordered }

// Lane returns a new lane, whose events through a position are done with.
// Attempts end when ctx does; then the lane has to be dropped. settled is called
// for each event that is done with, taken by the receiver or buried; it must not
// block nor call the destination.
func (d *Destination) Lane(ctx context.Context, id meeting.ID, done event.Position, settled func(e *event.Event, taken bool)) *Lane {
	return &Lane{dest: d, ctx: ctx, meeting: id, done: done, settled: settled}
}

// putLocked appends an event to a lane.
func (d *Destination) putLocked(l *Lane, e *event.Event, since time.Time) {
	if l.state == dropped {
		return
	}
	it := &item{event: e, since: since, lane: l}
	it.place = d.items.PushBack(it)
	d.bytes += e.Size()
	l.queue = append(l.queue, it)
	for d.items.Len() > d.cfg.MaxEvents || d.bytes > d.cfg.MaxBytes {
		if !d.doomOldestLocked() {
			break
		}
	}
	if l.state == idle {
		d.nextLocked(l)
	}
	d.pumpLocked()
}

// doomOldestLocked gives up the event that waits longest, but for those that are
// being sent.
func (d *Destination) doomOldestLocked() bool {
	for place := d.items.Front(); place != nil; place = place.Next() {
		it := place.Value.(*item)
		if it.lane.state != busy || it.lane.queue[0] != it {
			d.doomLocked(it, "backlog full")
			return true
		}
	}
	return false
}

// TurnOn has an endpoint tried again that said that it wants no more.
func (d *Destination) TurnOn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = false
	d.closeCircuitLocked()
	d.pumpLocked()
}

// Close ends all attempts, whose lanes' contexts must have ended, and waits for
// them.
func (d *Destination) Close() {
	d.mu.Lock()
	d.closed = true
	for l := range d.timed {
		l.timer.Stop()
	}
	clear(d.timed)
	d.ready, d.now = nil, nil
	d.mu.Unlock()
	d.workers.Wait()
}

// Stats is how a destination is doing.
type Stats struct {
	Name    string
	Kind    string
	Waiting int       // events
	Bytes   int       // that they take
	Oldest  time.Time // when the oldest of them happened
	Open    bool      // it refuses everything
	Off     bool      // it has asked for no more events
	Since   time.Time // when one of the two began
	Trouble string
}

// Stats returns how it is doing now.
func (d *Destination) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Stats{Name: d.cfg.Name, Kind: d.cfg.Kind, Waiting: d.items.Len() + d.doomed, Bytes: d.bytes, Open: d.open, Off: d.off}
	if first := d.items.Front(); first != nil {
		s.Oldest = first.Value.(*item).event.Time
		s.Trouble = d.trouble
	}
	if d.open || d.off {
		s.Since, s.Trouble = d.since, d.trouble
	}
	return s
}
