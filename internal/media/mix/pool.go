package mix

import (
	"fmt"
	"sync"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

// maxIdle is how many codecs of each kind are kept for the next talker. A mono
// encoder takes about 0.4 MiB.
const maxIdle = 16

// pool keeps codecs that are not in use. They are made when needed and given
// back when somebody stops talking, so their number follows the talkers and not
// the members. Those for stereo are made when there is stereo to be heard.
type pool struct {
	cfg     *Config
	mu      sync.Mutex
	mono    []*stream
	stereo  []*stream
	voices  []*voice
	sides   []*side
	stereos []*stereoMix
}

// streamsLocked are the idle streams with so many channels.
func (p *pool) streamsLocked(channels opus.Channels) *[]*stream {
	if channels == opus.Stereo {
		return &p.stereo
	}
	return &p.mono
}

// stream returns an encoder that has encoded nothing, or must behave so.
func (p *pool) stream(c coding) (*stream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := pop(p.streamsLocked(c.channels)); s != nil {
		s.setBitrate(c.bitrate)
		return s, nil
	}
	enc, err := p.cfg.NewEncoder(opus.EncoderConfig{Channels: c.channels, Bitrate: c.bitrate})
	if err != nil {
		return nil, fmt.Errorf("audio encoder: %w", err)
	}
	return &stream{enc: enc, coding: c}, nil
}

func (p *pool) putStream(s *stream) {
	s.begun = false
	p.mu.Lock()
	defer p.mu.Unlock()
	push(p.streamsLocked(s.coding.channels), s)
}

// voice returns a decoder that knows of no past.
func (p *pool) voice() (*voice, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := pop(&p.voices); v != nil {
		return v, nil
	}
	dec, err := p.cfg.NewDecoder(opus.Mono)
	if err != nil {
		return nil, fmt.Errorf("audio decoder: %w", err)
	}
	return &voice{pool: p, dec: dec, fifo: make([]float32, 0, fifoSamples)}, nil
}

func (p *pool) putVoice(v *voice) {
	if v.side != nil {
		p.putSide(v.side)
	}
	v.dec.Reset()
	*v = voice{pool: p, dec: v.dec, fifo: v.fifo[:0], packet: v.packet[:0], prime: v.prime[:0]}
	p.mu.Lock()
	defer p.mu.Unlock()
	push(&p.voices, v)
}

// side returns a stereo decoder that knows of no past.
func (p *pool) side() (*side, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := pop(&p.sides); s != nil {
		return s, nil
	}
	dec, err := p.cfg.NewDecoder(opus.Stereo)
	if err != nil {
		return nil, fmt.Errorf("stereo decoder: %w", err)
	}
	return &side{dec: dec, fifo: make([]float32, 0, fifoSamples)}, nil
}

func (p *pool) putSide(s *side) {
	s.dec.Reset()
	s.fifo, s.live, s.heard = s.fifo[:0], false, 0
	p.mu.Lock()
	defer p.mu.Unlock()
	push(&p.sides, s)
}

// stereoMix returns memory to mix stereo in; what is in it means nothing.
func (p *pool) stereoMix() *stereoMix {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := pop(&p.stereos); s != nil {
		return s
	}
	return new(stereoMix)
}

func (p *pool) putStereoMix(s *stereoMix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	push(&p.stereos, s)
}

// pop takes one from a stack, nil if it is empty.
func pop[T any](stack *[]*T) *T {
	n := len(*stack)
	if n == 0 {
		return nil
	}
	top := (*stack)[n-1]
	(*stack)[n-1] = nil
	*stack = (*stack)[:n-1]
	return top
}

// push puts one on a stack, unless that is full.
func push[T any](stack *[]*T, one *T) {
	if len(*stack) < maxIdle {
		*stack = append(*stack, one)
	}
}
