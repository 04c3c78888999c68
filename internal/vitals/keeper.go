package vitals

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

const (
	// Fine is the step of the last hour.
	Fine = 10 * time.Second
	// Coarse is the step of the last 24 hours.
	Coarse = time.Minute

	fineKept   = int(time.Hour / Fine)
	coarseKept = int(24 * time.Hour / Coarse)

	// first is how long after its beginning a node has its first moment.
	first = time.Second

	// saveEvery is how often what is kept is written down: so much may be
	// missing after a crash.
	saveEvery = 10 * time.Minute
)

// Config says what a Keeper reads. Read is required.
type Config struct {
	Read func() Reading
	// File is where the last day is written down; empty for nowhere.
	File   string
	Logger *slog.Logger // default: discard
}

// Keeper measures a node. Its methods may be called from any goroutine.
type Keeper struct {
	cfg Config

	mu     sync.Mutex
	fine   ring // guarded by mu
	coarse ring // guarded by mu
	host   Host // as read last; guarded by mu
}

// New returns a Keeper that knows what the file has, and measures nothing before
// Run.
func New(cfg Config) *Keeper {
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	k := &Keeper{cfg: cfg, fine: newRing(fineKept), coarse: newRing(coarseKept)}
	if err := k.load(time.Now()); err != nil {
		cfg.Logger.Info("how this node fared before is not known", "err", err)
	}
	return k
}

// Run measures until ctx ends, and writes down what is kept.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(first)
	defer tick.Stop()
	defer k.save()
	at := time.Now()
	last := mark{k.cfg.Read(), at}
	minute, saved := last, at
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := mark{k.cfg.Read(), time.Now()}
		if k.add(&k.fine, last, now) == 1 {
			tick.Reset(Fine)
		}
		last = now
		if now.at.Sub(minute.at) >= Coarse-Fine/2 {
			k.add(&k.coarse, minute, now)
			minute = now
		}
		if now.at.Sub(saved) >= saveEvery {
			k.save()
			saved = now.at
		}
	}
}

// mark is a reading and when it was.
type mark struct {
	Reading
	at time.Time
}

// add keeps what happened between two readings, and returns how many moments
// there are then.
func (k *Keeper) add(to *ring, before, now mark) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.host = now.Host
	to.add(between(before.Reading, now.Reading, before.at, now.at))
	return len(to.kept)
}

// Vitals returns what is kept: of the last day, or only of the last hour in
// finer steps. Whose it is is for the caller to say.
func (k *Keeper) Vitals(day bool) observe.Vitals {
	k.mu.Lock()
	defer k.mu.Unlock()
	of, step := &k.fine, Fine
	if day {
		of, step = &k.coarse, Coarse
	}
	v := of.columns()
	v.Step, v.Cores, v.Memory = observe.Span(step), k.host.Cores, max(k.host.Memory, 0)
	return v
}
