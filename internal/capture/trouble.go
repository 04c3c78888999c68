package capture

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What callers of the API are told of a recording that does not do its work for
// the time being.
const (
	notStored   = "What is recorded cannot be stored at present"
	almostFull  = "The server's disk for recordings is almost full"
	interrupted = "The media pipeline was interrupted"
)

const (
	// troubledAfter is for how long storing must have failed to be told.
	troubledAfter = 30 * time.Second
	// troublePoll is between two looks at whether there is something to tell.
	troublePoll = time.Second
)

// tellTroubles writes down what keeps the recording from its work, and when that
// is over, until ctx ends.
func (j *job) tellTroubles(ctx context.Context, up *uploader) {
	ticker := time.NewTicker(troublePoll)
	defer ticker.Stop()
	said, known := "", false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		trouble := j.trouble(up)
		quiet := !j.attached.Load() || trouble != "" && j.ending.Load() // it is not at work
		if quiet || known && trouble == said {
			continue
		}
		if j.service.cfg.Control.TroublePipeline(ctx, j.pipeline.ID, trouble) == nil {
			said, known = trouble, true
		}
	}
}

// trouble is what keeps the recording from its work now; empty for nothing.
func (j *job) trouble(up *uploader) string {
	switch {
	case up.failedFor() > troubledAfter:
		return notStored
	case j.service.room.tight() && len(up.spool.waiting()) > 0:
		return almostFull
	}
	return ""
}

// takeUp writes down that a pipeline that was at work has lost its meeting: the
// server, or the one that had it before, has ended. That it goes on is told once it
// does.
func (j *job) takeUp(ctx context.Context) {
	if j.pipeline.Status == meeting.PipelineInProgress {
		j.troubled(ctx, interrupted)
	}
}

// troubled writes down that the pipeline cannot do its work for the time being; "",
// that it can again.
func (j *job) troubled(ctx context.Context, message string) {
	err := j.retry(ctx, func() error { return j.service.cfg.Control.TroublePipeline(ctx, j.pipeline.ID, message) })
	if err != nil && ctx.Err() == nil {
		j.log.Error("the pipeline's trouble could not be written down", "err", err)
	}
}
