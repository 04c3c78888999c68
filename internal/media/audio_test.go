package media

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

// talk sends a tone until stopped, with the level in the header extension.
func talk(t *testing.T, c *client, hz float64) (stop func()) {
	t.Helper()
	enc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	level := uint8(0)
	for _, s := range c.pc.GetSenders() {
		if s.Track() == webrtc.TrackLocal(c.mic) {
			for _, e := range s.GetParameters().HeaderExtensions {
				if e.URI == "urn:ietf:params:rtp-hdrext:ssrc-audio-level" {
					level = uint8(e.ID)
				}
			}
		}
	}
	if level == 0 {
		t.Fatal("the level extension was not negotiated")
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		pcm, packet := make([]float32, opus.FrameSamples), make([]byte, opus.MaxPacket)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			for j := range pcm {
				pcm[j] = 0.3 * float32(math.Sin(2*math.Pi*hz*float64(i*len(pcm)+j)/opus.SampleRate))
			}
			n, err := enc.Encode(pcm, packet)
			if err != nil {
				t.Error(err)
				return
			}
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i * 960)}, Payload: packet[:n]}
			if err := p.SetExtension(level, []byte{0x80 | 12}); err != nil {
				t.Error(err)
				return
			}
			_ = c.mic.WriteRTP(p)
		}
	}()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			close(done)
			<-ended
		}
	}
	t.Cleanup(stop)
	return stop
}

// loudness decodes what a client hears for a while and measures how much of it
// is a tone of the given frequency, as an amplitude.
func loudness(t *testing.T, in *received, hz float64, d time.Duration) float64 {
	t.Helper()
	dec, err := opus.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	for len(in.packets) > 0 {
		<-in.packets
	}
	sum, frames := 0.0, 0
	pcm := make([]float32, opus.MaxSamples)
	for i := 0; i < int(d/(20*time.Millisecond)); i++ {
		p := in.read(t)
		n, err := dec.Decode(p.Payload, pcm)
		if err != nil {
			t.Fatal(err)
		}
		if i < 10 {
			continue // the decoder finds its feet
		}
		sum += amplitude(pcm[:n], hz)
		frames++
	}
	return sum / float64(frames)
}

// amplitude is how much of a frame is a tone of the given frequency. The window
// (Hann) keeps other tones out.
func amplitude(pcm []float32, hz float64) float64 {
	var re, im float64
	for i, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		phase := 2 * math.Pi * hz * float64(i) / opus.SampleRate
		re += w * float64(s) * math.Cos(phase)
		im += w * float64(s) * math.Sin(phase)
	}
	return 4 * math.Hypot(re, im) / float64(len(pcm))
}

const (
	heard   = 0.05
	unheard = 0.01
)

func TestEverybodyHearsTheOthersAndNotThemselves(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	inAlice, inBob := alice.next(), bob.next()
	talk(t, alice, 440)
	alice.events.wait(t, "audio", 1)
	alice.events.wait(t, "step "+StepFirstAudioIn, 1)
	if a := loudness(t, inBob, 440, time.Second); a < heard {
		t.Errorf("bob hears alice at %.3f", a)
	}
	if a := loudness(t, inAlice, 440, 500*time.Millisecond); a > unheard {
		t.Errorf("alice hears herself at %.3f", a)
	}
	levels := make(map[uint32]uint8)
	room.Levels(func(id uint32, level uint8, muted bool, signal uint8) {
		levels[id] = level
		if muted || signal != 2 {
			t.Errorf("stream %d: muted %v signal %d", id, muted, signal)
		}
	})
	if l := levels[alice.peer.cfg.AudioStreamID]; l > 30 {
		t.Errorf("alice's level %d, want about 12", l)
	}
	if l := levels[bob.peer.cfg.AudioStreamID]; l != 127 {
		t.Errorf("bob's level %d, want 127", l)
	}

	alice.peer.SetMuted(true)
	if a := loudness(t, inBob, 440, 600*time.Millisecond); a > unheard {
		t.Errorf("bob hears alice muted, at %.3f", a)
	}
	alice.peer.SetMuted(false)
	perms := AllPermissions()
	perms.AudioReceive = false
	bob.peer.SetPermissions(perms)
	if a := loudness(t, inBob, 440, 600*time.Millisecond); a > unheard {
		t.Errorf("bob hears without permission, at %.3f", a)
	}
	bob.peer.SetPermissions(AllPermissions())
	if a := loudness(t, inBob, 440, time.Second); a < heard {
		t.Errorf("bob hears alice at %.3f with permission again", a)
	}
	perms = AllPermissions()
	perms.AudioSend = false
	alice.peer.SetPermissions(perms)
	if a := loudness(t, inBob, 440, 600*time.Millisecond); a > unheard {
		t.Errorf("alice is heard without permission, at %.3f", a)
	}
}

func TestContentIsNotHeardByItsOwner(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	inAlice, inBob := alice.next(), bob.next()
	share := join(t, room, "alice#content")
	inShare := share.next()
	talk(t, share, 660)
	talk(t, bob, 330)
	if a := loudness(t, inBob, 660, time.Second); a < heard {
		t.Errorf("bob hears the share at %.3f", a)
	}
	if a := loudness(t, inAlice, 660, 600*time.Millisecond); a > unheard {
		t.Errorf("alice hears her own share at %.3f", a)
	}
	if a := loudness(t, inShare, 330, 600*time.Millisecond); a > unheard {
		t.Errorf("the share's session hears bob at %.3f", a)
	}
}
