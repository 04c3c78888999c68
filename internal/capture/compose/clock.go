package compose

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// clock is what the goroutine has that makes sound into pictures.
type clock struct {
	samples  int64 // of sound so far
	pictures int64 // so far
	wait     int   // packets until an encoder is started again
	canvas   *Picture
	drawn    *[]placed // as the canvas was drawn for
	held     int       // pictures for which it has been kept, although there is a newer one
	decoder  opus.Decoder
	pcm      []float32
	bytes    []byte
}

// run is the clock: every packet of the mix is 20 ms.
func (s *Show) run() {
	defer s.stopEncoder()
	for n := 1; ; n++ {
		select {
		case p := <-s.heard:
			s.tick(p)
		case <-s.ctx.Done():
			return
		}
		if n%chooseEvery == 0 {
			s.work.Push(s.choose)
		}
	}
}

// tick encodes a packet of the mix, and the pictures that are due with it.
func (s *Show) tick(p packet) {
	c := &s.clock
	if s.cfg.Heard != nil {
		s.cfg.Heard(p.data, p.at)
	}
	e := s.ready()
	if e != nil && s.cfg.Film.Sound != nil {
		e.sound(c.samplesOf(p.data))
	}
	c.samples += rtpx.FrameSamples
	for ; c.pictures*soundRate < c.samples*int64(s.cfg.Film.Rate); c.pictures++ {
		if e != nil {
			s.draw()
			e.picture(c.canvas)
		}
	}
}

// samplesOf decodes a packet of the mix to samples of 16 bits.
func (c *clock) samplesOf(packet []byte) []byte {
	n, err := c.decoder.Decode(packet, c.pcm)
	if err != nil || n != rtpx.FrameSamples { // our own mixer makes no such packets
		n = rtpx.FrameSamples
		clear(c.pcm[:n])
	}
	c.bytes = c.bytes[:0]
	const loudest = 32767
	for _, v := range c.pcm[:n] {
		c.bytes = binary.LittleEndian.AppendUint16(c.bytes, uint16(int16(min(max(v, -1), 1)*loudest)))
	}
	return c.bytes
}

// draw brings the canvas up to date.
func (s *Show) draw() {
	c := &s.clock
	list := s.placed.Load()
	if list != c.drawn {
		if s.holds(list) {
			list = c.drawn
		} else {
			c.canvas.fill(Rect{0, 0, c.canvas.Width, c.canvas.Height}, black)
			c.drawn, c.held = list, 0
		}
	}
	if list == nil {
		return
	}
	a := &s.cfg.Composition.Attribute
	for _, p := range *list {
		if !p.source.drawOn(c.canvas, p.At) || s.cfg.SpeakerOnly {
			continue
		}
		switch {
		case p.Highlight && a.HighlightColor != "":
			c.canvas.frame(p.At, max(a.BorderThickness, thinnest), colourNamed(a.HighlightColor))
		case a.BorderColor != "" || a.BorderThickness > 0:
			c.canvas.frame(p.At, max(a.BorderThickness, thinnest), colourNamed(a.BorderColor))
		}
		c.canvas.round(p.At, a.CornerRadius)
	}
}

// holds reports whether the arrangement of before is kept for now, because the new
// one has a video of which there is no picture yet.
func (s *Show) holds(list *[]placed) bool {
	c := &s.clock
	if c.held++; c.drawn == nil || c.held > holdFor*s.cfg.Film.Rate {
		return false
	}
	return slices.ContainsFunc(*list, func(p placed) bool { return !p.source.begun() })
}

// holdFor is in seconds: as long as a camera may take to send a key frame.
const holdFor = 2

// thinnest is the border of who asked for one without saying how thick: two
// pixels, since the planes of colour have half the size.
const thinnest = 2

// ready returns the encoder, started if it must be; nil while there is none.
func (s *Show) ready() *encoder {
	c := &s.clock
	if e := s.encoder.Load(); e != nil {
		select {
		case <-e.dead:
			s.cfg.Logger.Warn("the encoder of the composition has ended; another one is started", "err", e.err)
			s.stopEncoder()
			c.wait = chooseEvery
		default:
			return e
		}
	}
	if c.wait--; c.wait > 0 || s.ctx.Err() != nil {
		return nil
	}
	base := time.Duration(c.samples) * time.Second / soundRate
	c.pictures = c.samples * int64(s.cfg.Film.Rate) / soundRate
	e, err := encode(s.cfg.FFmpeg, c.canvas.Width, c.canvas.Height, s.cfg.Film, func(t flv.Tag) {
		t.At += base
		s.cfg.Out(t)
	})
	if err != nil {
		s.cfg.Logger.Warn("no encoder for the composition could be started", "err", err)
		c.wait = chooseEvery
		return nil
	}
	s.encoder.Store(e)
	return e
}

func (s *Show) stopEncoder() {
	if e := s.encoder.Load(); e != nil {
		e.close()
		s.encoder.Store(nil)
	}
}
