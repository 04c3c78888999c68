package transcribe

import (
	"context"
	"time"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// openWithin bounds the beginning of a session.
const openWithin = 10 * time.Second

// findLine sees to it that a voice gets a line: one that is spare, a new one, or
// that of somebody who has been silent.
func (j *job) findLine(v *voice, now time.Time) {
	var settled *voice
	for _, l := range j.lines {
		if l.voice == nil {
			v.connect(j, l)
			return
		}
		if o := l.voice; o.settled(now) && (settled == nil || o.last.Before(settled.last)) {
			settled = o
		}
	}
	// While an engine is looked for, that tries by itself, with pauses.
	if channel := j.freeChannel(); channel >= 0 && !j.health.busy() {
		if j.opening < j.waitingVoices() {
			j.open(channel)
		}
	} else if settled != nil {
		l := settled.line
		settled.line = nil
		l.cut()
		v.connect(j, l)
	}
}

// waitingVoices counts those that a line is missing for.
func (j *job) waitingVoices() (n int) {
	for _, v := range j.voices {
		if v.waits() {
			n++
		}
	}
	return n
}

// freeChannel returns a channel that is not taken, -1 for none.
func (j *job) freeChannel() int {
	for n, taken := range j.channels {
		if !taken {
			return n
		}
	}
	return -1
}

// open begins a session, for whoever needs a line when it is there.
func (j *job) open(channel int) {
	j.channels[channel] = true
	j.opening++
	l := &line{channel: channelOf(channel)}
	j.service.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(j.ctx, openWithin)
		defer cancel()
		from, session, err := openSession(ctx, j.sources, j.settings, func(h speech.Hypothesis) { j.post(func() { j.hear(l, h) }) })
		j.post(func() { j.opened(l, channel, from, session, err) })
		if err != nil {
			return
		}
		select {
		case <-session.Done():
		case <-j.done: // its goroutine takes nothing any more
			session.Close()
			<-session.Done()
		}
		from.open.Add(-1)
		j.post(func() { j.lost(l, channel, session.Err()) })
	})
}

// opened takes a session that has been asked for.
func (j *job) opened(l *line, channel int, from *source, session speech.Session, err error) {
	j.opening--
	now := time.Now()
	if err != nil {
		j.channels[channel] = false
		j.health.failed(j, err, &j.service.count.unopened, now)
		return
	}
	l.session, l.source, l.spare = session, from, now
	j.lines = append(j.lines, l)
	if j.ending {
		session.Close()
		return
	}
	j.health.worked(j)
	for _, v := range j.voices {
		if v.line == nil && len(v.kept) > 0 {
			v.connect(j, l)
			return
		}
	}
}

// lost takes a line out whose session is over.
func (j *job) lost(l *line, channel int, err error) {
	for i, o := range j.lines {
		if o == l {
			j.lines = append(j.lines[:i], j.lines[i+1:]...)
			j.channels[channel] = false
		}
	}
	if v := l.voice; v != nil {
		if !j.ending {
			j.endUtterance(v, false)
		}
		l.voice, v.line = nil, nil
	}
	if err != nil && !j.ending {
		j.health.failed(j, err, &j.service.count.lost, time.Now())
	}
}

// release takes its line from a voice.
func (j *job) release(v *voice, now time.Time) {
	j.endUtterance(v, false)
	if l := v.line; l != nil {
		l.voice, v.line, l.spare = nil, nil, now
	}
}

// dropSpare closes lines that nobody has needed for a while, but for one where it
// costs nothing: it shows whether the engine is there.
func (j *job) dropSpare(now time.Time) {
	spare := 0
	for _, l := range j.lines {
		if l.voice != nil {
			continue
		}
		if spare++; (spare > 1 || !l.source.features.Waits) && now.Sub(l.spare) >= j.service.cfg.Idle {
			l.session.Close()
		}
	}
}

// mayDrop reports whether there is a line to close some time.
func (j *job) mayDrop() bool {
	spare, waits := 0, true
	for _, l := range j.lines {
		if l.voice == nil {
			spare++
			waits = waits && l.source.features.Waits
		}
	}
	return spare > 1 || !waits
}
