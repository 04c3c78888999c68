package ledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	// endReserve is kept free in each stream for the entries that end
	// meetings or take something away, in bytes.
	endReserve = 8 << 20

	// spaceEvery bounds how often the size of a nearly full stream, and the
	// free space of the disk, are looked up.
	spaceEvery = time.Second

	// watchEvery is how often the ballast is looked after.
	watchEvery = 5 * time.Second

	// overhead is what a stored message takes besides its data, in bytes:
	// record, subject and headers, rounded up.
	overhead = 160
)

// Urgency says what may use the last of the space.
type Urgency uint8

const (
	// Ordinary entries are refused while the disk or the ledger is nearly
	// full.
	Ordinary Urgency = iota

	// Urgent entries take something away from somebody: they are stored as
	// long as anything can be stored.
	Urgent
)

// Space is how much room the ledger has, in bytes.
type Space struct {
	Free    int64 // on the disk
	MinFree int64 // below this, ordinary entries are refused
	Ballast int64 // set aside, given back when the disk is full
	Refuses error // why ordinary entries are refused now; nil when they are not
	Down    error // why nothing is answered at all now; nil while all is well
}

// space decides whether there is room for one more entry. Sizes are counted
// upwards by what is appended and looked up only when the count says that a
// stream may be full, so a ledger with room costs one addition per entry.
type space struct {
	cfg     Config
	ballast ballast
	total   [meeting.Slots]atomic.Int64 // by stream, what this process has written

	mu       sync.Mutex
	used     [meeting.Slots]int64     // by stream, an upper bound; guarded by mu
	asked    [meeting.Slots]time.Time // by stream, when used was looked up; guarded by mu
	diskAt   time.Time                // when diskFree was looked up; guarded by mu
	diskFree int64                    // guarded by mu

	stop chan struct{}
	done chan struct{}
}

func newSpace(cfg Config) *space {
	s := &space{
		cfg: cfg, ballast: newBallast(cfg),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	for i := range s.used {
		s.used[i] = 1 << 62 // not known yet: look it up when a limit is set
	}
	return s
}

// start makes room if there is none to start with, and then watches.
func (s *space) start() {
	if err := s.tend(false); err != nil {
		s.cfg.Logger.Warn("the disk is full", "err", err)
	}
	go s.watch()
}

func (s *space) close() {
	close(s.stop)
	<-s.done
}

// watch keeps the ballast at the size that the disk allows.
func (s *space) watch() {
	defer close(s.done)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		if err := s.tend(true); err != nil {
			s.cfg.Logger.Warn("the disk is full", "err", err)
		}
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
	}
}

// tend gives ballast back when the disk is full, and takes it again later, if
// it is to grow.
func (s *space) tend(grow bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lookLocked(time.Now()); err != nil {
		return err
	}
	if s.diskFree < ballastFloor {
		return s.ballast.makeRoom(ballastFloor)
	}
	if !grow {
		return nil
	}
	return s.ballast.grow(s.diskFree)
}

// lookLocked looks up how much of the disk is free.
func (s *space) lookLocked(now time.Time) (err error) {
	s.diskFree, err = freeBytes(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("%w: free disk space: %w", ErrUnavailable, err)
	}
	s.diskAt = now
	return nil
}

// Space returns how much room there is.
func (l *Log) Space() (Space, error) {
	down := l.fault.check()
	if down == nil {
		l.mu.Lock()
		down = l.down
		l.mu.Unlock()
	}
	s := l.space
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lookLocked(time.Now()); err != nil {
		return Space{}, err
	}
	return Space{
		Free: s.diskFree, MinFree: s.cfg.MinFree, Ballast: s.ballast.size,
		Refuses: s.diskLocked(Ordinary, 0), Down: down,
	}, nil
}

// enough tells whether the embedded server has the room to start.
func (s *space) enough() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lookLocked(time.Now()); err != nil {
		return err
	}
	return s.diskLocked(Urgent, 0)
}

// diskLocked returns ErrFull when the disk does not have the room. For what is
// urgent it gives ballast back.
func (s *space) diskLocked(u Urgency, size int64) error {
	switch {
	case s.cfg.URL != "":
		return nil // the entries go to another disk
	case u == Urgent && s.diskFree < ballastFloor+size:
		return s.ballast.makeRoom(size + urgentFloor)
	case u == Ordinary && s.diskFree < s.cfg.MinFree:
		return fmt.Errorf("%w: %d MiB free on the disk", ErrFull, s.diskFree>>20)
	}
	return nil
}

// ample tells whether the stream, one of so many, and the disk have room for
// what need not be there any more.
func (s *space) ample(stream, of int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.diskFree > 2*s.cfg.MinFree && (s.cfg.MaxBytes == 0 || s.used[stream] < s.cfg.MaxBytes/int64(2*of))
}

// admit returns ErrFull when size more bytes do not fit into the stream or the
// disk.
func (s *space) admit(ctx context.Context, e *engine, stream, size int, u Urgency) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if u == Urgent && s.diskFree < s.cfg.MinFree || now.Sub(s.diskAt) > spaceEvery {
		if err := s.lookLocked(now); err != nil {
			return err
		}
	}
	need := int64(size) + overhead
	if err := s.diskLocked(u, need); err != nil || s.cfg.MaxBytes == 0 {
		return err
	}
	limit := s.cfg.MaxBytes / int64(e.layout.Streams)
	if u == Urgent {
		limit += endReserve
	}
	if s.used[stream]+need > limit && now.Sub(s.asked[stream]) > spaceEvery {
		state, err := e.streamState(ctx, stream)
		if err != nil {
			return err
		}
		s.used[stream], s.asked[stream] = state.Bytes, now
	}
	if s.used[stream]+need > limit {
		return fmt.Errorf("%w: the limit of its size is reached", ErrFull)
	}
	s.used[stream] += need
	return nil
}

// add notes that a message of the size was written to the stream.
func (s *space) add(stream, size int) { s.total[stream].Add(int64(size) + overhead) }

// written returns how many bytes this process has written to the stream.
func (s *space) written(stream int) int64 { return s.total[stream].Load() }

func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
