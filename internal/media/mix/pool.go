package mix

import (
	"fmt"
	"sync"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

// maxIdle is how many encoders, and decoders, are kept for the next talker. One
// encoder takes about 0.4 MiB.
const maxIdle = 16

// pool keeps codecs that are not in use. They are made when needed and given
// back when somebody stops talking, so their number follows the talkers and not
// the members.
type pool struct {
	cfg     *Config
	mu      sync.Mutex
	streams []*stream
	voices  []*voice
}

// stream returns an encoder that has encoded nothing, or must behave so.
func (p *pool) stream() (*stream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.streams); n > 0 {
		s := p.streams[n-1]
		p.streams = p.streams[:n-1]
		return s, nil
	}
	enc, err := p.cfg.NewEncoder()
	if err != nil {
		return nil, fmt.Errorf("audio encoder: %w", err)
	}
	return &stream{enc: enc}, nil
}

func (p *pool) putStream(s *stream) {
	s.begun = false
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.streams) < maxIdle {
		p.streams = append(p.streams, s)
	}
}

// voice returns a decoder that knows of no past.
func (p *pool) voice() (*voice, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.voices); n > 0 {
		v := p.voices[n-1]
		p.voices = p.voices[:n-1]
		return v, nil
	}
	dec, err := p.cfg.NewDecoder()
	if err != nil {
		return nil, fmt.Errorf("audio decoder: %w", err)
	}
	return &voice{dec: dec, fifo: make([]float32, 0, frameSamples+opus.MaxSamples)}, nil
}

func (p *pool) putVoice(v *voice) {
	v.dec.Reset()
	*v = voice{dec: v.dec, fifo: v.fifo[:0], packet: v.packet[:0], prime: v.prime[:0]}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.voices) < maxIdle {
		p.voices = append(p.voices, v)
	}
}
