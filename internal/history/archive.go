package history

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Bounds says how much an Archive keeps. The oldest goes first.
type Bounds struct {
	Age   time.Duration // since the end of the meeting
	Bytes int64         // on disk, of all meetings together
}

// maxEntries bounds how many ended meetings are kept, about 300 bytes of memory
// each.
const maxEntries = 100_000

// segments is into how many files the bytes are divided: what goes first goes
// as a whole file.
const segments = 16

// Archive keeps ended meetings on disk. It is safe for concurrent use.
type Archive struct {
	dir    string
	bounds Bounds
	now    func() time.Time
	log    *slog.Logger

	writing sync.Mutex // held while a file is written

	mu       sync.Mutex
	entries  map[meeting.ID]*entry
	order    []*entry // the first to have ended first
	segments []*segment
	latest   []observe.Meeting // what Latest returned last; nil when that is not true any more

	open  *os.File // of the last segment; nil before something was written; guarded by writing
	press press    // guarded by writing
}

// segment is one file.
type segment struct {
	path   string
	number int
	size   int64
	newest time.Time // end of the meeting that ended last
}

// OpenArchive opens the archive in a directory, creating it when it is not
// there. What is damaged is passed over with a warning. now tells the time; nil
// is time.Now.
func OpenArchive(dir string, bounds Bounds, now func() time.Time, log *slog.Logger) (*Archive, error) {
	if now == nil {
		now = time.Now
	}
	a := &Archive{dir: dir, bounds: bounds, now: now, log: log, entries: map[meeting.ID]*entry{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "ended-*.seg"))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	slices.Sort(files) // their numbers have the same length
	for _, path := range files {
		a.load(path)
	}
	slices.SortFunc(a.order, byEnd)
	a.expire()
	return a, nil
}

func byEnd(x, y *entry) int {
	return cmp.Or(x.ended.Compare(y.ended.Time), bytes.Compare(x.id[:], y.id[:]))
}

// load reads what a file has.
func (a *Archive) load(path string) {
	s := &segment{path: path}
	if _, err := fmt.Sscanf(filepath.Base(path), "ended-%d.seg", &s.number); err != nil {
		a.log.Warn("a file in the archive of ended meetings has a strange name", "file", path)
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		a.log.Warn("a file of the archive of ended meetings cannot be read", "file", path, "err", err)
		return
	}
	s.size = int64(len(data))
	scan(data, func(m *observe.Meeting, offset int, h header) {
		a.add(place{s, int64(offset), h}, m)
	}, func(offset, length int) {
		a.log.Warn("a part of the archive of ended meetings is damaged and passed over", "file", path, "offset", offset, "bytes", length)
	})
	if info, err := os.Stat(path); err == nil && s.newest.IsZero() {
		s.newest = info.ModTime() // all of it is damaged: it stays as long as it would have
	}
	a.segments = append(a.segments, s)
}

// add notes an ended meeting. The first that is kept of one counts.
func (a *Archive) add(p place, m *observe.Meeting) {
	if a.entries[m.ID] != nil {
		return
	}
	e := &entry{place: p, id: m.ID, ended: m.Ended, account: unique.Make(m.Account).Value(), external: strings.Clone(m.External)}
	for _, t := range m.Tags {
		e.tags = append(e.tags, observe.Tag{Key: unique.Make(t.Key).Value(), Value: strings.Clone(t.Value)})
	}
	a.entries[m.ID] = e
	a.order, a.latest = append(a.order, e), nil
	if m.Ended.After(p.segment.newest) {
		p.segment.newest = m.Ended.Time
	}
}

// Has reports whether an ended meeting is kept.
func (a *Archive) Has(id meeting.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keptLocked(id) != nil
}

// keptLocked returns an ended meeting unless it is too old.
func (a *Archive) keptLocked(id meeting.ID) *entry {
	e := a.entries[id]
	if e == nil || a.now().Sub(e.ended.Time) > a.bounds.Age {
		return nil
	}
	return e
}

// Keep puts an ended meeting on the disk, unless it is there. It is there
// after a power cut only once Sync has returned.
func (a *Archive) Keep(_ context.Context, d *observe.Detail) error {
	if a.Has(d.Meeting.ID) {
		return nil
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	b, err := a.press.frame(d)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return a.writeLocked(b, &d.Meeting)
}

// take puts a frame that another node made on the disk, unless the meeting is
// there, or is older than all that is kept while there is little room: it would
// push out what is newer.
func (a *Archive) take(frame []byte) error {
	var m observe.Meeting
	h, err := readRow(frame, &m)
	if err == nil && len(frame) != frameHead+h.head+h.body {
		err = errSpoilt
	}
	if err != nil {
		return fmt.Errorf("archive: a meeting from another node: %w", err)
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	if !a.wants(&m) {
		return nil
	}
	return a.writeLocked(frame, &m)
}

// wants tells whether a meeting from another node is to be written down.
func (a *Archive) wants(m *observe.Meeting) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.entries[m.ID] != nil || a.now().Sub(m.Ended.Time) > a.bounds.Age {
		return false
	}
	var total int64
	for _, s := range a.segments {
		total += s.size
	}
	crowded := total > a.bounds.Bytes-a.bounds.Bytes/4 || len(a.entries) > maxEntries-maxEntries/4
	return !crowded || len(a.order) == 0 || m.Ended.After(a.order[0].ended.Time)
}

// writeLocked writes a frame down. The caller holds writing.
func (a *Archive) writeLocked(frame []byte, m *observe.Meeting) error {
	h, err := parseHeader(frame)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	s, err := a.room(int64(len(frame)))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if _, err := a.open.WriteAt(frame, s.size); err != nil {
		return fmt.Errorf("archive: %w", errors.Join(err, a.abandon(s)))
	}
	a.mu.Lock()
	a.add(place{s, s.size, h}, m)
	if last := len(a.order) - 1; last > 0 && byEnd(a.order[last-1], a.order[last]) > 0 {
		slices.SortFunc(a.order, byEnd)
	}
	s.size += int64(len(frame))
	a.mu.Unlock()
	a.expire()
	return nil
}

// abandon ends the writing of a segment in which a write failed: what follows
// goes to another one. The caller holds writing.
func (a *Archive) abandon(s *segment) error {
	err := errors.Join(a.open.Truncate(s.size), a.open.Close())
	a.open = nil
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.size == 0 {
		a.segments = slices.DeleteFunc(a.segments, func(other *segment) bool { return other == s })
		return errors.Join(err, os.Remove(s.path))
	}
	return err
}

// room returns the segment that so many bytes go to, which is open: the last
// one, or a new one when that is full. The caller holds writing.
func (a *Archive) room(size int64) (*segment, error) {
	a.mu.Lock()
	var last *segment
	if n := len(a.segments); n > 0 {
		last = a.segments[n-1]
	}
	a.mu.Unlock()
	if a.open != nil && last.size+size <= a.bounds.Bytes/segments {
		return last, nil
	}
	number := 1
	if last != nil {
		number = last.number + 1
	}
	s := &segment{path: filepath.Join(a.dir, fmt.Sprintf("ended-%010d.seg", number)), number: number}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := a.close(); err != nil {
		a.log.Warn("a file of the archive of ended meetings may not be on the disk", "err", err)
	}
	a.open = f
	a.mu.Lock()
	a.segments = append(a.segments, s)
	a.mu.Unlock()
	return s, durable.SyncDir(a.dir)
}

// Sync puts what was kept so far on the disk.
func (a *Archive) Sync() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if a.open == nil {
		return nil
	}
	return a.open.Sync()
}

// close ends the writing of the last segment.
func (a *Archive) close() error {
	if a.open == nil {
		return nil
	}
	err := errors.Join(a.open.Sync(), a.open.Close())
	a.open = nil
	return err
}

// Close puts everything on the disk and ends the writing.
func (a *Archive) Close() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	return a.close()
}

func (a *Archive) atOnce() int { return 1 } // one file is written to

// expire removes the segments that are too old as a whole, and the oldest while
// there is too much; but for the last one, which may be written to.
func (a *Archive) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	var total int64
	for _, s := range a.segments {
		total += s.size
	}
	now := a.now()
	for len(a.segments) > 0 {
		s := a.segments[0]
		written := len(a.segments) == 1
		old := now.Sub(s.newest) > a.bounds.Age
		if written || !old && total <= a.bounds.Bytes && len(a.entries) <= maxEntries {
			return
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			a.log.Warn("a file of the archive of ended meetings cannot be removed", "file", s.path, "err", err)
			return
		}
		total -= s.size
		a.segments, a.latest = a.segments[1:], nil
		a.order = slices.DeleteFunc(a.order, func(e *entry) bool {
			gone := e.segment == s
			if gone {
				delete(a.entries, e.id)
			}
			return gone
		})
	}
}

// Size returns how many bytes are on the disk, and of how many meetings.
func (a *Archive) Size() (size int64, meetings int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.segments {
		size += s.size
	}
	return size, len(a.entries)
}
