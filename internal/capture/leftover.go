package capture

import (
	"context"
	"os"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Spools may have pieces of pipelines that are carried out elsewhere now: this
// node was gone for a while, or gave the meeting's slot away. They are only here,
// so they are stored from here.

// storeLeft begins to store what is in spools whose pipelines have no job here.
func (s *Service) storeLeft() {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return // tidy has said so
	}
	for _, e := range entries {
		if id, ok := meeting.ParseID(e.Name()); ok {
			s.storeLeftOf(id)
		}
	}
}

// storeLeftOf does so for one pipeline.
func (s *Service) storeLeftOf(id meeting.ID) {
	if files, err := os.ReadDir(s.spoolDir(id)); err != nil || len(files) < 2 {
		return // nothing but the journal
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[id] != nil || s.ctx.Err() != nil || s.cfg.Sink == nil {
		return
	}
	j := &job{service: s, leftover: true, log: s.cfg.Logger.With("pipeline", id)}
	s.startLocked(id, j, func(ctx context.Context) { j.storeLeft(ctx, id) })
}

// storeLeft stores what the spool of a pipeline has, for as long as a recording
// may fail to be stored. What remains then is tried again after a restart.
func (j *job) storeLeft(ctx context.Context, id meeting.ID) {
	spool, err := openSpool(j.service.spoolDir(id), &j.service.room, nil)
	if err != nil {
		j.log.Error("what is left of a recording cannot be read", "err", err)
		return
	}
	defer func() {
		if err := spool.close(); err != nil {
			j.log.Warn("closing the spool", "err", err)
		}
	}()
	if spool.of == nil || len(spool.waiting()) == 0 {
		return
	}
	j.log.Info("storing what is left of a recording", "pieces", len(spool.waiting()))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	drain := make(chan struct{})
	close(drain)
	up := &uploader{sink: j.service.cfg.Sink, spool: spool, now: j.service.cfg.Now, trouble: func(since time.Duration, err error) {
		if since > j.service.cfg.GiveUp {
			j.log.Error("what is left of a recording cannot be stored; given up", "err", err)
			stop()
		}
	}}
	up.run(ctx, drain)
	j.service.abandon(j.service.ctx, id, remainsOf(spool))
}
