package transcribe

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const (
	// activeFor is how long somebody has to be heard to get a line.
	activeFor = 200 * time.Millisecond
	// silentFor is after how long without sound a voice has paused. The mixer lets
	// a voice go 600 ms after it was loud enough for speech.
	silentFor = 150 * time.Millisecond
	// tail is the silence that an engine gets behind what was said, to find that an
	// utterance has ended; the mixer's pause is before it.
	tail = 800 * time.Millisecond
	// finalWithin is how long an engine may take for a final result then.
	finalWithin = 3 * time.Second
)

// heard is what the mixer has handed over of one voice and the job has not taken
// yet; guarded by job.mu.
type heard struct {
	pcm  []float32 // 48 kHz
	last time.Time // when its end was said
	back []float32 // what pcm was before: the job's until it takes more
}

// take returns what was heard since the last call; it is the job's until the next.
func (h *heard) take() []float32 {
	pcm := h.pcm
	h.pcm, h.back = h.back[:0], pcm
	return pcm
}

// voice is one attendee's while there is something to hear of it. It belongs to the
// job's goroutine.
type voice struct {
	name string // of the attendee, as media knows it
	by   speaker
	line *line // nil while there is none for it

	decimate decimator
	rest     []byte  // of a frame that is not complete
	kept     []frame // that no line was there for
	sounded  time.Duration
	last     time.Time // when it was heard last
	talking  bool
	awaited  bool // the engine has not told yet what was said last

	utterance *utterance // under way; nil for none
}

// frame is 100 ms of sound for an engine.
type frame struct {
	pcm []byte
	at  time.Time // when it began to be said
}

// take resamples what was said, and gives the engine all frames that are whole.
func (v *voice) take(j *job, pcm []float32, last time.Time) {
	if !v.talking {
		v.talking, v.sounded = true, 0
		v.by = j.speaker(v.name)
	}
	length := time.Duration(len(pcm)) * time.Second / (decimation * speech.SampleRate)
	v.sounded += length
	v.last = last
	v.rest = v.decimate.append(v.rest, &j.service.lowPass, pcm)
	v.pass(j, last)
}

// pass gives away the whole frames of rest, which ends at a time.
func (v *voice) pass(j *job, end time.Time) {
	at := end.Add(-time.Duration(len(v.rest)) * time.Second / bytesPerSecond)
	n := 0
	for ; len(v.rest)-n >= speech.FrameBytes; n += speech.FrameBytes {
		v.give(j, frame{v.rest[n : n+speech.FrameBytes], at})
		at = at.Add(time.Second * speech.FrameBytes / bytesPerSecond)
	}
	v.rest = v.rest[:copy(v.rest, v.rest[n:])]
}

// give hands the engine a frame, or keeps it until there is one.
func (v *voice) give(j *job, f frame) {
	if v.line != nil {
		v.line.quiet, v.awaited = false, true
		j.service.count.audio.Add(int64(len(f.pcm)))
		j.service.count.dropped.Add(int64(v.line.write(f.pcm, f.at)))
		return
	}
	if len(v.kept) > 0 && len(v.kept) >= int(j.service.cfg.Hold*bytesPerSecond/time.Second/speech.FrameBytes) {
		j.service.count.dropped.Add(int64(len(v.kept[0].pcm)))
		v.kept = append(v.kept[:0], v.kept[1:]...)
	}
	v.kept = append(v.kept, frame{append([]byte(nil), f.pcm...), f.at})
}

// connect gives the voice a line, and the line what was kept.
func (v *voice) connect(j *job, l *line) {
	l.voice, v.line = v, l
	for _, f := range v.kept {
		v.give(j, f)
	}
	v.kept = nil
	if !v.talking {
		v.quiet()
	}
}

// pause ends a turn: what is left of a frame goes to the engine, and silence
// behind.
func (v *voice) pause(j *job) {
	v.talking = false
	if n := len(v.rest); n > 0 {
		v.rest = append(v.rest, make([]byte, speech.FrameBytes-n)...)
		v.give(j, frame{v.rest, v.last.Add(-time.Duration(n) * time.Second / bytesPerSecond)})
		v.rest = v.rest[:0]
	}
	v.quiet()
}

// quiet gives the engine silence, once.
func (v *voice) quiet() {
	if v.line == nil || v.line.quiet {
		return
	}
	v.line.quiet = true
	silence := make([]byte, speech.FrameBytes)
	for i := range tail / (time.Second * speech.FrameBytes / bytesPerSecond) {
		v.line.write(silence, v.last.Add(i*time.Second*speech.FrameBytes/bytesPerSecond))
	}
}

// waits reports whether a line is missing for what is said.
func (v *voice) waits() bool { return v.line == nil && len(v.kept) > 0 && v.sounded >= activeFor }

// settled reports whether the line could be given to somebody else.
func (v *voice) settled(now time.Time) bool {
	wait := tail
	if v.awaited {
		wait = finalWithin
	}
	return !v.talking && v.utterance == nil && now.Sub(v.last) >= wait
}
