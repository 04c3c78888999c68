package mix

import (
	"sync"
	"testing"
)

// tap gathers what it is handed.
type tap struct {
	mu     sync.Mutex
	voices map[string][]float32
}

func (p *tap) Voice(speaker string, pcm []float32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voices[speaker] = append(p.voices[speaker], pcm...)
}

// take returns what was said since, and forgets it.
func (p *tap) take() map[string][]float32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	voices := p.voices
	p.voices = map[string][]float32{}
	return voices
}

func named(name string) func(*MemberConfig) { return func(c *MemberConfig) { c.Speaker = name } }

func TestATapHearsEveryTalkerApart(t *testing.T) {
	s := newStage(t, Config{})
	p := &tap{voices: map[string][]float32{}}
	s.room.SetTap(p)
	ada, bob := s.join(310, named("ada")), s.join(470, named("bob"))
	s.join(690) // a share: nobody's voice
	s.join(0, named("eve"))
	s.run(60)
	voices := p.take()
	if len(voices) != 2 {
		t.Fatalf("heard %d voices", len(voices))
	}
	for name, tones := range map[string][2]float64{"ada": {310, 470}, "bob": {470, 310}} {
		pcm := voices[name]
		if len(pcm) < 40*frameSamples {
			t.Errorf("%s was heard for %d samples", name, len(pcm))
			continue
		}
		pcm = pcm[len(pcm)-20*frameSamples:]
		if own, other := goertzel(pcm, tones[0]), goertzel(pcm, tones[1]); own < 100*other {
			t.Errorf("of %s, its own tone has %g, the other's %g", name, own, other)
		}
	}
	ada.member.SetMuted(true)
	bob.member.SetMuted(true)
	s.run(2)
	p.take()
	s.run(20)
	if voices := p.take(); len(voices) != 0 {
		t.Errorf("heard %d who are muted", len(voices))
	}
}

// One who is alone is not decoded, except for a tap.
func TestATapHearsWhoIsAlone(t *testing.T) {
	s := newStage(t, Config{})
	s.join(310, named("ada"))
	s.run(50)
	if n := s.engine.Stats().Decodes; n != 0 {
		t.Errorf("%d packets decoded for nobody", n)
	}
	p := &tap{voices: map[string][]float32{}}
	s.room.SetTap(p)
	s.run(50)
	if len(p.take()["ada"]) < 30*frameSamples {
		t.Error("ada was not heard")
	}
	s.room.SetTap(nil)
	s.run(50)
	before := s.engine.Stats().Decodes
	s.run(50)
	if len(p.take()) > 1 || s.engine.Stats().Decodes != before {
		t.Error("she is decoded for nobody")
	}
}
