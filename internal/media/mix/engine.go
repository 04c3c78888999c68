package mix

import (
	"cmp"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

// Period is the time between two frames: 20 ms.
const Period = frameSamples * time.Second / opus.SampleRate

// Limits of the clock.
const (
	maxCatchUp   = 10 // frames made up for after a stall; more are skipped
	parallelFrom = 4  // rooms for which it pays to wake other goroutines
	warnEvery    = 10 * time.Second
)

// Config configures an Engine. The zero value is usable.
type Config struct {
	// NewEncoder and NewDecoder make codecs; nil means those of the package opus.
	NewEncoder func(opus.EncoderConfig) (opus.Encoder, error)
	NewDecoder func(opus.Channels) (opus.Decoder, error)
	// Bitrate is that of one channel, in bit/s, for members that ask for none; 0 =
	// opus.DefaultBitrate.
	Bitrate int
	// MaxTalkers is how many members of a room are heard at the same time; 0 =
	// DefaultMaxTalkers.
	MaxTalkers int
	// Workers bounds the goroutines that mix at the same time; 0 = GOMAXPROCS.
	Workers int
	// EndOfTick, if not nil, is called after every tick, when all sinks have had
	// their frame.
	EndOfTick func()
	// Now is the clock, which must be the one that packets' arrivals are taken from;
	// nil = time.Now.
	Now func() time.Time
	// Manual engines have no timer: the caller drives Tick. For tests.
	Manual bool
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
}

// DefaultMaxTalkers is how many members of a room are heard at the same time unless
// the Config says otherwise. Each costs a decode and an encode in every tick.
const DefaultMaxTalkers = 4

func (c Config) withDefaults() Config {
	if c.NewEncoder == nil {
		c.NewEncoder = opus.NewEncoder
	}
	if c.NewDecoder == nil {
		c.NewDecoder = opus.NewDecoder
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Bitrate = cmp.Or(c.Bitrate, opus.DefaultBitrate)
	c.MaxTalkers = cmp.Or(c.MaxTalkers, DefaultMaxTalkers)
	c.Workers = cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Engine mixes all rooms of one node. It is safe for concurrent use.
type Engine struct {
	cfg   Config
	epoch time.Time // instants are kept as durations since then
	pool  pool
	count counters

	mu     sync.Mutex
	rooms  []*Room // those with members
	closed bool

	wake    chan struct{} // a room got its first member
	stop    chan struct{}
	running sync.WaitGroup

	// Owned by the goroutine that ticks.
	tickNumber uint64
	work       []*Room
	next       atomic.Int64 // index in work
	tickTime   time.Time
	helpers    chan struct{}
	helping    sync.WaitGroup
	warned     time.Time     // when the last warning of a stall was logged
	stalled    time.Duration // skipped since then
}

// counters are for Stats.
type counters struct {
	ticks, late, skipped, encodes, stereo, decodes, busy atomic.Uint64
}

// Stats says what an Engine has done so far.
type Stats struct {
	Ticks   uint64        // frames of 20 ms
	Late    uint64        // of those: begun more than half a frame late
	Skipped uint64        // frames given up after a stall
	Encodes uint64        // frames encoded
	Stereo  uint64        // of those: in two channels
	Decodes uint64        // packets decoded
	Busy    time.Duration // time spent in ticks
	Rooms   int           // with members
}

// NewEngine starts an Engine. The error says that the codec cannot be made.
func NewEngine(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	e := &Engine{
		cfg: cfg, epoch: cfg.Now(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), helpers: make(chan struct{}),
	}
	e.pool = pool{cfg: &e.cfg}
	// A codec that does not work is better found out now than in a meeting.
	s, serr := e.pool.stream(coding{opus.Mono, cfg.Bitrate})
	v, verr := e.pool.voice()
	if err := errors.Join(serr, verr); err != nil {
		return nil, err
	}
	e.pool.putStream(s)
	e.pool.putVoice(v)
	for range cfg.Workers - 1 {
		e.running.Go(e.help)
	}
	if !cfg.Manual {
		e.running.Go(e.keepTime)
	}
	return e, nil
}

// Close stops the engine and waits for its goroutines. No sink is called after
// it returns. It is an error to use rooms afterwards.
func (e *Engine) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed = true
	e.mu.Unlock()
	close(e.stop)
	e.running.Wait()
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	rooms := len(e.rooms)
	e.mu.Unlock()
	return Stats{
		Ticks: e.count.ticks.Load(), Late: e.count.late.Load(), Skipped: e.count.skipped.Load(),
		Encodes: e.count.encodes.Load(), Stereo: e.count.stereo.Load(), Decodes: e.count.decodes.Load(),
		Busy: time.Duration(e.count.busy.Load()), Rooms: rooms,
	}
}

// Tick makes one frame for every member of every room of a Manual engine, as of
// the given time. It must not be called from two goroutines at once.
func (e *Engine) Tick(at time.Time) { e.tick(at) }

// keepTime runs a tick every 20 ms while there are members.
func (e *Engine) keepTime() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-e.wake:
		case <-e.stop:
			return
		}
		due := e.cfg.Now()
		for e.hasMembers() {
			timer.Reset(due.Sub(e.cfg.Now()))
			select {
			case <-timer.C:
			case <-e.stop:
				return
			}
			due = e.catchUp(due)
		}
	}
}

// catchUp runs all ticks that are due and returns the time of the next one. After
// a long stall the time is skipped, which members see in their timestamps.
func (e *Engine) catchUp(due time.Time) time.Time {
	for {
		behind := e.cfg.Now().Sub(due)
		switch {
		case behind < 0:
			return due
		case behind > maxCatchUp*Period:
			skip := behind / Period
			e.count.skipped.Add(uint64(skip))
			e.warnOfStall(skip * Period)
			e.tickNumber += uint64(skip)
			due = due.Add(skip * Period)
		case behind > Period/2:
			e.count.late.Add(1)
		}
		e.tick(due)
		due = due.Add(Period)
	}
}

// warnOfStall tells the operator that time was skipped, but not again and again
// on a machine that has too much to do: Stats counts all of it.
func (e *Engine) warnOfStall(skipped time.Duration) {
	e.stalled += skipped
	if now := e.cfg.Now(); e.warned.IsZero() || now.Sub(e.warned) >= warnEvery {
		e.cfg.Logger.Warn("audio mixing stalled: the machine has too much to do", "skipped_ms", e.stalled.Milliseconds())
		e.warned, e.stalled = now, 0
	}
}

func (e *Engine) hasMembers() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.rooms) > 0
}

func (e *Engine) tick(at time.Time) {
	begun := time.Now()
	e.mu.Lock()
	e.work = append(e.work[:0], e.rooms...)
	e.mu.Unlock()
	e.tickTime = at
	e.next.Store(0)
	if len(e.work) >= parallelFrom {
		e.callHelpers()
	}
	e.mixRooms()
	e.helping.Wait()
	clear(e.work) // closed rooms shall not be kept from the garbage collector
	e.tickNumber++
	if e.cfg.EndOfTick != nil {
		e.cfg.EndOfTick()
	}
	e.count.ticks.Add(1)
	e.count.busy.Add(uint64(time.Since(begun)))
}

// callHelpers wakes those helpers that are waiting.
func (e *Engine) callHelpers() {
	for range e.cfg.Workers - 1 {
		e.helping.Add(1)
		select {
		case e.helpers <- struct{}{}:
		default: // still on its way back from the last tick
			e.helping.Done()
		}
	}
}

// help mixes rooms when called.
func (e *Engine) help() {
	for {
		select {
		case <-e.helpers:
			e.mixRooms()
			e.helping.Done()
		case <-e.stop:
			return
		}
	}
}

// mixRooms takes rooms from the list until it is empty.
func (e *Engine) mixRooms() {
	for {
		i := e.next.Add(1) - 1
		if i >= int64(len(e.work)) {
			return
		}
		e.work[i].tick(e.tickNumber, e.tickTime)
	}
}

// activate puts a room on the list of those that are mixed.
func (e *Engine) activate(r *Room) {
	e.mu.Lock()
	e.rooms = append(e.rooms, r)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// deactivate takes a room off the list.
func (e *Engine) deactivate(r *Room) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, other := range e.rooms {
		if other == r {
			last := len(e.rooms) - 1
			e.rooms[i] = e.rooms[last]
			e.rooms[last] = nil
			e.rooms = e.rooms[:last]
			return
		}
	}
}
