package media

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

// levelExtension is the id the client sends its loudness under.
func levelExtension(t *testing.T, c *person) uint8 {
	t.Helper()
	for _, s := range c.pc.GetSenders() {
		if s.Track() != webrtc.TrackLocal(c.mic) {
			continue
		}
		for _, e := range s.GetParameters().HeaderExtensions {
			if e.URI == sdp.ExtLevel {
				return uint8(e.ID)
			}
		}
	}
	t.Fatal("the level extension was not negotiated")
	return 0
}

// talk sends a tone until the end of the test, with its level in the header.
func talk(t *testing.T, c *person, hz float64) {
	t.Helper()
	enc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	level := levelExtension(t, c)
	pcm, packet := make([]float32, opus.FrameSamples), make([]byte, opus.MaxPacket)
	every(t, 20*time.Millisecond, func(i int) error {
		for j := range pcm {
			pcm[j] = 0.3 * float32(math.Sin(2*math.Pi*hz*float64(i*len(pcm)+j)/opus.SampleRate))
		}
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			return err
		}
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i * 960)}, Payload: packet[:n]}
		if err := p.SetExtension(level, []byte{0x80 | 12}); err != nil {
			return err
		}
		_ = c.mic.WriteRTP(p) // fails once the client has gone
		return nil
	})
}

// loudness decodes what a client hears for a while and measures how much of it
// is a tone of the given frequency, as an amplitude.
func loudness(t *testing.T, in *received, hz float64, d time.Duration) float64 {
	t.Helper()
	dec, err := opus.NewDecoder(opus.Mono)
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

// comesToHear waits until a tone is heard, and fallsSilent until it is not: on a
// busy machine a change takes its time to reach the listener.
func comesToHear(t *testing.T, in *received, hz float64, what string) {
	t.Helper()
	settles(t, in, hz, what, func(a float64) bool { return a >= heard })
}

func fallsSilent(t *testing.T, in *received, hz float64, what string) {
	t.Helper()
	settles(t, in, hz, what, func(a float64) bool { return a <= unheard })
}

func settles(t *testing.T, in *received, hz float64, what string, right func(float64) bool) {
	t.Helper()
	var a float64
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if a = loudness(t, in, hz, 600*time.Millisecond); right(a) {
			return
		}
	}
	t.Errorf("%s: still at %.3f", what, a)
}

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
	for _, l := range room.Levels(nil) {
		levels[l.AudioStreamID] = l.Level
		if l.Muted || l.Signal != 2 {
			t.Errorf("%+v", l)
		}
	}
	if l := levels[alice.peer.cfg.AudioStreamID]; l > 30 {
		t.Errorf("alice's level %d, want about 12", l)
	}
	if l := levels[bob.peer.cfg.AudioStreamID]; l != 127 {
		t.Errorf("bob's level %d, want 127", l)
	}
}

func TestMuteAndPermissionsOfSound(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	in := bob.next()
	talk(t, alice, 440)
	deaf, dumb := AllPermissions(), AllPermissions()
	deaf.AudioReceive, dumb.AudioSend = false, false
	for _, step := range []struct {
		name   string
		change func()
		hears  bool
	}{
		{"at first", func() {}, true},
		{"muted", func() { alice.peer.SetMuted(true) }, false},
		{"not muted any more", func() { alice.peer.SetMuted(false) }, true},
		{"not allowed to hear", func() { bob.peer.SetPermissions(deaf) }, false},
		{"allowed to hear", func() { bob.peer.SetPermissions(AllPermissions()) }, true},
		{"not allowed to speak", func() { alice.peer.SetPermissions(dumb) }, false},
		{"allowed to speak", func() { alice.peer.SetPermissions(AllPermissions()) }, true},
	} {
		step.change()
		if a := loudness(t, in, 440, 800*time.Millisecond); step.hears && a < heard || !step.hears && a > unheard {
			t.Errorf("%s: bob hears alice at %.3f", step.name, a)
		}
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
	comesToHear(t, inBob, 660, "bob hears the share")
	fallsSilent(t, inAlice, 660, "alice hears her own share")
	fallsSilent(t, inShare, 330, "the share's session hears bob")
}
