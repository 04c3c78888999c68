package mix

import (
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

// independence is an encoder that notes for which frames it was told not to refer
// to the past.
type independence struct {
	opus.Encoder
	now    bool
	frames []bool
}

func (e *independence) SetIndependent(on bool) {
	e.now = on
	e.Encoder.SetIndependent(on)
}

func (e *independence) Encode(pcm []float32, dst []byte) (int, error) {
	e.frames = append(e.frames, e.now)
	return e.Encoder.Encode(pcm, dst)
}

func TestRefreshMakesTheNextFrameIndependent(t *testing.T) {
	var made []*independence
	s := newStage(t, Config{NewEncoder: func(cfg opus.EncoderConfig) (opus.Encoder, error) {
		enc, err := opus.NewEncoder(cfg)
		e := &independence{Encoder: enc}
		made = append(made, e)
		return e, err
	}})
	s.join(0)
	s.join(440)
	s.run(100)
	var shared *independence
	for _, e := range made {
		if len(e.frames) > 50 {
			shared = e
		}
	}
	if shared == nil || shared.now {
		t.Fatal("nobody hears the tone")
	}
	before := len(shared.frames)
	s.room.Refresh()
	s.run(10)
	got := shared.frames[before:]
	if !got[0] || !got[1] || got[2] || got[9] {
		t.Errorf("independent: %v", got)
	}
}

func TestAMemberKnowsWhenItsSoundBegan(t *testing.T) {
	s := newStage(t, Config{})
	p := s.join(0)
	if !p.member.Began().IsZero() {
		t.Error("began before the first frame")
	}
	s.run(3)
	if want := epoch.Add(Period); !p.member.Began().Equal(want) {
		t.Errorf("began at %s, want %s", p.member.Began(), want)
	}
}

func TestAMemberKnowsForHowLongItsPacketsAreHeld(t *testing.T) {
	s := newStage(t, Config{})
	s.join(0)
	p := s.join(440)
	if p.member.Held() != 0 {
		t.Error("held before the first packet")
	}
	s.run(200)
	if got := p.member.Held(); got < 10*time.Millisecond || got > 50*time.Millisecond {
		t.Errorf("held for %s", got)
	}
}
