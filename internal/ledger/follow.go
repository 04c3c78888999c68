package ledger

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	// followBuffer is how many committed entries may wait for a slow
	// follower. What does not fit is read from the stream later.
	followBuffer = 4096

	// gapPatience is how long an entry waits for the one before it. Two
	// writes to one stream are often told of in the other order; an entry
	// that is still missing after this is read from the stream.
	gapPatience = 20 * time.Millisecond
)

// Follow calls fn for every entry committed from now on, in order, from one
// goroutine, until stop is called; stop waits for a running fn. A slow fn
// delays only its own follower. fn must not call stop and must not change the
// entry's Data, which other followers see too.
func (l *Log) Follow(fn func(id meeting.ID, e Entry)) (stop func()) {
	return l.follow(0, l.factShard(), fn)
}

// FollowFacts is Follow for media-side facts.
func (l *Log) FollowFacts(fn func(id meeting.ID, e Entry)) (stop func()) {
	return l.follow(l.factShard(), l.factShard()+1, fn)
}

// commit is one committed message on its way to the followers.
type commit struct {
	shard shard
	id    meeting.ID
	message
}

// follower hands committed entries to fn. Since this process is the only
// writer, each write tells the followers itself once it is acknowledged. The
// follower goes by the sequences of the streams, which have no gaps: a gap is
// a write that was told of out of order, got no answer, or did not fit into the
// buffer, and the stream is asked for what is missing.
type follower struct {
	log      *Log
	fn       func(meeting.ID, Entry)
	from, to shard

	commits chan commit
	missed  chan struct{} // something was not told: look into all streams
	cancel  context.CancelFunc
	done    chan struct{}

	// Used by run alone.
	last  map[shard]uint64            // sequence handed to fn
	early map[shard]map[uint64]commit // told of before the one before them
}

func (l *Log) follow(from, to shard, fn func(meeting.ID, Entry)) (stop func()) {
	ended, err := l.begin()
	if err != nil {
		return func() {}
	}
	defer ended()
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{log: l, fn: fn, from: from, to: to, cancel: cancel,
		commits: make(chan commit, l.buffer), missed: make(chan struct{}, 1), done: make(chan struct{}),
		last: map[shard]uint64{}, early: map[shard]map[uint64]commit{}}
	l.followMu.Lock()
	l.follows[f] = struct{}{}
	l.followMu.Unlock()
	// Only now, so that nothing is committed between the two unseen.
	started := f.start(ctx)
	go f.run(ctx, started)
	return sync.OnceFunc(f.close)
}

func (f *follower) close() {
	f.log.followMu.Lock()
	delete(f.log.follows, f)
	f.log.followMu.Unlock()
	f.cancel()
	<-f.done
}

// tell hands a committed message to the followers of its stream.
func (l *Log) tell(c commit) {
	l.followMu.RLock()
	defer l.followMu.RUnlock()
	for f := range l.follows {
		if c.shard < f.from || c.shard >= f.to {
			continue
		}
		select {
		case f.commits <- c:
		default:
			f.resync()
		}
	}
}

// resyncFollowers makes the followers look for a write whose outcome is not
// known.
func (l *Log) resyncFollowers() {
	l.followMu.RLock()
	defer l.followMu.RUnlock()
	for f := range l.follows {
		f.resync()
	}
}

func (f *follower) resync() {
	select {
	case f.missed <- struct{}{}:
	default:
	}
}

// start notes where each stream stands. When that cannot be learnt the disk
// or the server is gone, and Fault tells.
func (f *follower) start(ctx context.Context) bool {
	for s := f.from; s < f.to; s++ {
		var state streamState
		err := errNoAnswer
		for n := 0; n < attempts && err != nil; n++ {
			state, err = f.log.streamState(ctx, s)
		}
		if err != nil {
			f.log.fault.trip(err)
			return false
		}
		f.last[s] = state.LastSeq
	}
	return true
}

func (f *follower) run(ctx context.Context, started bool) {
	defer close(f.done)
	if !started {
		return
	}
	patience := time.NewTimer(gapPatience)
	defer patience.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-f.commits:
			f.take(c)
			if len(f.early) == 1 {
				patience.Reset(gapPatience)
			}
		case <-patience.C:
			for s := range f.early {
				f.catchUp(ctx, s)
			}
		case <-f.missed:
			for s := f.from; s < f.to; s++ {
				f.catchUp(ctx, s)
			}
		}
	}
}

// take handles one committed message, and those that waited for it.
func (f *follower) take(c commit) {
	s := c.shard
	if c.seq > f.last[s]+1 {
		if f.early[s] == nil {
			f.early[s] = map[uint64]commit{}
		}
		f.early[s][c.seq] = c
		return
	}
	for ok := c.seq == f.last[s]+1; ok; c, ok = f.early[s][f.last[s]+1] {
		delete(f.early[s], c.seq)
		f.last[s] = c.seq
		f.fn(c.id, c.entry())
	}
	if len(f.early[s]) == 0 {
		delete(f.early, s)
	}
}

// catchUp reads what is missing from the stream. It does not give up before
// ctx ends: a follower that misses entries is worse than a late one.
func (f *follower) catchUp(ctx context.Context, s shard) {
	delete(f.early, s) // told of means committed, so it will be read too
	for ctx.Err() == nil {
		err := f.log.stream(ctx, f.log.read, s, f.log.prefix(s)+"*", f.last[s], func(id meeting.ID, m message) error {
			f.last[s] = m.seq
			f.fn(id, m.entry())
			return ctx.Err()
		})
		if err == nil || ctx.Err() != nil || errors.Is(err, errStorage) {
			return
		}
		f.log.cfg.Logger.Warn("follower could not catch up yet", "stream", f.log.streamName(s), "err", err)
		wait := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}
