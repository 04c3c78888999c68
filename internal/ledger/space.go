package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// endReserve is kept free in each stream for the entries that end
	// meetings, in bytes.
	endReserve = 8 << 20

	// spaceEvery bounds how often the size of a nearly full stream, and the
	// free space of the disk, are looked up.
	spaceEvery = time.Second
)

// space decides whether there is room for one more entry. Sizes are counted
// upwards by what is appended and looked up only when the count says that a
// stream may be full, so a ledger with room costs one addition per entry.
type space struct {
	log *Log

	mu       sync.Mutex
	used     []int64     // by shard, an upper bound; guarded by mu
	asked    []time.Time // by shard, when used was looked up; guarded by mu
	diskAt   time.Time   // when diskFree was looked up; guarded by mu
	diskFree int64       // guarded by mu
}

func newSpace(l *Log) *space {
	n := l.layout.Shards + 1
	s := &space{log: l, used: make([]int64, n), asked: make([]time.Time, n)}
	for i := range s.used {
		s.used[i] = 1 << 62 // not known yet: look it up when a limit is set
	}
	return s
}

// softLimit is each stream's share of the ledger's size.
func (l *Log) softLimit() int64 { return l.cfg.MaxBytes / int64(l.layout.Shards) }

// admit returns ErrFull when size more bytes do not fit into the stream or the
// disk.
func (s *space) admit(ctx context.Context, sh shard, size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.diskAt) > spaceEvery {
		free, err := freeBytes(s.log.cfg.Dir)
		if err != nil {
			return fmt.Errorf("%w: free disk space: %w", ErrUnavailable, err)
		}
		s.diskAt, s.diskFree = now, free
	}
	if s.diskFree < s.log.cfg.MinFree {
		return fmt.Errorf("%w: %d MiB free on the disk", ErrFull, s.diskFree>>20)
	}
	if s.log.cfg.MaxBytes == 0 {
		return nil
	}
	const overhead = 160 // record, subject and headers, rounded up
	need := int64(size) + overhead
	if s.used[sh]+need > s.log.softLimit() && now.Sub(s.asked[sh]) > spaceEvery {
		state, err := s.log.streamState(ctx, sh)
		if err != nil {
			return err
		}
		s.used[sh], s.asked[sh] = state.Bytes, now
	}
	if s.used[sh]+need > s.log.softLimit() {
		return ErrFull
	}
	s.used[sh] += need
	return nil
}

func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
