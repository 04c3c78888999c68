package capture

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Control is the part of the control plane that the recorder uses.
// *control.Control satisfies it.
type Control interface {
	WatchPipelines(fn func(control.PipelineChange))
	Pipeline(id meeting.ID) (*meeting.Pipeline, bool)
	TroublePipeline(ctx context.Context, id meeting.ID, message string) error
	MovePipeline(ctx context.Context, id meeting.ID, to meeting.PipelineStatus, failure string) error
	AddCaptureAttendee(ctx context.Context, p *meeting.Pipeline) error
	RemoveCaptureAttendee(ctx context.Context, p *meeting.Pipeline) error
	Watch(meetingID meeting.ID, fn func(control.Change)) (cancel func())
}

// Listener is told what happens in a meeting; see signal.Listener.
type Listener interface {
	Joined(attendee string, at time.Time)
	Left(attendee string, at time.Time)
	Muted(attendee string, muted bool, at time.Time)
	Speaking(attendee string, at time.Time)
	Message(sender, topic string, data []byte, at time.Time)
	Transcription(st speech.Status, at time.Time)
	Transcript(r speech.Result, at time.Time)
	Over(at time.Time)
}

// Config says how to record. Control, Room, Listen and Dir are required.
type Config struct {
	Control Control
	// Room opens a meeting's room, by the meeting's id.
	Room func(id string) *media.Room
	// Listen begins to tell a listener what happens in the meeting, and shows it
	// there as the attendee; see signal.Server.Listen.
	Listen func(meetingID, attendee meeting.ID, external string, to Listener) (leave func(), err error)
	// Sink is where recordings are stored; nil for nowhere, which refuses new ones.
	Sink Sink
	// Dir holds the spools. It belongs to this process.
	Dir string
	// Shared says that other nodes may have recorded parts of what was recorded here,
	// so that a concatenation looks for them in the sink whatever the journal has.
	Shared bool
	// Codecs are those that clients are asked to send while they are recorded, if
	// all of them can decode it; empty asks for nothing.
	Codecs []media.Codec
	// GiveUp is after how long of failing to store its pieces a recording has
	// failed. Default 24 h.
	GiveUp time.Duration
	// MaxSpool bounds the pieces of all spools that are not stored yet, in bytes; when
	// more would be needed, the recording that has most has failed. 0 for no bound but
	// the disk's.
	MaxSpool int64
	// FFmpeg is the path of the program that composing and streaming need; empty for
	// none, which refuses both.
	FFmpeg string
	// AllowPrivate admits loopback, private and link-local addresses to stream to.
	AllowPrivate bool
	Now          func() time.Time // nil is time.Now
	Logger       *slog.Logger     // nil discards
}

func (c Config) withDefaults() Config {
	c.GiveUp = cmp.Or(c.GiveUp, 24*time.Hour)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Service carries out media pipelines. Its methods may be called from any
// goroutine.
type Service struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	room   budget // of all spools

	failures atomic.Uint64 // pipelines that have failed

	catalogue catalogue

	mu     sync.Mutex
	jobs   map[meeting.ID]*job // guarded by mu
	tidied time.Time           // when old spools were looked for; guarded by mu
}

// New begins to carry out the pipelines there are, and those that come.
func New(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg.withDefaults(), jobs: make(map[meeting.ID]*job), room: budget{most: cfg.MaxSpool}}
	s.room.free = func() (int64, error) { return durable.Free(s.cfg.Dir) }
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.cfg.Control.WatchPipelines(s.follow)
	s.tidy()
	s.storeLeft()
	s.abandonLeft()
	return s, nil
}

// Close stops everything, in a way that another Service can go on: what is being
// recorded goes to the spools. It waits until all is done.
func (s *Service) Close() error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.tasks.Wait()
	return nil
}

// checkTimeout bounds the question to a sink whether it would take something.
const checkTimeout = 5 * time.Second

// Ready tells whether a new pipeline could do its work. The error is a
// *meeting.Error.
func (s *Service) Ready(ctx context.Context, n *meeting.NewPipeline) error {
	if n.Kind == meeting.LiveConnectorPipeline {
		return s.mayStream(n)
	}
	if s.cfg.Sink == nil {
		return errNoSink()
	}
	if n.Settings.Composes(n.Kind) && s.cfg.FFmpeg == "" {
		return meeting.Errorf(meeting.Invalid, noCompositor)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return s.cfg.Sink.Check(ctx, n.Settings.Bucket, n.Settings.Prefix)
}

// follow takes a change of a pipeline.
func (s *Service) follow(c control.PipelineChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := c.Pipeline
	j := s.jobs[p.ID]
	switch {
	case c.Moved && j != nil:
		j.moved = true
		j.cancel()
	case c.Moved || s.ctx.Err() != nil:
	case j != nil && !j.moved && !j.leftover:
		j.follow(p)
	case !p.Status.Over():
		if j != nil {
			j.cancel()
		}
		s.beginLocked(p)
	}
}

// beginLocked starts the job of a pipeline.
func (s *Service) beginLocked(p *meeting.Pipeline) {
	j := &job{service: s, pipeline: p, stop: make(chan struct{}), heard: make(chan struct{}), log: s.cfg.Logger.With("pipeline", p.ID, "meeting", p.Meeting)}
	j.follow(p)
	s.startLocked(p.ID, j, j.run)
}

// startLocked enters a job and runs it, once the one that is there has ended.
func (s *Service) startLocked(id meeting.ID, j *job, run func(context.Context)) {
	ctx, cancel := context.WithCancel(s.ctx)
	j.cancel, j.done = cancel, make(chan struct{})
	before := s.jobs[id]
	s.jobs[id] = j
	s.tasks.Go(func() {
		if before != nil {
			<-before.done
		}
		run(ctx)
		cancel()
		close(j.done)
		s.mu.Lock()
		moved, due := j.moved, s.cfg.Now().Sub(s.tidied) >= tidyEach
		if s.jobs[id] == j {
			delete(s.jobs, id)
		}
		s.mu.Unlock()
		if moved {
			s.storeLeftOf(id)
		}
		if due {
			s.tidy()
		}
	})
}

func (s *Service) spoolDir(id meeting.ID) string { return filepath.Join(s.cfg.Dir, id.String()) }

// tidyEach is at least between two looks for spools that are forgotten.
const tidyEach = time.Hour

// tidy looks for them. It is called when a pipeline is over, so that they go from
// a server that runs for months, too.
func (s *Service) tidy() {
	s.mu.Lock()
	s.tidied = s.cfg.Now()
	s.mu.Unlock()
	s.dropOldSpools()
}

// dropOldSpools removes the spools of pipelines that are forgotten, unless there
// is something in them that was never stored.
func (s *Service) dropOldSpools() {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.Logger.Warn("the spools cannot be read", "err", err)
	}
	for _, e := range entries {
		id, ok := meeting.ParseID(e.Name())
		info, err := e.Info()
		if !ok || err != nil || s.cfg.Now().Sub(info.ModTime()) < control.PipelineKept+24*time.Hour {
			continue
		}
		if _, known := s.cfg.Control.Pipeline(id); known {
			continue
		}
		if j, err := readJournal(s.spoolDir(id)); err == nil && len(j.pieces) == len(j.stored) {
			_ = os.RemoveAll(s.spoolDir(id)) // tried again at the next start
		}
	}
}
