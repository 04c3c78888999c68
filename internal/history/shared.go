package history

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Trail is how ended meetings get from the node that ran them to all nodes of a
// cluster: a replicated list to which each meeting is added once. *ledger.Log is
// one; what its methods promise is said there.
type Trail interface {
	OpenKept(ctx context.Context) error
	Preserve(ctx context.Context, id meeting.ID, data []byte) error
	Preserved(ctx context.Context, after uint64, fn func(seq uint64, id meeting.ID, data []byte) error) error
	PreservedRange(ctx context.Context) (first, last uint64, err error)
}

const (
	// followEvery is how often a node looks for what others have kept. Who
	// reads does not wait for that: it looks by itself.
	followEvery = 2 * time.Second
	// catchUpAgain is how long it is waited before another try to read.
	catchUpAgain = 100 * time.Millisecond
	// patience is how long a reader waits for what this node has not got yet;
	// the store's own election takes up to that.
	patience = 10 * time.Second
	// sideBySide is how many meetings a node adds to the trail at a time: each
	// waits for the disks of most nodes.
	sideBySide = 16
)

// Shared is an Archive of which every node of a cluster has all. What a node
// keeps goes to the Trail; every node reads the Trail and writes what it finds
// there into files of its own, which is what answers come from. So an ended
// meeting outlives the node that ran it, and a node that lost its disk, or a part
// of it, has everything again soon after its start.
//
// Before it says that there is nothing, or what there is, it asks the Trail how
// far that has come: an answer is whole or it is an error.
type Shared struct {
	*Archive
	trail Trail
	room  func() bool
	log   *slog.Logger

	stop   context.CancelFunc
	done   chan struct{}
	opened chan struct{} // closed once there is a Trail

	reading chan struct{} // holds one value while the Trail is read
	through atomic.Uint64 // sequence of the last meeting of the Trail that was taken; written while reading
}

// Share makes an archive one that all nodes have, and begins to follow the
// others. room reports whether the disk has room for what need not be kept.
// Close ends it.
func Share(archive *Archive, trail Trail, room func() bool, log *slog.Logger) *Shared {
	ctx, stop := context.WithCancel(context.Background())
	s := &Shared{
		Archive: archive, trail: trail, room: room, log: log, stop: stop,
		done: make(chan struct{}), opened: make(chan struct{}), reading: make(chan struct{}, 1),
	}
	go s.run(ctx)
	return s
}

// Close ends the following and closes the archive.
func (s *Shared) Close() error {
	s.stop()
	<-s.done
	return s.Archive.Close()
}

func (s *Shared) atOnce() int { return sideBySide }

// Keep adds an ended meeting to what all nodes have, unless it is there. When it
// returns nil, most nodes have it on their disks.
func (s *Shared) Keep(ctx context.Context, d *observe.Detail) error {
	if s.Has(d.Meeting.ID) {
		return nil
	}
	frame, err := new(press).frame(d)
	if err != nil {
		return err
	}
	if err := s.waitOpen(ctx); err != nil {
		return err
	}
	return s.trail.Preserve(ctx, d.Meeting.ID, frame)
}

// waitOpen waits until there is a Trail.
func (s *Shared) waitOpen(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-s.opened:
		return nil
	case <-ctx.Done():
		return behind()
	}
}

// behind is what a reader is told who would otherwise get less than there is.
func behind() error {
	return meeting.Errorf(meeting.Unavailable, "What is kept of ended meetings is being read from the other servers")
}

func (s *Shared) run(ctx context.Context) {
	defer close(s.done)
	for err := s.trail.OpenKept(ctx); err != nil; err = s.trail.OpenKept(ctx) {
		s.log.Debug("what is kept of ended meetings cannot be opened yet", "err", err)
		if !wait(ctx, catchUpAgain) {
			return
		}
	}
	close(s.opened)
	there := map[meeting.ID]bool{} // in the Trail
	for err := s.bring(ctx, there); err != nil; err = s.bring(ctx, there) {
		s.log.Debug("ended meetings cannot be brought to the other nodes yet", "err", err)
		if !wait(ctx, followEvery) {
			return
		}
	}
	for wait(ctx, followEvery) {
		if err := s.catchUp(ctx, nil); err != nil {
			s.log.Debug("what other nodes keep of ended meetings cannot be read", "err", err)
		}
	}
}

// wait reports false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// bring adds to the Trail what only this node has: from when it was alone. Once
// something has left the Trail for its age or for want of room, what is missing
// there is not to come back.
func (s *Shared) bring(ctx context.Context, there map[meeting.ID]bool) error {
	if err := s.catchUp(ctx, there); err != nil {
		return err
	}
	first, last, err := s.trail.PreservedRange(ctx)
	if err != nil || first > 1 {
		return err
	}
	if last > s.through.Load() {
		return behind()
	}
	return s.frames(there, func(id meeting.ID, frame []byte) error { return s.trail.Preserve(ctx, id, frame) })
}

// follow takes what the Trail has up to its last meeting. A Trail that ends
// before what was taken from it is another one, and read from its beginning.
func (s *Shared) follow(ctx context.Context, last uint64) error {
	if last < s.through.Load() {
		s.reading <- struct{}{}
		s.through.Store(0)
		<-s.reading
	}
	return s.catchUp(ctx, nil)
}

// catchUp takes what has come to the Trail since the last time, and notes in
// there which meetings those are.
func (s *Shared) catchUp(ctx context.Context, there map[meeting.ID]bool) error {
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.reading }()
	return s.trail.Preserved(ctx, s.through.Load(), func(seq uint64, id meeting.ID, data []byte) error {
		if there != nil {
			there[id] = true
		}
		if err := s.copyHere(id, data); err != nil {
			return err
		}
		s.through.Store(seq)
		return nil
	})
}

// errNoRoom says that the disk has no room for what need not be kept.
var errNoRoom = errors.New("the disk is nearly full")

// copyHere writes down a meeting from the Trail. What nobody can read is passed
// over.
func (s *Shared) copyHere(id meeting.ID, data []byte) error {
	if s.Has(id) {
		return nil
	}
	if !s.room() {
		return errNoRoom
	}
	err := s.take(data)
	if errors.Is(err, errSpoilt) {
		s.log.Warn("an ended meeting that other nodes keep cannot be read, and is passed over", "meeting", id.String())
		return nil
	}
	return err
}

// current waits until this node has all that the Trail has now.
func (s *Shared) current(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.waitOpen(ctx); err != nil {
		return err
	}
	for {
		_, last, err := s.trail.PreservedRange(ctx)
		if err == nil && s.through.Load() != last {
			err = s.follow(ctx, last)
		}
		if err == nil && s.through.Load() >= last {
			return nil
		}
		if !wait(ctx, catchUpAgain) {
			return behind()
		}
	}
}

// Meeting returns the row of an ended meeting; ok is false when it is not kept.
// The error is a *meeting.Error: this node cannot tell now.
func (s *Shared) Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool, err error) {
	if !s.Has(id) {
		if err := s.current(ctx); err != nil {
			return m, false, err
		}
	}
	return s.Archive.Meeting(ctx, id)
}

// Detail returns all that is kept of an ended meeting; ok and the error are as
// those of Meeting.
func (s *Shared) Detail(ctx context.Context, id meeting.ID) (d observe.Detail, ok bool, err error) {
	if !s.Has(id) {
		if err := s.current(ctx); err != nil {
			return d, false, err
		}
	}
	return s.Archive.Detail(ctx, id)
}

// List returns a page of the ended meetings of an account. Of the active ones it
// has none. The error is as that of Meeting.
func (s *Shared) List(ctx context.Context, q observe.Query) (page observe.Page, err error) {
	if !q.Ended {
		return page, nil
	}
	if err := s.current(ctx); err != nil {
		return page, err
	}
	return s.Archive.List(ctx, q)
}

// Latest returns the rows of the meetings of all accounts that ended last, the
// latest first. The caller must not change them. The error is as that of
// Meeting.
func (s *Shared) Latest(ctx context.Context) ([]observe.Meeting, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	return s.Archive.Latest(ctx)
}
