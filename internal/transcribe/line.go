package transcribe

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// line is a session of an engine, as its job uses it for one voice after the other.
// It belongs to the job's goroutine.
type line struct {
	session speech.Session
	source  *source
	channel string
	voice   *voice    // that it listens to; nil while it is spare
	spare   time.Time // since when it is

	sound int        // bytes of sound given so far
	marks []timeMark // when they were heard, in order
	next  int        // the engine's utterance that is under way
	past  int        // of that utterance, the words that are final already
	heard int        // of that utterance, the words in the last hypothesis
	quiet bool       // silence was sent behind what was said
}

// timeMark says when the sound from an offset on was heard.
type timeMark struct {
	offset int // bytes
	at     time.Time
}

const (
	bytesPerSecond = 2 * speech.SampleRate
	// jitter is how far sound may be from when it is expected before it counts as a
	// new beginning.
	jitter = 60 * time.Millisecond
	// maxMarks bounds the memory of a line that lives long: words are never told so
	// late that they are before the last of these.
	maxMarks = 64
)

// write gives the engine sound that was heard from a time on.
func (l *line) write(pcm []byte, at time.Time) (dropped int) {
	if d := at.Sub(l.at(l.sound)); len(l.marks) == 0 || d > jitter || d < -jitter {
		if len(l.marks) == maxMarks {
			l.marks = append(l.marks[:0], l.marks[1:]...)
		}
		l.marks = append(l.marks, timeMark{l.sound, at})
	}
	l.sound += len(pcm)
	return l.session.Write(pcm)
}

// at returns when the sound at an offset in bytes was heard.
func (l *line) at(offset int) time.Time {
	for i := len(l.marks) - 1; i >= 0; i-- {
		if m := l.marks[i]; m.offset <= offset || i == 0 {
			return m.at.Add(time.Duration(offset-m.offset) * time.Second / bytesPerSecond)
		}
	}
	return time.Time{}
}

// time returns when the sound at an offset in seconds was heard. An engine may say
// anything; words are never said in the future.
func (l *line) time(seconds float64) time.Time {
	return l.at(int(min(max(seconds, 0)*bytesPerSecond, float64(l.sound))))
}

// end returns when what a hypothesis is about was over; heard is when its voice was
// heard last, which is all that is known of words without times.
func (l *line) end(h *speech.Hypothesis, heard time.Time) time.Time {
	if w := h.Words[len(h.Words)-1]; w.Timed {
		return l.time(w.End)
	}
	return heard
}

// fresh takes out of a hypothesis the words that are final already. ok is false if
// it is about an utterance that is over.
func (l *line) fresh(h *speech.Hypothesis) (ok bool) {
	if h.Utterance < l.next {
		return false
	}
	if h.Utterance > l.next {
		l.next, l.past = h.Utterance, 0
	}
	l.heard = len(h.Words)
	h.Words = h.Words[min(l.past, len(h.Words)):]
	if h.Final {
		l.next, l.past, l.heard = l.next+1, 0, 0
	}
	return true
}

// cut makes all words of the utterance under way so far count as final.
func (l *line) cut() { l.past = max(l.past, l.heard) }
