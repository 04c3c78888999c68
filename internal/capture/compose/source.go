package compose

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/serial"
)

const (
	// waitingWork bounds what waits for a source: pictures that cannot be taken while
	// a child starts.
	waitingWork = 2 * waitingPictures
	// startAgain is the least time between two children of a source, askAgain that
	// between two wishes for a key frame.
	startAgain = time.Second
	askAgain   = 500 * time.Millisecond
)

// source is one camera or share on the canvas: its packets become pictures, its
// pictures raw ones, of which the latest is drawn.
type source struct {
	ffmpeg string
	log    *slog.Logger
	now    func() time.Time
	tap    atomic.Pointer[media.VideoTap]
	tasks  sync.WaitGroup
	work   *serial.Queue // everything about the decoder
	queued atomic.Int64

	pictures frame.Assembler // of the goroutine that brings packets

	// Of the work queue.
	decoder *decoder
	codec   mp4.Codec // of the last key frame
	wanted  shape
	broken  bool      // a key frame is needed
	started time.Time // the last child
	asked   time.Time
	over    bool

	mu     sync.Mutex
	latest *Picture // guarded by mu; nil before the first
}

func newSource(ffmpeg string, log *slog.Logger, now func() time.Time) *source {
	s := &source{ffmpeg: ffmpeg, log: log, now: now}
	s.work = serial.New(&s.tasks)
	return s
}

// packet takes a packet. It does not block.
func (s *source) packet(p *media.VideoPacket) {
	pictures, broken := s.pictures.Push(p)
	if broken {
		s.work.Push(s.lose)
	}
	for _, picture := range pictures {
		if s.queued.Load() >= waitingWork {
			s.work.Push(s.lose)
			continue
		}
		s.queued.Add(1)
		s.work.Push(func() {
			s.queued.Add(-1)
			s.take(&picture)
		})
	}
}

// lose notes that pictures are missing.
func (s *source) lose() {
	s.broken = true
	s.ask()
}

// ask has a key frame asked for.
func (s *source) ask() {
	now := s.now()
	if t := s.tap.Load(); t != nil && now.Sub(s.asked) >= askAgain {
		s.asked = now
		t.RequestKeyFrame(now)
	}
}

// resize says how pictures are wanted. Until a key frame comes, they come as
// before.
func (s *source) resize(to shape) {
	s.work.Push(func() {
		if s.wanted != to {
			s.wanted = to
			s.ask()
		}
	})
}

// take hands a picture to the decoder. That is made, or made anew, at a key frame.
func (s *source) take(p *frame.Picture) {
	if s.over {
		return
	}
	s.mourn()
	if p.Key {
		s.codec, s.broken = p.Track.Codec, false
	}
	if d := s.decoder; d == nil || d.shape != s.wanted || d.codec != s.codec {
		if p.Key && s.now().Sub(s.started) >= startAgain {
			s.reopen(p)
		} else {
			s.ask()
		}
	}
	switch d := s.decoder; {
	case d == nil || d.codec != s.codec:
		s.broken = true
	case s.broken:
		s.ask()
	case !d.put(p):
		s.lose()
	}
}

// mourn notes that the decoder has died.
func (s *source) mourn() {
	if s.decoder == nil {
		return
	}
	select {
	case <-s.decoder.dead:
		s.log.Warn("a decoder of the composition has ended; another one is started", "err", s.decoder.err)
		s.decoder.close()
		s.decoder = nil
	default:
	}
}

// reopen starts a decoder that begins with the picture.
func (s *source) reopen(p *frame.Picture) {
	if s.decoder != nil {
		s.decoder.close()
		s.decoder = nil
	}
	s.started = s.now()
	d, err := decode(s.ffmpeg, p.Track.Codec, s.wanted, s.show)
	if err != nil {
		s.log.Warn("no decoder for the composition could be started", "err", err)
		return
	}
	s.decoder = d
}

// show takes the latest picture and gives back the one before.
func (s *source) show(p *Picture) *Picture {
	s.mu.Lock()
	before := s.latest
	s.latest = p
	s.mu.Unlock()
	if before == nil || before.Width != p.Width || before.Height != p.Height {
		return newPicture(p.Width, p.Height)
	}
	return before
}

// drawOn draws the latest picture, if there is one.
func (s *source) drawOn(canvas *Picture, at Rect) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest != nil {
		canvas.draw(s.latest, at)
	}
	return s.latest != nil
}

// begun reports whether there is a picture.
func (s *source) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest != nil
}

// close ends the source. When it returns, its child is gone.
func (s *source) close() {
	if t := s.tap.Load(); t != nil {
		t.Close()
	}
	s.work.Push(func() {
		s.over = true
		if s.decoder != nil {
			s.decoder.close()
			s.decoder = nil
		}
	})
	s.work.Close()
	s.tasks.Wait()
}
