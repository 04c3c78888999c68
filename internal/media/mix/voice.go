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
	rampSamples  = 240 // 5 ms: a sound that begins in the middle begins softly
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
	dec     opus.Decoder
	rank    float32
	since   time.Time
	leaving bool // fades out in the next frame
	cut     bool // was muted: ends without another sound
	done    bool // has ended

	frame   [frameSamples]float32 // of the current tick
	audible bool                  // frame is not silence

	fifo    []float32 // decoded, not yet played; its memory is reused
	packet  []byte    // copy of the packet being decoded
	prime   []byte
	started bool
	waits   int
	decoded int // packets decoded in this tick
}

// fill makes the frame for the tick at now.
func (v *voice) fill(now time.Time) {
	v.decoded = 0
	if v.cut {
		v.audible, v.done = false, true
		return
	}
	for len(v.fifo) < frameSamples {
		if !v.next(now) {
			break
		}
	}
	n := copy(v.frame[:], v.fifo)
	clear(v.frame[n:])
	v.fifo = v.fifo[:copy(v.fifo, v.fifo[n:])]
	if v.leaving {
		fade(v.frame[:], 1, 0)
		v.done = true
	}
	v.audible = peak(v.frame[:]) > inaudible
	if v.decoded > 0 && !v.member.leveled() {
		v.member.measured(levelOf(v.frame[:]), now)
	}
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
	at := len(v.fifo)
	out := v.fifo[at : at+f.Samples]
	switch f.Kind {
	case rtpx.FramePlay:
		out = v.play(f, v.fifo[at:at+opus.MaxSamples])
	case rtpx.FrameFEC:
		v.decoded++
		if v.dec.DecodeFEC(v.packet, out) != nil {
			clear(out)
		}
	default:
		if v.waits > maxWait || v.dec.Conceal(out) != nil {
			clear(out)
		}
	}
	v.fifo = v.fifo[:at+len(out)]
	return true
}

// play decodes a received packet into room and returns the part that is to be
// played.
func (v *voice) play(f rtpx.AudioFrame, room []float32) []float32 {
	if len(v.prime) > 0 {
		_, _ = v.dec.Decode(v.prime, room) // only for the decoder's memory
	}
	v.decoded++
	n, err := v.dec.Decode(v.packet, room)
	if err != nil {
		n = f.Samples
		clear(room[:n])
	}
	out := room[:n]
	if !v.started {
		v.started = true
		fade(out[:min(n, rampSamples)], 0, 1)
	}
	if f.Excess > 0 {
		out = shorten(out, f.Excess)
	}
	return out
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

// levelOf returns the loudness of pcm in dB below full scale, 0..127.
func levelOf(pcm []float32) uint8 {
	var e float64
	for _, s := range pcm {
		e += float64(s) * float64(s)
	}
	if e == 0 {
		return rtpx.LevelSilent
	}
	db := -10 * math.Log10(e/float64(len(pcm)))
	return uint8(min(max(db, 0), rtpx.LevelSilent))
}
