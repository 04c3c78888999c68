package transcribe

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const (
	// startWithin is how long a transcription may take to begin.
	startWithin = 10 * time.Second
	// missedAfter is how long a meeting may be without any session before it is
	// told so.
	missedAfter = 2 * time.Second
	// retryFirst and retryMost are the pauses between attempts to open a session;
	// they double.
	retryFirst = 250 * time.Millisecond
	retryMost  = 2 * time.Second
	// writeWithin bounds one attempt to write down a phase, writeAgain is the pause
	// before the next.
	writeWithin = 10 * time.Second
	writeAgain  = time.Second
)

// unreachable and busyEngines are what is told when no session can be had, and
// restarted when the server that transcribed is gone.
const (
	unreachable = "The transcription engine cannot be reached"
	busyEngines = "All sessions of the transcription engine are in use"
	restarted   = "The server was restarted"
)

// health decides in which phase a transcription is. It belongs to its job's
// goroutine.
type health struct {
	phase  meeting.TranscriptionPhase // as it was last decided
	since  time.Time                  // the beginning of the search for an engine; zero when there is one
	again  time.Time                  // when to try to open a session
	pause  time.Duration
	reason string // of the last failure, for callers of the API
	endBy  time.Time
}

// begin looks for an engine. What was running before is interrupted until there is
// one.
func (h *health) begin(j *job, now time.Time) {
	if h.phase == meeting.TranscriptionRunning {
		h.move(j, meeting.TranscriptionInterrupted, restarted)
	}
	if is := j.begun; h.phase == meeting.TranscriptionInterrupted && is.Phase == h.phase {
		j.show(speech.Interrupted, is.Since, is.Message) // for those who come to this server now
	}
	if h.phase == meeting.TranscriptionInterrupted {
		j.service.count.interrupted.Add(1)
	}
	h.since, h.reason = now, unreachable
	j.open(j.freeChannel())
}

// end is the counterpart of begin.
func (h *health) end(j *job) {
	if h.phase == meeting.TranscriptionInterrupted {
		j.service.count.interrupted.Add(-1)
	}
}

// busy reports whether an engine is being looked for.
func (h *health) busy() bool { return !h.since.IsZero() }

// startAgain takes that the same was asked for once more: it has begun again as soon
// as there is an engine, which may be now.
func (h *health) startAgain(j *job, now time.Time) {
	h.end(j)
	h.phase = meeting.TranscriptionStarting
	if len(j.lines) > 0 {
		h.move(j, meeting.TranscriptionRunning, "")
	} else {
		h.since = now
	}
}

// failed takes the failure of a session, and what counts those.
func (h *health) failed(j *job, err error, count *atomic.Int64, now time.Time) {
	reason, refused := isRefused(err)
	explain := unreachable
	switch {
	case refused:
		count = &j.service.count.refused
	case errors.Is(err, errFull):
		count, explain = &j.service.count.full, busyEngines
	}
	count.Add(1)
	if !errors.Is(err, errFull) { // which is only counted
		j.log.Warn("a session of the transcription engine failed", "err", err)
	}
	if h.since.IsZero() {
		h.since, h.pause = now, 0
	}
	h.reason = explain
	h.pause = min(max(2*h.pause, retryFirst), retryMost)
	h.again = now.Add(h.pause)
	if refused {
		h.fail(j, "The transcription engine refused the request: "+reason)
	}
}

// worked takes the success of one.
func (h *health) worked(j *job) {
	h.since, h.pause = time.Time{}, 0
	switch h.phase {
	case meeting.TranscriptionInterrupted:
		j.service.count.interrupted.Add(-1)
		h.move(j, meeting.TranscriptionRunning, "")
	case meeting.TranscriptionStarting:
		h.move(j, meeting.TranscriptionRunning, "")
	}
}

// look does what is due.
func (h *health) look(j *job, now time.Time) {
	if h.since.IsZero() || j.ending || j.over {
		return
	}
	gone := now.Sub(h.since)
	if len(j.lines) > 0 && j.waitingVoices() == 0 {
		h.since = time.Time{} // nobody misses another one
		return
	}
	if len(j.lines) == 0 {
		switch {
		case h.phase == meeting.TranscriptionStarting && gone >= startWithin, gone >= j.service.cfg.GiveUp:
			h.fail(j, h.reason)
			return
		case h.phase == meeting.TranscriptionRunning && gone >= missedAfter:
			j.service.count.interrupted.Add(1)
			h.move(j, meeting.TranscriptionInterrupted, h.reason)
		}
	}
	if channel := j.freeChannel(); j.opening == 0 && channel >= 0 && !now.Before(h.again) {
		j.open(channel)
	}
}

// fail ends the transcription.
func (h *health) fail(j *job, reason string) {
	if h.phase == meeting.TranscriptionInterrupted {
		j.service.count.interrupted.Add(-1)
	}
	h.move(j, meeting.TranscriptionFailed, reason)
	j.over = true
}

// move comes to a phase.
func (h *health) move(j *job, to meeting.TranscriptionPhase, message string) {
	h.phase = to
	j.write(to, message)
}

// write has a phase written down. Clients are told when it is; see moved.
func (j *job) write(to meeting.TranscriptionPhase, message string) {
	command := j.order
	j.writes.Push(func() {
		for j.ctx.Err() == nil {
			ctx, cancel := context.WithTimeout(j.ctx, writeWithin)
			err := j.service.cfg.Control.MoveTranscription(ctx, j.id, command, to, message)
			cancel()
			if err == nil || isGone(err) {
				return
			}
			j.log.Warn("the phase of a transcription could not be written yet", "phase", to, "err", err)
			select {
			case <-time.After(writeAgain):
			case <-j.ctx.Done():
			}
		}
	})
}

// isGone reports whether the meeting has ended.
func isGone(err error) bool {
	var e *meeting.Error
	return errors.As(err, &e) && e.Kind == meeting.NotFound
}

// moved takes what was written down, and tells clients. It is called with the
// meeting's turn held.
func (j *job) moved(is *meeting.Transcription) {
	j.mu.Lock()
	before := j.told
	j.told = is.Phase
	j.mu.Unlock()
	switch {
	case is.Phase == meeting.TranscriptionRunning && before == meeting.TranscriptionInterrupted:
		j.show(speech.Resumed, is.Since, "")
	case is.Phase == meeting.TranscriptionRunning:
		j.show(speech.Started, is.Since, "")
	case is.Phase == meeting.TranscriptionInterrupted:
		j.show(speech.Interrupted, is.Since, is.Message)
	case is.Phase == meeting.TranscriptionFailed:
		j.show(speech.Failed, is.Since, is.Message)
	}
}
