package control

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Media pipelines. Each is a log of its own in the slot of its meeting, so that
// its id leads to its owner as a meeting's does. All of them are in memory: there
// are few, and they are small. What they do is done elsewhere, by who watches
// them.

// PipelineKept is how long a pipeline that is over is remembered, and can be
// concatenated: the figure that Amazon documents for the latter.
const PipelineKept = 30 * 24 * time.Hour

// PipelineChange is a pipeline as it is after a committed change.
type PipelineChange struct {
	Pipeline *meeting.Pipeline
	// Moved says that the pipeline is not served here any more.
	Moved bool
}

// pipelineIndex is all pipelines of the slots that are served here. Guarded by
// Control.mu.
type pipelineIndex struct {
	byID      map[meeting.ID]*pipelineEntry
	reserved  map[pipelineAccount]int // pipelines that are being created
	composing int                     // of these, those that compose video
	watch     func(PipelineChange)
}

// pipelineAccount is whose pipelines are counted together.
type pipelineAccount struct{ account, region string }

// pipelineEntry is one pipeline.
type pipelineEntry struct {
	hold     *hold
	revision ledger.Revision   // of the last record; guarded by the pipeline's turn
	is       *meeting.Pipeline // replaced, never changed; guarded by Control.mu
}

func newPipelineIndex() pipelineIndex {
	return pipelineIndex{
		byID: map[meeting.ID]*pipelineEntry{}, reserved: map[pipelineAccount]int{},
		watch: func(PipelineChange) {},
	}
}

// WatchPipelines has fn told of every committed change of a pipeline from now
// on, and of those that are not over now. fn must not block. It may be told of a
// pipeline's earlier status after a later one.
func (c *Control) WatchPipelines(fn func(PipelineChange)) {
	c.mu.Lock()
	c.pipelines.watch = fn
	now := c.pipelines.list(func(p *meeting.Pipeline) bool { return !p.Status.Over() })
	c.mu.Unlock()
	for _, p := range now {
		fn(PipelineChange{Pipeline: p})
	}
}

// list returns the pipelines for which is holds, in the order of their creation.
func (x *pipelineIndex) list(is func(*meeting.Pipeline) bool) (list []*meeting.Pipeline) {
	for _, e := range x.byID {
		if is(e.is) {
			list = append(list, e.is)
		}
	}
	slices.SortFunc(list, (*meeting.Pipeline).Before)
	return list
}

func (x *pipelineIndex) dropSlot(slot int) (gone []*meeting.Pipeline) {
	gone = x.list(func(p *meeting.Pipeline) bool { return p.ID.Slot() == slot })
	for _, p := range gone {
		delete(x.byID, p.ID)
	}
	return gone
}

// forget drops the pipelines that were over for long enough.
func (x *pipelineIndex) forget(now time.Time) {
	for id, e := range x.byID {
		if e.is.Status.Over() && e.is.Updated.Add(PipelineKept).Before(now) {
			delete(x.byID, id)
		}
	}
}

func (c *Control) forgetPipelines() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pipelines.forget(c.cfg.Clock.Now())
}

// foldPipeline takes the next record of a pipeline in.
func (f *found) foldPipeline(stored ledger.Entry) error {
	if stored.Gap {
		return ledger.ErrDamaged
	}
	rec, err := meeting.DecodeRecord(stored.Data)
	if err == nil {
		f.pipeline, err = f.pipeline.Fold(rec)
	}
	f.revision = stored.Revision
	return err
}

// restorePipelinesLocked puts those that an adoption read into the index. It
// returns those that are not over.
func (c *Control) restorePipelinesLocked(r *restored) (active []*meeting.Pipeline) {
	oldest := c.cfg.Clock.Now().Add(-PipelineKept)
	for slot, all := range r.slots {
		for id, f := range all {
			p := f.pipeline
			if p == nil || p.Status.Over() && p.Updated.Before(oldest) {
				continue
			}
			p = c.withMeetingLocked(p)
			if !p.Status.Over() {
				active = append(active, p)
			}
			c.pipelines.byID[id] = &pipelineEntry{hold: c.holds[slot], revision: f.revision, is: p}
		}
	}
	slices.SortFunc(active, (*meeting.Pipeline).Before)
	return active
}

// withMeetingLocked returns a pipeline as it is with its meeting as that is now.
func (c *Control) withMeetingLocked(p *meeting.Pipeline) *meeting.Pipeline {
	if c.index.active[p.Meeting] != nil {
		return p
	}
	at := p.Updated // long ago: the meeting is forgotten
	if g := c.index.tombstones[p.Meeting]; g != nil {
		at = g.at
	}
	return p.EndedWith(at)
}

// stopPipelinesLocked stops the pipelines of a meeting that has just ended. It
// returns what tells the watcher.
func (c *Control) stopPipelinesLocked(id meeting.ID) (tell func()) {
	var stopped []*meeting.Pipeline
	for _, e := range c.pipelines.byID {
		if e.is.Meeting != id {
			continue
		}
		if next := c.withMeetingLocked(e.is); next != e.is {
			e.is = next
			stopped = append(stopped, next)
		}
	}
	watch := c.pipelines.watch
	return func() {
		for _, p := range stopped {
			watch(PipelineChange{Pipeline: p})
		}
	}
}

// Pipeline returns any pipeline; for an operator, and for who carries it out.
func (c *Control) Pipeline(id meeting.ID) (*meeting.Pipeline, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.pipelines.byID[id]; e != nil {
		return e.is, true
	}
	return nil, false
}

// Pipelines returns all pipelines that are remembered, in the order of their
// creation; for an operator.
func (c *Control) Pipelines() []*meeting.Pipeline {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pipelines.list(func(*meeting.Pipeline) bool { return true })
}

// GetPipeline returns a pipeline of the owner, of the kind unless that is 0.
func (c *Control) GetPipeline(_ context.Context, owner meeting.Owner, id meeting.ID, kind meeting.PipelineKind) (*meeting.Pipeline, error) {
	_, end, err := c.enterSlot(id.Slot())
	if err != nil {
		return nil, err
	}
	defer end()
	e, err := c.findPipeline(owner, id, kind)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.is, nil
}

func (c *Control) findPipeline(owner meeting.Owner, id meeting.ID, kind meeting.PipelineKind) (*pipelineEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.pipelines.byID[id]
	if e == nil || e.is.Owner != owner || kind != 0 && e.is.Kind != kind {
		return nil, meeting.MissingPipeline(id)
	}
	return e, nil
}

// StopPipeline stops a pipeline of the owner, of the kind unless that is 0. One
// that stops already, or is over, stays as it is.
func (c *Control) StopPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, kind meeting.PipelineKind) error {
	return c.changePipeline(ctx, id, func() (*pipelineEntry, error) { return c.findPipeline(owner, id, kind) },
		func(p *meeting.Pipeline, by meeting.Stamp) (*meeting.Record, error) {
			return p.DecideStatus(by, meeting.PipelineStopping, ""), nil
		})
}

// MovePipeline writes down that a pipeline has come to a status; failure says
// why it has failed. For who carries it out.
func (c *Control) MovePipeline(ctx context.Context, id meeting.ID, to meeting.PipelineStatus, failure string) error {
	return c.changePipeline(ctx, id, c.anyPipeline(id), func(p *meeting.Pipeline, by meeting.Stamp) (*meeting.Record, error) {
		return p.DecideStatus(by, to, failure), nil
	})
}

// TroublePipeline writes down that a pipeline cannot do its work for the time
// being, and why; with an empty message, that it can again. For who carries it
// out.
func (c *Control) TroublePipeline(ctx context.Context, id meeting.ID, message string) error {
	return c.changePipeline(ctx, id, c.anyPipeline(id), func(p *meeting.Pipeline, by meeting.Stamp) (*meeting.Record, error) {
		return p.DecideTrouble(by, message), nil
	})
}

func (c *Control) anyPipeline(id meeting.ID) func() (*pipelineEntry, error) {
	return func() (*pipelineEntry, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if e := c.pipelines.byID[id]; e != nil {
			return e, nil
		}
		return nil, meeting.MissingPipeline(id)
	}
}

// PipelineTags returns the tags of a pipeline of the owner.
func (c *Control) PipelineTags(ctx context.Context, owner meeting.Owner, id meeting.ID) ([]meeting.Tag, error) {
	p, err := c.GetPipeline(ctx, owner, id, 0)
	if err != nil {
		return nil, err
	}
	return p.Tags, nil
}

// TagPipeline adds tags to a pipeline of the owner, replacing the value of keys
// that are there.
func (c *Control) TagPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, tags []meeting.Tag) error {
	return c.changePipeline(ctx, id, func() (*pipelineEntry, error) { return c.findPipeline(owner, id, 0) },
		func(p *meeting.Pipeline, by meeting.Stamp) (*meeting.Record, error) { return p.DecideTags(by, tags) })
}

// UntagPipeline removes tags from a pipeline of the owner.
func (c *Control) UntagPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, keys []string) error {
	return c.changePipeline(ctx, id, func() (*pipelineEntry, error) { return c.findPipeline(owner, id, 0) },
		func(p *meeting.Pipeline, by meeting.Stamp) (*meeting.Record, error) {
			return p.DecideUntag(by, keys), nil
		})
}

// AddCaptureAttendee makes the attendee that stands for the pipeline in its
// meeting, unless it is there.
func (c *Control) AddCaptureAttendee(ctx context.Context, p *meeting.Pipeline) error {
	return c.change(ctx, operated(p.Meeting), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideCaptureAttendee(s, by, p)
	})
}

// RemoveCaptureAttendee removes it again. That the meeting is over is no error.
func (c *Control) RemoveCaptureAttendee(ctx context.Context, p *meeting.Pipeline) error {
	err := c.change(ctx, operated(p.Meeting), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideCaptureAttendeeGone(s, by, p)
	})
	if isKind(err, meeting.NotFound) {
		return nil
	}
	return err
}

// pipelineDecision makes the record of a change; nil when nothing changes.
type pipelineDecision func(p *meeting.Pipeline, by meeting.Stamp) (*meeting.Record, error)

// changePipeline writes what decide makes of the pipeline that find finds.
func (c *Control) changePipeline(ctx context.Context, id meeting.ID, find func() (*pipelineEntry, error), decide pipelineDecision) error {
	h, end, err := c.enterSlot(id.Slot())
	if err != nil {
		return err
	}
	defer end()
	release, err := c.pipelineTurns.take(ctx, id, c.cfg.ConflictWait)
	if err != nil {
		return err
	}
	release = sync.OnceFunc(release)
	e, err := find()
	if err != nil {
		release()
		return err
	}
	c.mu.Lock()
	p := e.is
	c.mu.Unlock()
	rec, err := decide(p, c.stamp(ctx, newIDs(1)))
	if err != nil || rec == nil {
		release()
		return err
	}
	c.pipelineTurns.storing(id)
	return c.writePipeline(ctx, h, e, p, rec, release)
}
