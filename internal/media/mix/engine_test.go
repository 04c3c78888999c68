package mix

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// counter is a Sink that counts, and can be slow.
type counter struct {
	frames atomic.Int64
	last   atomic.Uint32
	delay  atomic.Int64
}

func (c *counter) WriteFrame(_ []byte, ts uint32, _ bool) {
	c.frames.Add(1)
	c.last.Store(ts)
	if d := c.delay.Swap(0); d > 0 {
		time.Sleep(time.Duration(d)) // virtual: stands for a machine that stalls
	}
}

func newRunning(t *testing.T, cfg Config) *Engine {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	e, err := NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFiftyFramesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ticks atomic.Int64
		e := newRunning(t, Config{EndOfTick: func() { ticks.Add(1) }})
		defer e.Close()
		var c counter
		e.NewRoom().AddMember(MemberConfig{Sink: &c})
		time.Sleep(10*time.Second + Period/2)
		if n := c.frames.Load(); n < 500 || n > 501 || n != ticks.Load() {
			t.Errorf("%d frames and %d ticks in 10 s", n, ticks.Load())
		}
		c.delay.Store(int64(90 * time.Millisecond)) // a short stall is made up for
		time.Sleep(2 * time.Second)
		if n := c.frames.Load(); n < 599 || n > 601 {
			t.Errorf("%d frames in 12 s with a stall", n)
		}
		if e.Stats().Late == 0 {
			t.Error("the stall was not counted")
		}
		c.delay.Store(int64(time.Second)) // a long one is not, but time goes on
		time.Sleep(2 * time.Second)
		n, ts := c.frames.Load(), c.last.Load()/frameSamples
		if n > 655 || n < 640 || ts < 699 || ts > 701 {
			t.Errorf("%d frames after a long stall, the last one numbered %d", n, ts)
		}
		if s := e.Stats().Skipped; s < 45 || s > 50 {
			t.Errorf("%d frames skipped", s)
		}
	})
}

// lines counts log lines.
type lines struct {
	slog.Handler
	n atomic.Int64
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(context.Context, slog.Record) error {
	l.n.Add(1)
	return nil
}

func TestStallsAreNotLoggedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		e, err := NewEngine(Config{Logger: slog.New(&log)})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		var c counter
		e.NewRoom().AddMember(MemberConfig{Sink: &c})
		for range 15 {
			c.delay.Store(int64(500 * time.Millisecond))
			time.Sleep(time.Second)
		}
		if n := log.n.Load(); n != 2 {
			t.Errorf("%d lines for 15 stalls in 15 s", n)
		}
	})
}

func TestIdleEngineHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newRunning(t, Config{})
		defer e.Close()
		rooms := make([]*Room, 1000)
		for i := range rooms {
			rooms[i] = e.NewRoom()
			m := rooms[i].AddMember(MemberConfig{Sink: &counter{}})
			defer m.Remove()
			if i > 0 {
				m.Remove()
			} else {
				time.Sleep(time.Second)
				m.Remove()
			}
		}
		time.Sleep(time.Second)
		before := e.Stats().Ticks
		time.Sleep(time.Hour)
		if got := e.Stats(); got.Ticks != before || got.Rooms != 0 {
			t.Errorf("%d ticks for nobody, %d rooms", got.Ticks-before, got.Rooms)
		}
		var c counter // and it starts again
		rooms[7].AddMember(MemberConfig{Sink: &c})
		time.Sleep(time.Second)
		if n := c.frames.Load(); n < 49 || c.last.Load() != uint32(n-1)*frameSamples {
			t.Errorf("%d frames in the second after, timestamp %d", n, c.last.Load())
		}
	})
}

func TestEngineLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := newRunning(t, Config{Workers: 3})
	var c counter
	e.NewRoom().AddMember(MemberConfig{Sink: &c})
	e.Close()
	e.Close()
	n := c.frames.Load()
	if c.frames.Load() != n {
		t.Error("frames after Close")
	}
}

// TestManyAtOnce lets members come, talk and go from many goroutines while the
// engine runs; it is the race detector's work to find faults.
func TestManyAtOnce(t *testing.T) {
	e := newRunning(t, Config{Workers: 2})
	defer e.Close()
	enc, err := opus.NewEncoder(opus.EncoderConfig{Channels: opus.Stereo})
	if err != nil {
		t.Fatal(err)
	}
	pcm, buf := make([]float32, 2*frameSamples), make([]byte, opus.MaxPacket)
	interleave(pcm, tone(500, 0.3, frameSamples), tone(300, 0.1, frameSamples))
	n, err := enc.Encode(pcm, buf)
	if err != nil {
		t.Fatal(err)
	}
	rooms := []*Room{e.NewRoom(), e.NewRoom(), e.NewRoom(), e.NewRoom(), e.NewRoom()}
	var wg sync.WaitGroup
	var heard counter
	for g := range 8 {
		wg.Go(func() {
			for k := range 12 {
				m := rooms[(g+k)%len(rooms)].AddMember(MemberConfig{ID: uint32(g), HearsNot: []uint32{uint32(k)}, Sink: &heard})
				for i := range 40 {
					m.Push(rtpx.AudioPacket{Seq: uint16(i), TS: uint32(i * frameSamples), Payload: buf[:n],
						HasLevel: true, Level: 20, Arrival: time.Now()})
					m.SetMuted(i%7 == 0)
					m.SetReceive(i%5 != 0)
					m.SetLoss(i)
					m.SetFormat(Format{Stereo: i%3 == 0, MaxBitrate: i * 4000})
					m.Level()
					m.Stats()
				}
				m.Remove()
			}
		})
	}
	wg.Wait()
	rooms[0].Close()
	if got := e.Stats().Rooms; got != 0 {
		t.Errorf("%d rooms with members", got)
	}
}

// failing is a codec that fails after a while.
type failing struct {
	opus.Encoder
	left int
}

var errBroken = errors.New("broken")

func (f *failing) Encode(pcm []float32, dst []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errBroken
	}
	return f.Encoder.Encode(pcm, dst)
}

func TestCodecFailures(t *testing.T) {
	broken := func(opus.Channels) (opus.Decoder, error) { return nil, errBroken }
	if _, err := NewEngine(Config{NewDecoder: broken}); !errors.Is(err, errBroken) {
		t.Errorf("NewEngine: %v", err)
	}
	made := 0
	s := newStage(t, Config{
		NewEncoder: func(cfg opus.EncoderConfig) (opus.Encoder, error) {
			if made++; made > 1 {
				return nil, errBroken
			}
			e, err := opus.NewEncoder(cfg)
			return &failing{e, 20}, err
		},
		NewDecoder: func(channels opus.Channels) (opus.Decoder, error) {
			if made++; made > 3 {
				return nil, errBroken
			}
			return opus.NewDecoder(channels)
		},
	})
	s.join(300)
	s.join(500)
	listener := s.join(0)
	s.run(60) // nobody panics; who cannot be served gets silence
	if listener.ears.frames != 60 || listener.ears.silent < 30 {
		t.Errorf("%d frames, %d silent", listener.ears.frames, listener.ears.silent)
	}
}

// Without codecs for stereo everybody still hears, in mono.
func TestStereoCodecFailures(t *testing.T) {
	s := newStage(t, Config{NewDecoder: func(channels opus.Channels) (opus.Decoder, error) {
		if channels == opus.Stereo {
			return nil, errBroken
		}
		return opus.NewDecoder(channels)
	}})
	s.joinStereo(440, 880)
	listener := s.join(0, takes(musicStereo))
	s.run(60)
	listener.mustHearCentred(440, 40)

	s = newStage(t, Config{NewEncoder: func(cfg opus.EncoderConfig) (opus.Encoder, error) {
		if cfg.Channels == opus.Stereo {
			return nil, errBroken
		}
		return opus.NewEncoder(cfg)
	}})
	s.joinStereo(440, 880)
	listener, mono := s.join(0, takes(musicStereo)), s.join(0)
	talker := s.join(300, takes(musicStereo))
	s.run(60)
	mono.mustHear(440, 40)
	if listener.ears.frames != 60 || talker.ears.frames != 60 {
		t.Errorf("%d and %d frames in 60 ticks", listener.ears.frames, talker.ears.frames)
	}
}
