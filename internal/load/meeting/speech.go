package meeting

import (
	"fmt"
	"math"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

const (
	loopFrames  = 200 // 4 s of speech, over and over
	clickFrames = 25  // from click to click: 0.5 s
	clickHz     = 9000
	clickLevel  = 8 // dB below full scale that the clicking talker claims, to be mixed always
	voiceFlag   = 0x80
)

// sound is one encoded frame of 20 ms with its level as it goes into the
// header extension (RFC 6464).
type sound struct {
	packet []byte
	level  uint8
}

// loop is speech to be sent over and over.
type loop struct {
	sounds []sound
	clicks map[int]int // by frame: the sample of it where a click is heard when decoded
	peak   float64     // power of a click as the detector sees it
}

// newLoop makes speech, with clicks or without.
func newLoop(clicking bool) (*loop, error) {
	enc, err := opus.NewEncoder(opus.EncoderConfig{Bitrate: 32000})
	if err != nil {
		return nil, fmt.Errorf("speech: %w", err)
	}
	l := &loop{clicks: make(map[int]int)}
	var voice synthesizer
	pcm := make([]float32, opus.FrameSamples)
	for i := range loopFrames {
		voice.speak(pcm)
		level := levelOf(pcm)
		if clicking {
			level = clickLevel
			if i%clickFrames == clickFrames/2 {
				click(pcm)
			}
		}
		packet := make([]byte, opus.MaxPacket)
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			return nil, fmt.Errorf("speech: %w", err)
		}
		l.sounds = append(l.sounds, sound{packet: packet[:n:n], level: voiceFlag | level})
	}
	if clicking {
		return l, l.calibrate()
	}
	return l, nil
}

// calibrate decodes the loop to learn where a listener without any server in
// between would hear the clicks, and how loud.
func (l *loop) calibrate() error {
	e, err := newEar(0)
	if err != nil {
		return err
	}
	var frame int
	pcm := make([]float32, opus.MaxSamples)
	var decoded []float32
	for _, s := range l.sounds {
		n, err := e.dec.Decode(s.packet, pcm)
		if err != nil {
			return fmt.Errorf("speech: %w", err)
		}
		decoded = append(decoded, pcm[:n]...)
	}
	for at := 0; at+window <= len(decoded); at += step {
		l.peak = max(l.peak, power(decoded[at:at+window]))
	}
	e.threshold = l.peak * onset
	for ; frame < loopFrames; frame++ {
		e.listen(decoded[frame*opus.FrameSamples:][:opus.FrameSamples], func(at int) { l.clicks[frame] = at })
	}
	if want := loopFrames / clickFrames; len(l.clicks) != want {
		return fmt.Errorf("speech: %d clicks heard of %d", len(l.clicks), want)
	}
	return nil
}

// click adds a tone of 10 ms, far above the voice, that begins at once.
func click(pcm []float32) {
	for i := range len(pcm) / 2 {
		pcm[i] += 0.4 * float32(math.Sin(2*math.Pi*clickHz*float64(i)/opus.SampleRate))
	}
}

// synthesizer makes a sound that has of speech what matters to codec and mixer:
// a voice with harmonics and formants, syllables, and gaps between words.
type synthesizer struct {
	n     int // samples made
	phase float64
}

func (s *synthesizer) speak(pcm []float32) {
	for i := range pcm {
		t := float64(s.n) / opus.SampleRate
		pitch := 120 + 25*math.Sin(2*math.Pi*0.7*t)
		s.phase += pitch / opus.SampleRate
		var v float64
		for h := 1.0; h <= 20; h++ {
			v += formant(h*pitch, t) * math.Sin(2*math.Pi*h*s.phase)
		}
		syllable := max(0.05, math.Sin(2*math.Pi*2.2*t)) // about four and a half a second
		if math.Mod(t, 1.3) > 1.15 {
			syllable = 0.01 // between words
		}
		pcm[i] = float32(0.12 * syllable * v)
		s.n++
	}
}

// formant is the strength of a harmonic at hz: two resonances that wander.
func formant(hz, t float64) float64 {
	f1, f2 := 500+200*math.Sin(2*math.Pi*1.9*t), 1500+500*math.Sin(2*math.Pi*1.3*t)
	a, b := (hz-f1)/150, (hz-f2)/250
	return 1/(1+a*a) + 0.5/(1+b*b)
}

// levelOf is the loudness of a frame in dB below full scale, 0 to 127.
func levelOf(pcm []float32) uint8 {
	var sum float64
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	db := -10 * math.Log10(sum/float64(len(pcm))+1e-13)
	return uint8(min(max(db, 0), 127))
}
