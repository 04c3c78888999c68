package control

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// CreatePipeline creates a media pipeline. If n's token names a pipeline of the
// owner that is not over, that one is the answer, whatever else n says. ready is
// asked, once the source is known to be right and the pipeline to be new, whether
// it could do its work.
func (c *Control) CreatePipeline(ctx context.Context, n meeting.NewPipeline, ready func(context.Context) error) (*meeting.Pipeline, error) {
	source := n.Meeting
	if n.Kind == meeting.ConcatenationPipeline {
		source = n.Settings.Source
	}
	h, end, err := c.enterSlot(source.Slot())
	if err != nil {
		return nil, err
	}
	defer end()
	token := c.tokenHash(n.Owner, string('0'+rune(n.Kind))+" "+n.ClientRequestToken)
	release, err := c.tokenTurns.take(ctx, tokenKey{h.slot.Number(), token}, c.cfg.ConflictWait)
	if err != nil {
		return nil, err
	}
	p, err := c.findOrCreatePipeline(ctx, h, token, n, source, ready, release)
	if err == nil && !p.Attendee.IsZero() && p.Status == meeting.PipelineInitializing && p.ID.Slot() == h.slot.Number() {
		if err := c.AddCaptureAttendee(ctx, p); err != nil {
			c.cfg.Logger.Warn("the attendee for a media pipeline could not be made yet", "pipeline", p.ID.String(), "err", err)
		}
	}
	return p, err
}

// findOrCreatePipeline does it. The caller has the token's turn, which is given
// back by release once the outcome is known.
func (c *Control) findOrCreatePipeline(ctx context.Context, h *hold, token meeting.TokenHash, n meeting.NewPipeline, source meeting.ID, ready func(context.Context) error, release func()) (*meeting.Pipeline, error) {
	of, err := c.pipelineSource(n)
	p := c.PipelineUse(n.Owner, token).OfToken
	var others PipelineUse
	if err == nil && p == nil {
		others, err = c.otherPipelines(ctx, n.Owner, token)
		p = others.OfToken
	}
	if err == nil && p == nil {
		err = ready(ctx)
	}
	if err != nil || p != nil {
		release()
		return p, err
	}
	leave, err := c.pipelineTurns.take(ctx, source, c.cfg.ConflictWait)
	if err != nil {
		release()
		return nil, err
	}
	if err := c.reservePipeline(n, others); err != nil {
		leave()
		release()
		return nil, err
	}
	c.pipelineTurns.storing(source)
	c.tokenTurns.storing(tokenKey{h.slot.Number(), token})
	return c.createPipeline(ctx, h, token, n, of, func() {
		c.settlePipeline(&n)
		leave()
		release()
	})
}

// pipelineSource returns what is fixed about the meeting that a new pipeline is
// about, and refuses a source that is not right.
func (c *Control) pipelineSource(n meeting.NewPipeline) (*meeting.Profile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.Kind == meeting.ConcatenationPipeline {
		e := c.pipelines.byID[n.Settings.Source]
		if e == nil || e.is.Owner != n.Owner || e.is.Kind != meeting.CapturePipeline ||
			e.is.Created.Add(PipelineKept).Before(c.cfg.Clock.Now()) {
			return nil, meeting.Errorf(meeting.Invalid, "MediaPipeline %s not found", n.Settings.SourceArn)
		}
		return &meeting.Profile{ID: e.is.Meeting, ExternalMeetingID: e.is.ExternalMeetingID, MediaRegion: e.is.MediaRegion, Notifications: e.is.Notifications}, nil
	}
	e := c.index.active[n.Meeting]
	switch {
	case e == nil || e.profile.Owner.Account != n.Owner.Account || e.profile.Owner.Region != n.Owner.Region:
		return nil, meeting.Errorf(meeting.Invalid, "Meeting %s not found", n.Settings.SourceArn)
	case e.profile.Replica():
		return nil, meeting.Errorf(meeting.Invalid, "Meeting %s is a replica: capture its primary meeting instead", n.Settings.SourceArn)
	}
	return e.profile, nil
}

// reservePipeline counts a pipeline that is being created against the limits,
// until settlePipeline. A slot that moves may be told of twice: each pipeline
// counts once.
func (c *Control) reservePipeline(n meeting.NewPipeline, others PipelineUse) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := pipelineAccount{n.Owner.Account, n.Owner.Region}
	active, composing := map[meeting.ID]bool{}, c.pipelines.composing
	for _, id := range others.Active {
		active[id] = true
	}
	for _, e := range c.pipelines.byID {
		p := e.is
		if p.Status.Over() {
			continue
		}
		if p.Settings.Composes(p.Kind) {
			composing++
		}
		if p.Owner.Account != key.account || p.Owner.Region != key.region {
			continue
		}
		active[p.ID] = true
		if n.Kind != meeting.ConcatenationPipeline && p.Kind == n.Kind && p.Meeting == n.Meeting {
			return meeting.Errorf(meeting.LimitExceeded, "Cannot create new media %s pipeline for source type 'ChimeSdkMeeting' and source arn '%s'. Limit reached",
				kindName(n.Kind), n.Settings.SourceArn)
		}
	}
	composes := n.Settings.Composes(n.Kind)
	switch {
	case len(active)+others.Reserved+c.pipelines.reserved[key] >= c.cfg.Pipelines:
		return meeting.Errorf(meeting.LimitExceeded, "Active media pipeline limit of %d exceeded", c.cfg.Pipelines)
	case composes && composing >= c.cfg.Composing:
		return meeting.Errorf(meeting.LimitExceeded, "Limit of %d media pipelines that compose video exceeded", c.cfg.Composing)
	case composes:
		c.pipelines.composing++
	}
	c.pipelines.reserved[key]++
	return nil
}

// kindName is what messages call the kinds of which a meeting has one.
func kindName(k meeting.PipelineKind) string {
	if k == meeting.LiveConnectorPipeline {
		return "live connector"
	}
	return "capture"
}

// settlePipeline ends what reservePipeline began.
func (c *Control) settlePipeline(n *meeting.NewPipeline) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := pipelineAccount{n.Owner.Account, n.Owner.Region}
	if c.pipelines.reserved[key]--; c.pipelines.reserved[key] == 0 {
		delete(c.pipelines.reserved, key)
	}
	if n.Settings.Composes(n.Kind) {
		c.pipelines.composing--
	}
}

// createPipeline writes the first record. release is called once the outcome is
// known.
func (c *Control) createPipeline(ctx context.Context, h *hold, token meeting.TokenHash, n meeting.NewPipeline, of *meeting.Profile, release func()) (*meeting.Pipeline, error) {
	ids := newIDs(3)
	id := ids.next().InSlot(h.slot.Number())
	rec := meeting.DecidePipeline(c.stamp(ctx, ids), id, token, n, of, ids.next)
	e := &pipelineEntry{hold: h}
	if err := c.writePipeline(ctx, h, e, nil, rec, release); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.is, nil
}

// writePipeline appends the record and makes it known. The caller has the
// pipeline's turn, which is given back by release once the outcome is known, be
// it after writePipeline has returned.
func (c *Control) writePipeline(ctx context.Context, h *hold, e *pipelineEntry, p *meeting.Pipeline, rec *meeting.Record, release func()) error {
	var id meeting.ID
	if first, ok := rec.Body.(*meeting.PipelineCreated); ok {
		id = first.Pipeline.ID
	} else {
		id = p.ID
	}
	revision, err := c.putPipeline(ctx, h, id, e.revision, rec)
	if c.later(err, func(revision ledger.Revision, err error) {
		defer release()
		if err == nil {
			err = c.advancePipeline(e, p, revision, rec)
		}
		c.late(h, id, err)
	}) {
		return c.refused(ctx, h, id, err)
	}
	defer release()
	if err != nil {
		return c.refused(ctx, h, id, err)
	}
	return c.advancePipeline(e, p, revision, rec)
}

// putPipeline writes the record. What ends a recording must not wait for room on
// the disk.
func (c *Control) putPipeline(ctx context.Context, h *hold, id meeting.ID, after ledger.Revision, rec *meeting.Record) (ledger.Revision, error) {
	ctx = context.WithoutCancel(ctx)
	switch b := rec.Body.(type) {
	case *meeting.PipelineEnded:
		keep := max(b.Pipeline.Updated.Add(PipelineKept).Sub(c.now()), time.Second)
		return h.slot.End(ctx, id, after, rec.Encode(), keep)
	case *meeting.PipelineMoved:
		return h.slot.Append(ctx, id, after, rec.Encode(), ledger.Urgent)
	}
	return h.slot.Append(ctx, id, after, rec.Encode(), ledger.Ordinary)
}

// advancePipeline makes a committed record known. The caller has the pipeline's
// turn.
func (c *Control) advancePipeline(e *pipelineEntry, p *meeting.Pipeline, revision ledger.Revision, rec *meeting.Record) error {
	next, err := p.Fold(rec)
	if err != nil {
		return &meeting.Error{Kind: meeting.Failure, Message: "The media pipeline's records do not fit", Err: err}
	}
	c.mu.Lock()
	served := c.holds[next.ID.Slot()] == e.hold
	if served {
		next = c.withMeetingLocked(next) // which may have ended meanwhile
	}
	e.is, e.revision = next, revision
	if served {
		c.pipelines.byID[next.ID] = e
		c.pipelines.forget(c.cfg.Clock.Now())
	}
	watch := c.pipelines.watch
	c.mu.Unlock()
	if served {
		watch(PipelineChange{Pipeline: next})
	}
	return nil
}
