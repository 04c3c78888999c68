package capture

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// sourcePoll is between two looks at whether a capture that is to be concatenated
// is over.
const sourcePoll = 500 * time.Millisecond

// concatenate takes a concatenation pipeline to its end, or as far as it comes
// until ctx ends. Begun anew, it makes the same objects again.
func (j *job) concatenate(ctx context.Context) {
	_ = os.RemoveAll(j.service.spoolDir(j.pipeline.ID)) // what a crash left of an attempt
	working, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-j.stop:
			stop()
		case <-working.Done():
		}
	})
	defer func() {
		stop()
		watching.Wait()
	}()
	var made []Piece
	source, err := j.awaitSource(working)
	if err == nil {
		j.tell(working, meeting.PipelineInProgress, "")
		made, err = j.join(working, source)
	}
	_ = os.RemoveAll(j.service.spoolDir(j.pipeline.ID)) // what lay there on the way
	if ctx.Err() == nil {
		j.service.abandon(ctx, j.pipeline.ID, remainsOfJoin(j.pipeline))
	}
	if err == nil {
		j.note(made)
	}
	switch {
	case ctx.Err() != nil:
	case isClosed(j.stop):
		j.tell(ctx, meeting.PipelineStopped, "")
	case err != nil:
		j.log.Error("the concatenation failed", "err", err)
		j.tell(ctx, meeting.PipelineFailed, "The recording could not be concatenated: "+reason(err))
	default:
		j.tell(ctx, meeting.PipelineStopped, "")
	}
}

// Causes of a failed concatenation that callers of the API are told.
var (
	errNothingThere = errors.New("there is nothing to read")
	errSourceGone   = errors.New("the media pipeline does not exist any more")
)

// reason is what callers are told of a failure.
func reason(err error) string {
	for _, known := range []error{errNothingThere, errSourceGone} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "an object could not be read or stored"
}

// isUnreadable reports whether trying again would be in vain: a piece is not
// there any more, or is not what was stored.
func isUnreadable(err error) bool {
	return errors.Is(err, errNothingThere) || errors.Is(err, mp4.ErrFormat) || errors.Is(err, errChanged) || errors.Is(err, fs.ErrNotExist) || statusOf(err) == 404
}

// awaitSource waits until the capture is over.
func (j *job) awaitSource(ctx context.Context) (*meeting.Pipeline, error) {
	ticker := time.NewTicker(sourcePoll)
	defer ticker.Stop()
	for {
		p, ok := j.service.cfg.Control.Pipeline(j.pipeline.Settings.Source)
		switch {
		case !ok:
			return nil, errSourceGone
		case p.Status.Over():
			return p, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// note lists the outputs in a journal, for those who want to play them.
func (j *job) note(made []Piece) {
	dir := j.service.spoolDir(j.pipeline.ID)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = writeJournal(dir, made)
	}
	if err != nil {
		j.log.Warn("the outputs are stored, but not listed", "err", err)
	}
}

// join makes the outputs, however often storing must be tried, and returns them.
func (j *job) join(ctx context.Context, source *meeting.Pipeline) ([]Piece, error) {
	s := j.service
	journal, err := readJournal(s.spoolDir(source.ID))
	if err != nil {
		return nil, err
	}
	work := joining{sink: s.cfg.Sink, source: source, pipeline: j.pipeline, dir: s.spoolDir(j.pipeline.ID), pieces: journal.there(), listed: s.cfg.Shared || !journal.complete()}
	begun, wait := s.cfg.Now(), firstRetry
	for {
		err := work.run(ctx)
		if err == nil || ctx.Err() != nil || s.cfg.Now().Sub(begun) > s.cfg.GiveUp || isUnreadable(err) {
			return work.made, err
		}
		j.log.Warn("the concatenation did not succeed, will try again", "err", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		wait = min(2*wait, lastRetry)
	}
}
