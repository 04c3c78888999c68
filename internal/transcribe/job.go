package transcribe

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// beat is how often a job looks after its voices while there are any.
const beat = 100 * time.Millisecond

// frameSaid and maxSaid are how much the mixer's sound has to be before it is worth
// a look, and how much is kept when nobody looks (10 s), in samples at 48 kHz.
const (
	frameSaid = decimation * speech.FrameBytes / 2
	maxSaid   = 10 * decimation * speech.SampleRate
)

// job is one meeting's transcription. What belongs to its goroutine is not locked;
// others leave functions in its inbox.
type job struct {
	service *Service
	id      meeting.ID
	command meeting.ID // guarded by service.mu: the one that is carried out, or is to be
	order   meeting.ID // the one that is carried out
	begun   *meeting.Transcription
	config  meeting.TranscriptionConfig
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc // ends it at once, with nothing told
	done    chan struct{}
	wake    chan struct{}
	out     *serial.Queue // what is told, in order
	writes  *serial.Queue // phases that are written down, in order
	waiting sync.WaitGroup

	mu    sync.Mutex // guards what follows
	said  map[string]*heard
	inbox []func()
	told  meeting.TranscriptionPhase // to clients
	again *meeting.Transcription     // what was asked for anew with the same settings; nil for nothing

	sources  []*source
	settings speech.Settings // as sources are given them
	filter   *filter
	stable   *stability
	voices   map[string]*voice
	batch    []utter // of listen, kept for its memory
	lines    []*line
	channels []bool // taken
	opening  int    // lines that are being opened
	health   health
	ending   bool // no sound is taken any more
	tells    bool // that it has stopped, at the end
	over     bool
}

func newJob(s *Service, id meeting.ID, is *meeting.Transcription) *job {
	j := &job{
		service: s, id: id, command: is.Command, order: is.Command, begun: is, config: is.TranscriptionConfig, log: s.cfg.Logger.With("meeting", id),
		done: make(chan struct{}), wake: make(chan struct{}, 1), said: make(map[string]*heard), voices: make(map[string]*voice),
		channels: make([]bool, s.cfg.Talkers), health: health{phase: is.Phase}, told: is.Phase,
	}
	j.ctx, j.cancel = context.WithCancel(s.ctx)
	j.out, j.writes = serial.New(&j.waiting), serial.New(&j.waiting)
	return j
}

// Voice implements Voices. It is called from the mixer, and only copies.
func (j *job) Voice(attendee string, pcm []float32) {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.said[attendee]
	if h == nil {
		h = new(heard)
		j.said[attendee] = h
	}
	now := time.Now()
	begins := now.Sub(h.last) > beat
	h.last = now
	if len(h.pcm) < maxSaid {
		h.pcm = append(h.pcm, pcm...)
	}
	if begins || len(h.pcm) >= frameSaid {
		j.signal()
	}
}

// post leaves fn to the job's goroutine.
func (j *job) post(fn func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.inbox = append(j.inbox, fn)
	j.signal()
}

func (j *job) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// stop has what is under way finished; tells says whether clients are told then
// that the transcription has stopped.
func (j *job) stop(tells bool) { j.post(func() { j.finish(tells) }) }

// run transcribes until the job is over.
func (j *job) run() {
	defer j.close()
	stop, err := j.begin()
	if err != nil {
		return
	}
	defer stop()
	var timer *time.Timer
	for !j.over {
		j.look(time.Now())
		var tick <-chan time.Time
		if j.busy() {
			if timer == nil {
				timer = time.NewTimer(beat)
				defer timer.Stop()
			} else {
				timer.Reset(beat)
			}
			tick = timer.C
		}
		select {
		case <-j.wake:
		case <-tick:
		case <-j.ctx.Done():
			return
		}
	}
}

// begin finds an engine and the meeting's voices.
func (j *job) begin() (stop func(), err error) {
	if j.settings, err = speech.ParseSettings(j.config.JSON); err == nil {
		var none error
		j.filter, none = readFilter(j.service.cfg.Filters, &j.settings)
		j.sources, j.settings, err = j.service.choose(j.settings, none)
	}
	if reason, refused := isRefused(err); refused {
		j.log.Info("no engine takes the transcription", "err", err)
		j.write(meeting.TranscriptionFailed, reason)
		return nil, err
	}
	if names := j.settings.Vocabularies(); len(names) > 0 {
		j.log.Info("custom vocabularies are a hint that not every engine takes", "count", len(names))
	}
	j.stable = stabilityOf(&j.settings)
	if stop, err = j.service.cfg.Door.Hear(j.id, j); err != nil {
		return nil, err // the server is closing
	}
	j.health.begin(j, time.Now())
	return stop, nil
}

// close ends all sessions, and waits for what is to be told.
func (j *job) close() {
	for _, l := range j.lines {
		l.session.Close()
	}
	j.health.end(j)
	if j.ctx.Err() != nil {
		j.out.Close()
		j.writes.Close()
	}
	j.waiting.Wait()
}

// busy reports whether the job has to look after something soon.
func (j *job) busy() bool { return len(j.voices) > 0 || j.ending || j.health.busy() || j.mayDrop() }

// look does all that there is to do.
func (j *job) look(now time.Time) {
	j.mu.Lock()
	inbox := j.inbox
	j.inbox = nil
	j.mu.Unlock()
	for _, fn := range inbox {
		fn()
	}
	if again := j.next(); again != nil {
		j.order = again.Command
		j.health.startAgain(j, now)
	}
	j.listen(now)
	for _, v := range j.voices {
		j.tend(v, now)
	}
	j.dropSpare(now)
	j.health.look(j, now)
	if j.ending {
		j.over = j.over || j.finished(now)
	}
}

// listen takes what was said since.
func (j *job) listen(now time.Time) {
	j.mu.Lock()
	j.batch = j.batch[:0]
	for name, h := range j.said {
		if len(h.pcm) > 0 {
			j.batch = append(j.batch, utter{name, h.take(), h.last})
		} else if now.Sub(h.last) > j.service.cfg.Idle {
			delete(j.said, name)
		}
	}
	j.mu.Unlock()
	if j.ending {
		return
	}
	for _, u := range j.batch {
		v := j.voices[u.name]
		if v == nil {
			v = &voice{name: u.name}
			j.voices[u.name] = v
		}
		v.take(j, u.pcm, u.last)
	}
}

// utter is what one attendee has said since the job looked last.
type utter struct {
	name string
	pcm  []float32
	last time.Time
}

// tend looks after a voice.
func (j *job) tend(v *voice, now time.Time) {
	if v.talking && now.Sub(v.last) >= silentFor {
		v.pause(j)
	}
	if v.waits() {
		j.findLine(v, now)
	}
	if u := v.utterance; u != nil {
		j.tell(u.due(now, j.clock(v)))
		if u.overdue(now) || !v.talking && now.Sub(v.last) > finalWithin {
			j.endUtterance(v, false)
		}
	}
	if !v.talking && now.Sub(v.last) >= j.service.cfg.Idle {
		j.release(v, now)
		delete(j.voices, v.name)
	}
}

// clock returns what tells when a second of the voice's sound was heard.
func (j *job) clock(v *voice) func(float64) time.Time {
	if v.line != nil {
		return v.line.time
	}
	return func(float64) time.Time { return v.last }
}

// endUtterance makes what is known of an utterance final.
func (j *job) endUtterance(v *voice, withdrawn bool) {
	u := v.utterance
	v.utterance = nil
	if u == nil {
		return
	}
	if v.line != nil {
		v.line.cut()
	}
	j.tell(u.end(withdrawn, j.clock(v)))
}

// hear takes what the engine believes to have heard on a line.
func (j *job) hear(l *line, h speech.Hypothesis) {
	v := l.voice
	if v == nil || !l.fresh(&h) {
		return
	}
	if h.Final {
		v.awaited = v.talking
	}
	if !l.source.features.Filters {
		h.Words = j.filter.apply(h.Words)
	}
	if len(h.Words) == 0 {
		if h.Final {
			j.endUtterance(v, true)
		}
		return
	}
	now := time.Now()
	if v.utterance == nil {
		v.utterance = newUtterance(v.by, l.channel, h.ID, now, j.stable)
	}
	u := v.utterance
	if h.Final {
		v.utterance = nil
	}
	if h.Final {
		j.service.cfg.Finished(now.Sub(l.end(&h, v.last)))
	}
	j.tell(u.hear(h, now, l.time))
}

// tell shows a result to everybody; nil is none.
func (j *job) tell(r *speech.Result) {
	if r == nil {
		return
	}
	if r.Partial {
		j.service.count.partials.Add(1)
	} else {
		j.service.count.finals.Add(1)
	}
	for _, part := range partsOf(r) {
		j.out.Push(func() { j.service.cfg.Door.TellTranscript(j.id, *part) })
	}
}

// goOn takes that the same was asked for again: what is under way stays.
func (j *job) goOn(is *meeting.Transcription) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.again, j.told = is, is.Phase
	j.signal()
}

// next takes what was asked for again; nil for nothing.
func (j *job) next() *meeting.Transcription {
	j.mu.Lock()
	defer j.mu.Unlock()
	is := j.again
	j.again = nil
	return is
}

// speaker returns who an attendee is for clients.
func (j *job) speaker(name string) speaker {
	shown, external := j.service.cfg.Door.Speaker(j.id, name)
	return speaker{shown, external}
}

// finish begins the end: whatever was said is given to the engine, and the last
// results are waited for.
func (j *job) finish(tells bool) {
	if j.ending {
		return
	}
	j.listen(time.Now())
	j.ending, j.tells = true, tells
	for _, v := range j.voices {
		if v.talking {
			v.pause(j)
		}
	}
	for _, l := range j.lines {
		l.session.Close()
	}
	j.health.endBy = time.Now().Add(finalWithin)
}

// finished ends the job when all has been said.
func (j *job) finished(now time.Time) bool {
	if len(j.lines) > 0 && now.Before(j.health.endBy) {
		return false
	}
	for _, v := range j.voices {
		j.endUtterance(v, false)
	}
	if j.tells {
		j.show(speech.Stopped, time.Now(), "")
	}
	return true
}

// show tells clients how the transcription is doing.
func (j *job) show(state speech.State, at time.Time, message string) {
	j.out.Push(func() {
		j.service.cfg.Door.TellTranscription(j.id, speech.Status{
			State: state, At: at, Region: j.config.Region, Config: j.config.JSON, Message: message,
		})
	})
}

// channelOf names a channel.
func channelOf(n int) string { return "ch_" + strconv.Itoa(n) }
