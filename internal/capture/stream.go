package capture

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/compose"
	"github.com/carillon-meetings/carillon/internal/capture/rtmp"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/publicaddr"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// What callers of the API are told of live connectors.
const (
	noStreaming    = "Live streaming is not available on this server"
	noCompositor   = "Compositing is not available on this server"
	lostConnection = "The connection to the RTMP server was lost"
	privateHost    = "The address of the RTMP server is private: this server does not stream to it"
)

// The form of streams, which is that of Amazon's.
const (
	streamRate = 30             // pictures a second
	streamKeys = 2 * streamRate // a key frame every two seconds
	// dialTimeout bounds a connection to one address of an RTMP server.
	dialTimeout = 5 * time.Second
)

// mayStream refuses to stream where that is not possible. Names are looked at when
// they are resolved.
func (s *Service) mayStream(n *meeting.NewPipeline) error {
	target, err := n.Settings.Stream.URL.Target()
	if err != nil {
		return err
	}
	if s.cfg.FFmpeg == "" {
		return meeting.Errorf(meeting.Invalid, noStreaming)
	}
	addr, err := netip.ParseAddr(target.Host)
	private := err == nil && !publicaddr.Public(addr) || strings.EqualFold(target.Host, "localhost")
	if private && !s.cfg.AllowPrivate {
		return meeting.Errorf(meeting.Invalid, privateHost)
	}
	return nil
}

// stream is one live connector under way: what it hears and sees goes to the show,
// and what that makes of it to the publisher.
type stream struct {
	show     *compose.Show
	over     func() // called when the meeting is over
	listener atomic.Pointer[media.Listener]

	mu      sync.Mutex
	speaker speaker // guarded by mu
}

// WriteFrame implements media.SoundSink.
func (s *stream) WriteFrame(payload []byte, timestamp uint32, marker bool) {
	s.show.WriteFrame(payload, timestamp, marker)
}

// Joined, and the methods behind it, implement Listener.
func (s *stream) Joined(string, time.Time) {}

// Left does nothing: whose camera goes is no longer among the videos.
func (s *stream) Left(string, time.Time) {}

// Muted does nothing.
func (s *stream) Muted(string, bool, time.Time) {}

// Message does nothing.
func (s *stream) Message(string, string, []byte, time.Time) {}

// Transcription does nothing.
func (s *stream) Transcription(speech.Status, time.Time) {}

// Transcript does nothing.
func (s *stream) Transcript(speech.Result, time.Time) {}

// Over tells that the meeting is.
func (s *stream) Over(time.Time) { s.over() }

// Speaking follows who is speaking.
func (s *stream) Speaking(attendee string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.speaker.hear(attendee, at) {
		s.show.Speaking(s.speaker.now)
	}
}

// review has the show follow the videos.
func (s *stream) review() {
	if l := s.listener.Load(); l != nil {
		s.show.Review(l)
	}
}

// stream takes a live connector to its end, or as far as it comes until ctx ends.
func (j *job) stream(ctx context.Context) {
	failure := ""
	if j.pipeline.Status < meeting.PipelineStopping {
		j.takeUp(ctx)
		failure = j.broadcast(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	j.stopping(ctx)
	j.over(ctx, failure)
}

// broadcast streams until the stream is to end, or ctx ends. failure says why it
// could not, in words for callers of the API.
func (j *job) broadcast(ctx context.Context) (failure string) {
	if j.service.cfg.FFmpeg == "" {
		return noStreaming
	}
	publisher, err := j.publisher(ctx)
	if err != nil {
		j.log.Error("the stream did not begin", "err", err)
		return "The stream could not begin"
	}
	show, err := compose.New(j.screenplay(publisher))
	if err != nil {
		j.log.Error("the stream did not begin", "err", err)
		return "The stream could not begin"
	}
	defer show.Close()
	s := &stream{show: show, over: j.meetingOver}
	watch := j.watch()
	defer watch.close()
	leave, err := j.attach(ctx, s, nil, s.review, s.listener.Store)
	defer func() {
		if leave != nil {
			leave()
		}
		if l := s.listener.Load(); l != nil {
			l.Close()
		}
	}()
	if err != nil {
		j.log.Warn("the stream did not begin", "err", err)
		return "The stream could not begin"
	}
	publishing, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { j.publish(publishing, publisher) })
	j.attend(ctx, watch, func() {})
	stop()
	running.Wait()
	if isClosed(j.stop) {
		return j.failure
	}
	return ""
}

// publisher returns what publishes the stream.
func (j *job) publisher(ctx context.Context) (*rtmp.Publisher, error) {
	target, err := j.pipeline.Settings.Stream.URL.Target()
	if err != nil {
		return nil, err
	}
	published := j.pipeline.Status == meeting.PipelineInProgress
	return rtmp.New(rtmp.Config{
		Target: target, Dial: publicaddr.Dialer(j.service.cfg.AllowPrivate, dialTimeout).DialContext, Again: published,
		Published: func() {
			j.log.Info("the stream is being published", "to", target.Address, "again", published)
			published = true
			j.tell(ctx, meeting.PipelineInProgress, "")
			j.troubled(ctx, "")
		},
		Lost: func(err error) {
			j.log.Warn("the stream is not published; tried again", "to", target.Address, "err", err)
			switch {
			case published:
				j.troubled(ctx, lostConnection)
			case errors.Is(err, publicaddr.ErrPrivate):
				j.end(privateHost)
			}
		},
	}), nil
}

// publish publishes until ctx ends. A server that does not take the stream ends it.
func (j *job) publish(ctx context.Context, p *rtmp.Publisher) {
	switch err := p.Run(ctx); {
	case errors.Is(err, rtmp.ErrNever):
		j.end("The RTMP server did not accept the stream")
	case err != nil:
		j.end(lostConnection)
	}
}

// screenplay says what is shown in the stream, and how it is encoded.
func (j *job) screenplay(p *rtmp.Publisher) compose.Config {
	s := &j.pipeline.Settings
	sound := &compose.Sound{Channels: 1, Rate: 48000}
	if s.Stream.Channels == "Stereo" {
		sound.Channels = 2
	}
	if rate, err := strconv.Atoi(s.Stream.SampleRate); err == nil {
		sound.Rate = rate
	}
	cfg := j.scene()
	cfg.Film, cfg.Out, cfg.SpeakerOnly = compose.Film{Rate: streamRate, KeyEvery: streamKeys, Sound: sound}, p.Write, s.ActiveSpeakerVideo
	return cfg
}

// scene says what a composition of the pipeline shows.
func (j *job) scene() compose.Config {
	s := &j.pipeline.Settings
	cfg := compose.Config{FFmpeg: j.service.cfg.FFmpeg, Selects: s.Selects, Now: j.service.cfg.Now, Logger: j.log}
	if s.Composition != nil {
		cfg.Composition = *s.Composition
	}
	return cfg
}

// errNoProgram says that the program is gone that was there when the pipeline was
// created.
var errNoProgram = errors.New("there is no ffmpeg")

// compose has a recording compose, if that is asked for.
func (j *job) compose(r *recording) (err error) {
	switch {
	case j.pipeline.Settings.Composition == nil:
		return nil
	case j.service.cfg.FFmpeg == "":
		return errNoProgram
	}
	r.film, err = newFilm(j.scene(), r.emit)
	return err
}
