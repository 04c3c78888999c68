package transcribe

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Control is the part of the control plane that transcription uses.
// *control.Control satisfies it.
type Control interface {
	WatchTranscriptions(fn func(control.TranscriptionChange))
	MoveTranscription(ctx context.Context, id, command meeting.ID, to meeting.TranscriptionPhase, message string) error
}

// Voices takes what people say; see media.VoiceSink.
type Voices interface {
	Voice(attendee string, pcm []float32)
}

// Door is the part of the signaling door that transcription uses: where people
// speak, and read. *signal.Server satisfies it.
type Door interface {
	Hear(id meeting.ID, voices Voices) (stop func(), err error)
	Speaker(id meeting.ID, attendee string) (shown, external string)
	TellTranscription(id meeting.ID, status speech.Status)
	TellTranscript(id meeting.ID, result speech.Result)
}

// Engine recognises speech.
type Engine interface {
	Features() speech.Features
	// Check says whether it can do what is asked for, filters aside; a
	// *speech.Refused if not.
	Check(s speech.Settings) error
	// Open begins a session, whose hypotheses heard is called with, from one
	// goroutine. ctx bounds the beginning. The error is a *speech.Refused when
	// trying again is useless.
	Open(ctx context.Context, s speech.Settings, heard func(speech.Hypothesis)) (speech.Session, error)
}

// Config says how to transcribe. Control and Door are required.
type Config struct {
	Control Control
	Door    Door
	// Sources are the engines. Of those that can do what is wanted, the least loaded
	// does, and the next one when it fails.
	Sources []Source
	// OtherDialects says that a language that no engine has may be taken for another
	// dialect of it.
	OtherDialects bool
	// Filters is the directory of the vocabulary filters, {name}.txt; empty for none.
	Filters string
	// Talkers is how many attendees of a meeting are listened to at the same time.
	// Default 4.
	Talkers int
	// Hold is how much is kept of what is said while there is no session for it.
	// Default 10 s.
	Hold time.Duration
	// Idle is after how long without sound a session is given back, and closed unless
	// that is of use. Default 10 s.
	Idle time.Duration
	// GiveUp is after how long without an engine a transcription has failed.
	// Default 1 min.
	GiveUp time.Duration
	// Finished is called with the time from the end of what was said to its final
	// result, with each of those. May be nil.
	Finished func(after time.Duration)
	Logger   *slog.Logger // nil discards
}

func (c Config) withDefaults() Config {
	c.Talkers = cmp.Or(c.Talkers, 4)
	c.Hold, c.Idle = cmp.Or(c.Hold, 10*time.Second), cmp.Or(c.Idle, 10*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, time.Minute)
	if c.Finished == nil {
		c.Finished = func(time.Duration) {}
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Service carries out transcriptions. Its methods may be called from any goroutine.
type Service struct {
	cfg     Config
	sources []*source
	lowPass [taps]float32
	count   counters
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	tasks   sync.WaitGroup

	mu   sync.Mutex
	jobs map[meeting.ID]*job // guarded by mu
}

// counters count since the start.
type counters struct {
	audio, dropped, partials, finals atomic.Int64 // the first two in bytes
	unopened, lost, refused, full    atomic.Int64 // sessions
	interrupted                      atomic.Int64 // now
}

// Stats are totals for metrics: those of now, and those since the start.
type Stats struct {
	Meetings, Interrupted int            // now: transcribed, without an engine
	Sessions              map[string]int // now, by engine
	Audio, Dropped        time.Duration
	Partials, Finals      int64 // results
	// Sessions that did not open, or were lost; that engines refused; and that there
	// was no room for.
	Unopened, Lost, Refused, Full int64
}

// New begins to carry out the transcriptions there are, and those that come.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg.withDefaults(), lowPass: lowPass(), jobs: make(map[meeting.ID]*job)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, one := range s.cfg.Sources {
		s.sources = append(s.sources, newSource(one))
	}
	s.cfg.Control.WatchTranscriptions(s.follow)
	return s
}

// Close stops everything, in a way that another Service can go on. It waits until
// all is done.
func (s *Service) Close() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.tasks.Wait()
}

// Stats returns the totals.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	meetings := len(s.jobs)
	s.mu.Unlock()
	length := func(bytes int64) time.Duration { return time.Duration(bytes) * time.Second / bytesPerSecond }
	sessions := make(map[string]int)
	for _, one := range s.sources {
		sessions[one.Name] += int(one.open.Load())
	}
	c := &s.count
	return Stats{
		Meetings: meetings, Interrupted: int(c.interrupted.Load()), Sessions: sessions,
		Audio: length(c.audio.Load()), Dropped: length(c.dropped.Load()), Partials: c.partials.Load(), Finals: c.finals.Load(),
		Unopened: c.unopened.Load(), Lost: c.lost.Load(), Refused: c.refused.Load(), Full: c.full.Load(),
	}
}

// follow takes a change of a transcription. It is called with the meeting's turn
// held.
func (s *Service) follow(c control.TranscriptionChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[c.Meeting]
	switch {
	case c.Gone:
		if j != nil {
			j.cancel()
		}
	case s.ctx.Err() != nil:
	case c.Is == nil, c.Is.Phase == meeting.TranscriptionFailed && (j == nil || j.command != c.Is.Command):
		if j != nil {
			delete(s.jobs, c.Meeting)
			j.stop(true)
		}
	case j != nil && j.command == c.Is.Command:
		j.moved(c.Is)
	case j != nil && j.config == c.Is.TranscriptionConfig:
		j.command = c.Is.Command
		j.goOn(c.Is)
	default:
		if j != nil {
			j.stop(false)
		}
		s.beginLocked(c.Meeting, c.Is, j)
	}
}

// beginLocked starts the job of a transcription, once the one before, if there is
// one, is done.
func (s *Service) beginLocked(id meeting.ID, is *meeting.Transcription, before *job) {
	j := newJob(s, id, is)
	s.jobs[id] = j
	s.tasks.Go(func() {
		defer j.cancel()
		if before != nil {
			<-before.done
		}
		j.run()
		s.mu.Lock()
		if s.jobs[id] == j {
			delete(s.jobs, id)
			if again := j.next(); again != nil && s.ctx.Err() == nil && j.ctx.Err() == nil { // too late for this job
				s.beginLocked(id, again, nil)
			}
		}
		s.mu.Unlock()
		close(j.done)
	})
}

// isRefused reports whether trying again is useless, and what to tell the caller.
func isRefused(err error) (reason string, ok bool) {
	var r *speech.Refused
	if errors.As(err, &r) {
		return r.Reason, true
	}
	return "", false
}
