package control

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Clock tells the time and wakes sleepers. The zero Config uses the system's.
type Clock interface {
	Now() time.Time
	// Timer returns a channel that receives once d has passed, and a function
	// that stops the timer.
	Timer(d time.Duration) (fired <-chan time.Time, stop func() bool)
}

// Config holds the limits and timers of the control plane. A zero field takes
// the default.
type Config struct {
	Limits       meeting.Limits
	Quotas       map[string]int // active meetings of accounts that have a quota of their own, instead of Limits.Meetings
	Idle         time.Duration  // a meeting nobody is connected to ends after this; 5 min
	MaxAge       time.Duration  // a meeting ends at this age; 24 h
	Tombstone    time.Duration  // how long an ended meeting is remembered; 30 min
	Dropped      time.Duration  // a session a crash cut off counts as dropped this long after the start; 12 s
	ConflictWait time.Duration  // how long a call waits for its turn before Conflict; 5 s
	Pipelines    int            // media pipelines of one account and Region that are not over; 100
	Composing    int            // media pipelines, of all accounts, that compose video and are not over; 1
	CacheBytes   int64          // bound on the folded meetings kept in memory; 256 MiB
	Clock        Clock
	Logger       *slog.Logger // nil: discard

	// AcceptLoss gives meetings up whose records are damaged, instead of
	// refusing to start.
	AcceptLoss bool

	// Lost is called when the ledger refuses the writes of a slot because
	// somebody else has it. The slot is not served any more then. May be nil.
	Lost func(slot int)

	// Ended is called for each meeting that has ended, also for those that an
	// adoption finds ended: whoever is told may be told again. It must not
	// block. May be nil.
	Ended func(m observe.Meeting)

	// Unreached returns those of a meeting's targets that events cannot be sent
	// to, for operators to see; nil: all of them.
	Unreached func(meeting.Owner, meeting.Notifications) []string

	// Elsewhere returns how many active meetings the owner has on other
	// servers, which may have at most so many everywhere. Nil: none.
	Elsewhere func(ctx context.Context, owner meeting.Owner, most int) int

	// OtherPipelines returns what other servers have that counts when a media
	// pipeline of the owner is created with the token, and fails when one of
	// them cannot be asked. Nil: there are no others.
	OtherPipelines func(ctx context.Context, owner meeting.Owner, token meeting.TokenHash) (PipelineUse, error)

	// JoinKeys are the keys of join tokens; nil: the key that New is given.
	JoinKeys *jointoken.Ring

	// TranscriptionEngine tells whether there is an engine for transcriptions. If
	// not, what is asked for is reported as failed at once.
	TranscriptionEngine bool

	// Transcribed is how many meetings may be transcribed at the same time; 0 for no
	// limit.
	Transcribed int
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.OrDefaults()
	c.Idle = cmp.Or(max(c.Idle, 0), 5*time.Minute)
	c.MaxAge = cmp.Or(max(c.MaxAge, 0), 24*time.Hour)
	c.Tombstone = cmp.Or(max(c.Tombstone, 0), 30*time.Minute)
	c.Dropped = cmp.Or(max(c.Dropped, 0), 12*time.Second)
	c.ConflictWait = cmp.Or(max(c.ConflictWait, 0), 5*time.Second)
	c.Pipelines = cmp.Or(max(c.Pipelines, 0), 100)
	c.Composing = cmp.Or(max(c.Composing, 0), 1)
	c.CacheBytes = cmp.Or(max(c.CacheBytes, 0), 256<<20)
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Ended == nil {
		c.Ended = func(observe.Meeting) {}
	}
	if c.Unreached == nil {
		c.Unreached = func(_ meeting.Owner, n meeting.Notifications) []string { return n.Targets() }
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Timer(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// Control is the control plane. Its methods may be called from any goroutine.
// Every error they return is a *meeting.Error.
type Control struct {
	cfg Config
	log Ledger

	tokenSecret [32]byte // for request token hashes
	pageSecret  [32]byte // for pagination tokens

	// A turn on a token is taken before a turn on a meeting, never after; a
	// turn on a second meeting is taken only for the primary of a new one.
	meetingTurns turns[meeting.ID]
	tokenTurns   turns[tokenKey]

	// A turn on a pipeline is taken after all others. While one is created, it
	// is on its meeting's id.
	pipelineTurns turns[meeting.ID]

	// A turn on an attendee keeps the facts about it in order. Nothing else
	// is waited for while it is held.
	factTurns turns[factKey]

	wake   chan struct{} // tells Run that a deadline came nearer
	ending sync.Mutex    // held while meetings that are due are ended

	calls   sync.WaitGroup // running calls; Add only under mu while not closed
	closing chan struct{}  // closed by Close

	mu     sync.Mutex
	closed bool                 // guarded by mu
	index  index                // guarded by mu
	holds  [meeting.Slots]*hold // nil for slots that are not served here; guarded by mu

	pipelines pipelineIndex // guarded by mu

	transcriptions func(TranscriptionChange) // guarded by mu
}

// New returns a control plane that serves no slot yet. Slots are had from the
// ledger by Adopt and AdoptAll, which fail when a record cannot be read, because
// going on would let the meetings' limits and identities be broken. key is what
// other secrets than join tokens are derived from.
func New(cfg Config, log Ledger, key jointoken.Key) *Control {
	c := &Control{
		cfg: cfg.withDefaults(), log: log,
		tokenSecret: key.Derive("request token"), pageSecret: key.Derive("page token"),
		wake: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	if c.cfg.JoinKeys == nil {
		c.cfg.JoinKeys = jointoken.NewRing(key)
	}
	c.meetingTurns.clock, c.tokenTurns.clock, c.factTurns.clock, c.pipelineTurns.clock = c.cfg.Clock, c.cfg.Clock, c.cfg.Clock, c.cfg.Clock
	c.pipelines = newPipelineIndex()
	c.transcriptions = func(TranscriptionChange) {}
	c.index = newIndex(c.cfg)
	return c
}

// Close refuses new calls with Unavailable, stops Run, and waits for both. It
// does not close the ledger.
func (c *Control) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	c.mu.Unlock()
	c.calls.Wait()
	return nil
}

// begin admits a call that is about no slot; end must be called when it is over.
func (c *Control) begin() (end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, shuttingDown()
	}
	c.calls.Add(1)
	return c.calls.Done, nil
}

func shuttingDown() error { return meeting.Errorf(meeting.Unavailable, "The server is shutting down") }

// now returns the time as records keep it.
func (c *Control) now() time.Time { return c.cfg.Clock.Now().UTC().Truncate(time.Millisecond) }

// stamp makes the head of a new record.
func (c *Control) stamp(ctx context.Context, ids *idSource) meeting.Stamp {
	return meeting.Stamp{Command: ids.next(), Time: c.now(), Actor: actor(ctx)}
}

// maxActor bounds what is kept of an actor's name, in bytes.
const maxActor = 200

type actorKey struct{}

// WithActor returns a context whose calls are written down as the actor's, as
// in "key:AKID…" or "operator:…".
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor[:min(len(actor), maxActor)])
}

func actor(ctx context.Context) string {
	a, _ := ctx.Value(actorKey{}).(string)
	return a
}
