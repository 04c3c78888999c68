package compose

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
)

// Room is where the videos come from. *media.Listener satisfies it.
type Room interface {
	Videos() []media.Video
	Take(v media.Video, sink func(*media.VideoPacket)) *media.VideoTap
}

// Config says what to show and how. FFmpeg, Film and Out are required.
type Config struct {
	FFmpeg string // path of the program
	Film   Film
	// Composition arranges all videos; SpeakerOnly shows one in place of that, of who
	// speaks or did so last. Either has the composition's size.
	Composition meeting.Composition
	SpeakerOnly bool
	// Selects says whose cameras and shares are shown; nil for everybody's.
	Selects func(attendee, externalUser string) bool
	// Out is called with each tag of the film, by one goroutine. Times go on when the
	// encoder had to be started anew.
	Out func(flv.Tag)
	// Heard, if it is not nil, is called with each packet of the mix that the film
	// goes by, and when it came: times of tags count these. It is called by one
	// goroutine, and before the pictures of that time are made.
	Heard  func(packet []byte, at time.Time)
	Now    func() time.Time // nil is time.Now
	Logger *slog.Logger     // nil discards
}

const (
	soundRate = rtpx.SampleRate
	// waitingSound is how much of the mix waits for the encoder, in packets of 20 ms.
	// What an encoder that is too slow for it leaves over is left out, together with
	// the pictures of that time.
	waitingSound = 100
	// chooseEvery is how often layers of cameras are chosen anew, in the same packets.
	chooseEvery = 50
)

// Show is a film being made. Its methods are safe for concurrent use; WriteFrame
// comes from one goroutine at a time.
type Show struct {
	cfg    Config
	tasks  sync.WaitGroup
	work   *serial.Queue // follows who is there
	ctx    context.Context
	cancel context.CancelFunc
	heard  chan packet
	next   uint32 // RTP time of the packet of the mix that is to come
	begun  bool

	placed  atomic.Pointer[[]placed]
	encoder atomic.Pointer[encoder] // changed by the clock's goroutine only

	// Of the work queue.
	room    Room
	sources map[uint32]*source
	since   map[uint32]int // when each video was first there
	seen    int
	spoke   map[string]int // when each attendee spoke last
	turns   int
	speaker string

	clock clock // of its goroutine
}

// packet is one packet of the mix.
type packet struct {
	data []byte
	at   time.Time // when it came
}

// placed is a source in its place on the canvas.
type placed struct {
	Place
	source *source
}

// New begins a film of an empty room.
func New(cfg Config) (*Show, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	cfg.Composition = cfg.Composition.WithDefaults()
	if cfg.Selects == nil {
		cfg.Selects = func(string, string) bool { return true }
	}
	s := &Show{
		cfg: cfg, heard: make(chan packet, waitingSound),
		sources: make(map[uint32]*source), since: make(map[uint32]int), spoke: make(map[string]int),
	}
	var err error
	if s.clock.decoder, err = opus.NewDecoder(opus.Mono); err != nil {
		return nil, err
	}
	s.clock.pcm = make([]float32, opus.MaxSamples)
	width, height := cfg.Composition.Size()
	s.clock.canvas = newPicture(width, height)
	s.work = serial.New(&s.tasks)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.tasks.Go(s.run)
	return s, nil
}

// WriteFrame takes the next packet of the mix. It implements media.SoundSink, and
// does not block.
func (s *Show) WriteFrame(payload []byte, timestamp uint32, _ bool) {
	missing := (timestamp - s.next) / rtpx.FrameSamples
	if !s.begun || missing > waitingSound {
		missing = 0
	}
	s.begun, s.next = true, timestamp+rtpx.FrameSamples
	for range missing {
		s.hear(opus.Silence())
	}
	s.hear(slices.Clone(payload))
}

func (s *Show) hear(data []byte) {
	select {
	case s.heard <- packet{data, s.cfg.Now()}:
	default:
	}
}

// Review has the show follow the videos that there are now.
func (s *Show) Review(room Room) {
	s.work.Push(func() {
		s.room = room
		s.review()
	})
}

// Speaking says who is speaking; "" for nobody.
func (s *Show) Speaking(attendee string) {
	s.work.Push(func() {
		s.turns++
		if s.speaker = attendee; attendee != "" {
			s.spoke[attendee] = s.turns
		}
		s.review()
	})
}

// Close ends the film and waits until all children are gone. What was encoded is
// handed out before.
func (s *Show) Close() {
	s.cancel()
	stuck := time.AfterFunc(finishWithin, func() { // the clock may be waiting for it
		if e := s.encoder.Load(); e != nil {
			_ = e.child.stop(true)
		}
	})
	defer stuck.Stop()
	s.work.Push(func() {
		for group, one := range s.sources {
			one.close()
			delete(s.sources, group)
		}
	})
	s.work.Close()
	s.tasks.Wait()
}

// review puts the videos that there are in their places.
func (s *Show) review() {
	if s.room == nil || s.ctx.Err() != nil {
		return
	}
	videos := s.room.Videos()
	shown := s.shown(videos)
	places := s.arrange(shown)
	list := make([]placed, 0, len(places))
	keep := make(map[uint32]bool)
	for _, p := range places {
		one := s.sources[p.Group]
		if one == nil {
			one = s.open(videos[slices.IndexFunc(videos, func(v media.Video) bool { return v.GroupID == p.Group })])
		}
		one.resize(shape{p.At.W, p.At.H, p.Fill})
		keep[p.Group] = true
		list = append(list, placed{p, one})
	}
	s.placed.Store(&list)
	for group, one := range s.sources {
		if !keep[group] {
			one.close()
			delete(s.sources, group)
		}
	}
}

func (s *Show) arrange(shown []Shown) []Place {
	if s.cfg.SpeakerOnly {
		return whole(&s.cfg.Composition, shown)
	}
	return arrange(&s.cfg.Composition, shown, s.speaker)
}

// shown returns the videos that are wanted, in the order in which they went on.
func (s *Show) shown(videos []media.Video) (list []Shown) {
	there := make(map[uint32]bool)
	for _, v := range videos {
		there[v.GroupID] = true
		if _, known := s.since[v.GroupID]; !known {
			s.seen++
			s.since[v.GroupID] = s.seen
		}
		attendee := strings.TrimSuffix(v.AttendeeID, meeting.ContentSuffix)
		if s.cfg.Selects(attendee, v.ExternalUserID) {
			list = append(list, Shown{Group: v.GroupID, Attendee: attendee, Content: v.Content, Spoke: s.spoke[attendee]})
		}
	}
	for group := range s.since {
		if !there[group] {
			delete(s.since, group)
		}
	}
	slices.SortFunc(list, func(a, b Shown) int { return cmp.Compare(s.since[a.Group], s.since[b.Group]) })
	return list
}

// open begins to take a video.
func (s *Show) open(v media.Video) *source {
	one := newSource(s.cfg.FFmpeg, s.cfg.Logger, s.cfg.Now)
	s.sources[v.GroupID] = one
	one.tap.Store(s.room.Take(v, one.packet))
	return one
}

// choose has every source take the best layer that flows.
func (s *Show) choose() {
	for _, one := range s.sources {
		if t := one.tap.Load(); t != nil {
			t.Choose(s.cfg.Now())
		}
	}
}
