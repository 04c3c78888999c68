package meeting

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// The detector looks at 2.5 ms of sound at a time, in steps of half of that.
const (
	window = 120 // samples
	step   = 60
	onset  = 0.2                      // of a click's power at which it has begun
	deaf   = opus.SampleRate * 3 / 10 // samples after a click without another
)

// ear decodes what one attendee is sent and finds the clicks in it. It is used
// by the goroutine that receives; taken hands over.
type ear struct {
	dec       opus.Decoder
	threshold float64
	pcm       []float32
	tail      []float32 // of the last frame, for windows across frames
	ignore    int       // samples yet to be ignored
	seq       uint16
	started   bool
	sent      *clickTimes

	mu                sync.Mutex
	delays            []time.Duration
	frames, concealed int
}

func newEar(threshold float64) (*ear, error) {
	dec, err := opus.NewDecoder(opus.Mono)
	if err != nil {
		return nil, fmt.Errorf("ear: %w", err)
	}
	return &ear{dec: dec, threshold: threshold, pcm: make([]float32, opus.MaxSamples), sent: new(clickTimes)}, nil
}

// clickTimes is when the last click was sent, as a listener without any server
// in between would have heard it.
type clickTimes struct{ last atomic.Int64 } // ns since the epoch; 0 before the first

// hear takes a packet of the mix.
func (e *ear) hear(h *rtpx.Header, pkt []byte, at time.Time) {
	lost := 0
	if e.started {
		lost = int(int16(h.Seq - e.seq - 1))
		if lost < 0 {
			return // late or twice
		}
	}
	e.started, e.seq = true, h.Seq
	for range min(lost, 10) {
		_ = e.dec.Conceal(e.pcm[:opus.FrameSamples]) // only for lengths that are not multiples
		e.listen(e.pcm[:opus.FrameSamples], func(int) {})
	}
	n, err := e.dec.Decode(h.Payload(pkt), e.pcm)
	e.mu.Lock()
	e.frames += 1 + lost
	e.concealed += lost
	if err != nil {
		e.concealed++
	}
	e.mu.Unlock()
	if err == nil {
		e.listen(e.pcm[:n], func(sample int) { e.heard(at.Add(samples(sample))) })
	}
}

// heard notes the delay of a click.
func (e *ear) heard(at time.Time) {
	sent := e.sent.last.Load()
	if sent == 0 {
		return
	}
	e.mu.Lock()
	e.delays = append(e.delays, time.Duration(at.UnixNano()-sent))
	e.mu.Unlock()
}

// taken returns what was heard since it was called last.
func (e *ear) taken() (delays []time.Duration, frames, concealed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delays, frames, concealed = e.delays, e.frames, e.concealed
	e.delays, e.frames, e.concealed = nil, 0, 0
	return delays, frames, concealed
}

// listen looks for clicks in the next piece of sound and calls found with the
// sample, counted from the beginning of pcm, where one begins.
func (e *ear) listen(pcm []float32, found func(sample int)) {
	before := len(e.tail)
	sound := append(e.tail, pcm...)
	at := 0
	for ; at+window <= len(sound); at += step {
		if e.ignore > 0 {
			e.ignore -= step
			continue
		}
		if power(sound[at:at+window]) > e.threshold {
			found(at + window/2 - before)
			e.ignore = deaf
		}
	}
	e.tail = append(e.tail[:0:0], sound[at:]...)
}

// power is how much of the click's tone a window holds (Goertzel).
func power(pcm []float32) float64 {
	w := 2 * math.Cos(2*math.Pi*clickHz/opus.SampleRate)
	var a, b float64
	for _, s := range pcm {
		a, b = float64(s)+w*a-b, a
	}
	return a*a + b*b - w*a*b
}

// samples is the duration of n samples.
func samples(n int) time.Duration { return time.Duration(n) * time.Second / opus.SampleRate }
