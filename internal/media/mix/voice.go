package mix

import (
	"math"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Lengths in 48 kHz samples.
const (
	frameSamples = opus.FrameSamples
	rampSamples  = 240                            // 5 ms: a sound that begins in the middle begins softly
	fifoSamples  = frameSamples + opus.MaxSamples // room behind less than a frame for the longest packet
)

// inaudible is the peak under which a frame counts as silence: -80 dB.
const inaudible = 1e-4

// maxWait is how many frames in a row a voice may be made up while waiting.
// After that a guess is worse than nothing.
const maxWait = 5

// voice is a member who is being decoded. It turns packets, which may be of any
// length, early, late or lost, into exactly one frame per tick.
type voice struct {
	member  *Member
	pool    *pool
	dec     opus.Decoder // makes one channel
	rank    float32
	since   time.Time
	leaving bool // fades out in the next frame
	cut     bool // was muted: ends without another sound
	done    bool // has ended

	frame   [frameSamples]float32 // of the current tick, in mono
	side    *side                 // nil as long as mono is enough
	audible bool                  // frame is not silence
	stereo  bool                  // its two channels differ, for somebody

	fifo    []float32 // decoded, not yet played; its memory is reused
	packet  []byte    // copy of the packet being decoded
	prime   []byte
	started bool
	wanted  bool // somebody would hear stereo
	waits   int
	decoded int // packets decoded in this tick
}

// fill makes the frame for the tick at now. wanted says that somebody would hear
// stereo.
func (v *voice) fill(now time.Time, wanted bool) {
	v.decoded, v.stereo, v.wanted = 0, false, wanted
	if v.cut {
		v.audible, v.done = false, true
		return
	}
	for len(v.fifo) < frameSamples {
		if !v.next(now) {
			break
		}
	}
	v.done = v.leaving
	v.fifo = take(v.frame[:], v.fifo, v.leaving)
	if s := v.side; s != nil && s.live {
		s.fifo = take(s.frame[:], s.fifo, v.leaving)
		v.stereo = wanted && v.isStereo()
	}
	v.audible = v.stereo || peak(v.frame[:]) > inaudible
	if v.decoded > 0 && !v.member.leveled() {
		v.member.measured(v.level(), now)
	}
}

// take moves a frame's worth of samples from the beginning of fifo to frame and
// returns what is left; what is missing is silence. A frame that leaves fades out.
func take(frame, fifo []float32, leaving bool) []float32 {
	n := copy(frame, fifo)
	clear(frame[n:])
	if leaving {
		fade(frame, 1, 0)
	}
	return fifo[:copy(fifo, fifo[n:])]
}

// next appends what comes next to the fifo. It returns false if there is nothing.
func (v *voice) next(now time.Time) bool {
	f := v.pop(now)
	switch f.Kind {
	case rtpx.FrameNone:
		v.started = false
		return false
	case rtpx.FrameWait:
		v.waits++
	default:
		v.waits = 0
	}
	v.follow(f)
	n := v.decode(f)
	if f.Kind == rtpx.FramePlay {
		n = v.shape(n, f.Excess)
	}
	v.fifo = v.fifo[:len(v.fifo)+n]
	if s := v.side; s != nil && s.live {
		s.fifo = s.fifo[:len(v.fifo)]
	}
	return true
}

// decode makes the next samples, behind the fifo, and returns how many.
func (v *voice) decode(f rtpx.AudioFrame) int {
	if f.Kind == rtpx.FramePlay || f.Kind == rtpx.FrameFEC {
		v.decoded++
	}
	mid, s := v.ahead(v.fifo, opus.MaxSamples), v.side
	if s != nil && s.live {
		return v.split(f, mid)
	}
	if s != nil {
		v.run(s.dec, f, s.pcm[:], opus.Stereo)
		s.heard++
	}
	return v.run(v.dec, f, mid, opus.Mono)
}

// run has a decoder do what f says, into pcm, and returns the number of samples.
// What cannot be decoded is silence.
func (v *voice) run(dec opus.Decoder, f rtpx.AudioFrame, pcm []float32, channels opus.Channels) int {
	n, err := f.Samples, error(nil)
	out := pcm[:n*int(channels)]
	switch {
	case f.Kind == rtpx.FramePlay:
		if len(v.prime) > 0 {
			_, _ = dec.Decode(v.prime, pcm) // only for the decoder's memory
		}
		n, err = dec.Decode(v.packet, pcm)
	case f.Kind == rtpx.FrameFEC:
		err = dec.DecodeFEC(v.packet, out)
	case v.waits > maxWait:
		clear(out)
	default:
		err = dec.Conceal(out)
	}
	if err != nil {
		n = f.Samples
		clear(out)
	}
	return n
}

// shape lets a sound that has just been decoded begin softly, and shortens it by
// up to excess samples. It returns the number of samples left of n.
func (v *voice) shape(n, excess int) int {
	mid := v.ahead(v.fifo, n)
	diff := mid[:0]
	if s := v.side; s != nil && s.live {
		diff = v.ahead(s.fifo, n)
	}
	if !v.started {
		v.started = true
		ramp := min(n, rampSamples)
		fade(mid[:ramp], 0, 1)
		fade(diff[:min(ramp, len(diff))], 0, 1)
	}
	lag := spare(mid, excess)
	if lag == 0 {
		return n
	}
	join(diff, lag)
	return join(mid, lag)
}

// ahead is the room for n samples behind those of the voice's fifo, in that fifo or
// in that of its side.
func (v *voice) ahead(fifo []float32, n int) []float32 {
	return fifo[len(v.fifo) : len(v.fifo)+n]
}

// pop asks the jitter buffer and copies what it gives, since the buffer may be
// written to as soon as it is unlocked.
func (v *voice) pop(now time.Time) rtpx.AudioFrame {
	v.member.mu.Lock()
	defer v.member.mu.Unlock()
	f := v.member.buffer.Pop(now, len(v.fifo))
	v.packet = append(v.packet[:0], f.Payload...)
	v.prime = append(v.prime[:0], f.Prime...)
	return f
}

// fade multiplies pcm by a gain that goes evenly from one value to another.
func fade(pcm []float32, from, to float32) {
	step := (to - from) / float32(len(pcm))
	for i := range pcm {
		pcm[i] *= from + step*float32(i)
	}
}

func peak(pcm []float32) float32 {
	var p float32
	for _, s := range pcm {
		p = max(p, s, -s)
	}
	return p
}

// power is the sum of the squares of pcm.
func power(pcm []float32) float64 {
	var e float64
	for _, s := range pcm {
		e += float64(s) * float64(s)
	}
	return e
}

// level is the loudness of the current frame, of both channels.
func (v *voice) level() uint8 {
	if s := v.side; s != nil && s.live {
		return levelOf(v.frame[:], s.frame[:])
	}
	return levelOf(v.frame[:])
}

// levelOf returns the loudness of a mono signal, or of mid and side, in dB below
// full scale, 0..127.
func levelOf(signals ...[]float32) uint8 {
	var e float64
	for _, pcm := range signals {
		e += power(pcm)
	}
	if e == 0 {
		return rtpx.LevelSilent
	}
	db := -10 * math.Log10(e/float64(len(signals[0])))
	return uint8(min(max(db, 0), rtpx.LevelSilent))
}
