package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// job carries out one pipeline, from where its status says it is.
type job struct {
	service  *Service
	pipeline *meeting.Pipeline // as it was when the job began; nil of a leftover
	cancel   context.CancelFunc
	log      *slog.Logger
	done     chan struct{} // closed when it has ended
	moved    bool          // the pipeline is carried out elsewhere; guarded by Service.mu
	leftover bool          // it only stores what a spool has; never changes

	stop    chan struct{} // closed when the recording is to end
	once    sync.Once     // closes it
	failure string        // why it has failed, in words for callers of the API; set before stop is closed
	giveUp  func()        // ends storing

	attached, ending atomic.Bool // the recording has begun, or is to end

	heard     chan struct{} // closed when the conference has said that the meeting is over
	hearsOnce sync.Once     // closes it
}

// diskFull is what callers of the API are told when a recording has failed for want
// of room, or could not be written.
const diskFull = "The server's disk for recordings is full or cannot be written"

// Times of a job.
const (
	attachWithin = 30 * time.Second // for a recording to begin
	tellAgain    = time.Second      // between two attempts to write down a status
	lookAgain    = time.Second      // between two looks at the layers of cameras
	lastWords    = time.Second      // for a conference to say that its meeting is over
)

// follow takes the pipeline as it is now.
func (j *job) follow(p *meeting.Pipeline) {
	if p.Status >= meeting.PipelineStopping {
		j.end("")
	}
}

// end has the recording end; because of a failure, unless that is empty.
func (j *job) end(failure string) {
	j.once.Do(func() {
		j.failure = failure
		close(j.stop)
	})
}

// meetingOver is told by the conference that the meeting is.
func (j *job) meetingOver() {
	j.hearsOnce.Do(func() { close(j.heard) })
	j.end("")
}

// run takes the pipeline to its end, or as far as it comes until ctx ends.
func (j *job) run(ctx context.Context) {
	if j.pipeline.Kind == meeting.LiveConnectorPipeline {
		j.stream(ctx)
		return
	}
	if j.service.cfg.Sink == nil {
		j.log.Warn("there is nowhere to store recordings any more: this one waits until there is")
		<-ctx.Done()
		return
	}
	if j.pipeline.Kind == meeting.ConcatenationPipeline {
		j.concatenate(ctx)
		return
	}
	j.capture(ctx)
}

// capture takes a capture pipeline there.
func (j *job) capture(ctx context.Context) {
	spool, err := openSpool(j.service.spoolDir(j.pipeline.ID), &j.service.room, originOf(j.pipeline))
	if err != nil {
		j.log.Error("the recording has no spool", "err", err)
		j.tell(ctx, meeting.PipelineFailed, "The server cannot store recordings on its disk")
		return
	}
	drain, stored := make(chan struct{}), make(chan struct{})
	storing, stopStoring := context.WithCancel(ctx)
	defer stopStoring()
	j.giveUp = stopStoring
	up := &uploader{sink: j.service.cfg.Sink, spool: spool, now: j.service.cfg.Now, trouble: j.failing}
	go func() {
		defer close(stored)
		up.run(storing, drain)
	}()
	told := make(chan struct{})
	go func() {
		defer close(told)
		j.tellTroubles(storing, up)
	}()
	defer func() {
		stopStoring()
		<-told
	}()
	failure := j.record(ctx, spool)
	if ctx.Err() == nil {
		j.stopping(ctx)
	}
	close(drain)
	<-stored
	if len(spool.waiting()) > 0 && failure == "" {
		failure = "What was recorded could not be stored"
	}
	if ctx.Err() == nil {
		j.service.abandon(ctx, j.pipeline.ID, remainsOf(spool))
	}
	if err := spool.close(); err != nil {
		j.log.Warn("closing the spool", "err", err)
	}
	if ctx.Err() != nil {
		return
	}
	j.over(ctx, failure)
}

// stopping writes down that the pipeline stops, and takes its attendee out of the
// meeting.
func (j *job) stopping(ctx context.Context) {
	j.tell(ctx, meeting.PipelineStopping, "")
	_ = j.retry(ctx, func() error { return j.service.cfg.Control.RemoveCaptureAttendee(ctx, j.pipeline) }) // gone with its meeting, or ctx has ended
}

// over writes down the end, which is a failure unless that is empty.
func (j *job) over(ctx context.Context, failure string) {
	to := meeting.PipelineStopped
	if failure != "" {
		to = meeting.PipelineFailed
	}
	j.tell(ctx, to, failure)
}

// record records until the recording is to end, or ctx ends. failure says why it
// could not, in words for callers of the API.
func (j *job) record(ctx context.Context, s *spool) (failure string) {
	cfg := &j.service.cfg
	r := newRecording(j.pipeline, s, cfg.Now)
	r.codecs = cfg.Codecs
	r.over = j.meetingOver
	r.failed = func(err error) {
		j.log.Error("the recording's spool cannot be written", "err", err)
		j.end(diskFull)
	}
	if j.pipeline.Status < meeting.PipelineStopping {
		watch := j.watch()
		defer watch.close()
		j.takeUp(ctx)
		if err := j.compose(r); err != nil {
			j.log.Error("the composition did not begin", "err", err)
			r.close(false)
			return noCompositor
		}
		leave, err := j.attach(ctx, r, cfg.Codecs, func() { r.work.Push(r.review) }, r.listener.Store)
		if r.leave = leave; err != nil {
			j.log.Warn("the recording did not begin", "err", err)
			r.close(false)
			return "The recording could not begin"
		}
		stop := j.service.room.record(s, func() {
			j.log.Error("there is no room for recordings any more, and this one needs most")
			j.end(diskFull)
		})
		j.tell(ctx, meeting.PipelineInProgress, "")
		j.attached.Store(true)
		j.attend(ctx, watch, r.rechoose)
		stop()
		j.ending.Store(true)
	}
	r.close(ctx.Err() == nil && !hasEnd(s))
	if isClosed(j.stop) {
		return j.failure
	}
	return ""
}

// hasEnd reports whether the spool says that the recording has ended.
func hasEnd(s *spool) bool {
	all := s.all()
	return len(all) > 0 && all[len(all)-1].Last
}

// errMeetingOver says that there is nothing to record any more.
var errMeetingOver = errors.New("the meeting is over")

// member is what takes part in a meeting for a pipeline.
type member interface {
	media.SoundSink
	Listener
}

// attach lets a member in, both into the room and into the conference. entered is
// told what it has in the room, which is the caller's to close even after an error;
// changed is called when there are other videos. The room's clients are asked for
// the codecs. leave, if it is not nil, takes the member out of the conference.
func (j *job) attach(ctx context.Context, m member, codecs []media.Codec, changed func(), entered func(*media.Listener)) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, attachWithin)
	defer cancel()
	cfg, p := &j.service.cfg, j.pipeline
	err = j.retry(ctx, func() error { return cfg.Control.AddCaptureAttendee(ctx, p) })
	switch {
	case errors.Is(err, errMeetingOver):
		j.end("")
		return nil, nil
	case err != nil:
		return nil, err
	}
	l, err := cfg.Room(p.Meeting.String()).Listen(media.ListenerConfig{ID: p.Attendee.String(), Sound: m, Codecs: codecs, Changed: changed})
	if err != nil {
		return nil, fmt.Errorf("room: %w", err)
	}
	entered(l)
	changed()
	return cfg.Listen(p.Meeting, p.Attendee, p.AttendeeUser, m)
}

// watch is how a job hears of its meeting.
type watch struct {
	ended atomic.Bool // the meeting has
	close func()
}

// watch has the job end when its attendee is removed. It begins before that is let
// in, so that no removal is missed.
func (j *job) watch() *watch {
	w := new(watch)
	w.close = j.service.cfg.Control.Watch(j.pipeline.Meeting, func(c control.Change) {
		switch c := c.(type) {
		case control.AttendeeDeleted:
			if c.Attendee == j.pipeline.Attendee {
				j.end("")
			}
		case control.Ended: // with which the pipeline stops: see follow
			w.ended.Store(true)
		}
	})
	return w
}

// attend waits until the pipeline is to end, and calls look every second. When the
// meeting ends it waits, for a moment, for what the conference has yet to say.
func (j *job) attend(ctx context.Context, w *watch, look func()) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case <-j.stop:
			if w.ended.Load() {
				j.hearOut(ctx)
			}
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
			look()
		}
	}
}

// hearOut waits until the conference has said that the meeting is over.
func (j *job) hearOut(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	select {
	case <-j.heard:
	case <-ctx.Done():
	}
}

// tell writes down that the pipeline has come to a status, however often that
// must be tried.
func (j *job) tell(ctx context.Context, to meeting.PipelineStatus, failure string) {
	err := j.retry(ctx, func() error { return j.service.cfg.Control.MovePipeline(ctx, j.pipeline.ID, to, failure) })
	if err == nil && to == meeting.PipelineFailed {
		j.service.failures.Add(1)
	}
	if err != nil && ctx.Err() == nil {
		j.log.Error("the pipeline's status could not be written down", "status", to.String(), "err", err)
	}
}

// retry tries something until it works or ctx ends. That the meeting or the
// pipeline is not there is final: errMeetingOver.
func (j *job) retry(ctx context.Context, do func() error) error {
	for said := false; ; said = true {
		err := do()
		var refused *meeting.Error
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused) && refused.Kind == meeting.NotFound:
			return errMeetingOver
		case !said && ctx.Err() == nil:
			j.log.Warn("a change of the pipeline or its meeting was refused, will try again", "err", err)
		}
		timer := time.NewTimer(tellAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// failing hears how long storing has failed.
func (j *job) failing(since time.Duration, err error) {
	switch {
	case err == nil:
		j.log.Info("pieces are stored again")
	case since > j.service.cfg.GiveUp:
		j.log.Error("what was recorded cannot be stored; given up", "err", err)
		j.end("What was recorded could not be stored")
		j.giveUp()
	default:
		j.log.Warn("a piece could not be stored, will try again", "for", since.Round(time.Second), "err", err)
	}
}
