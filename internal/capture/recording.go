package capture

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// recording is one capture under way: what it hears and sees becomes pieces in
// the spool. It is called from where media and signaling must not wait, so it
// only gathers under its lock; pieces are written on a queue.
type recording struct {
	pipeline *meeting.Pipeline
	spool    *spool
	now      func() time.Time
	codecs   []media.Codec // that cameras are asked for
	over     func()        // called when the meeting is over
	failed   func(error)   // called when the spool cannot be written

	tasks sync.WaitGroup // both queues
	out   *serial.Queue  // writes pieces
	work  *serial.Queue  // calls media

	listener atomic.Pointer[media.Listener] // nil before the recording has begun
	leave    func()
	film     *film // nil when nothing is composed

	mu                        sync.Mutex // guards what follows
	names                     *namer
	sound                     sound
	events, data, transcripts lines
	live                      map[uint32]string // cameras and shares that are on, by group: their attendees
	views                     map[uint32]*view  // of these, those that are taken
	speaker                   speaker
	shown                     *view // whose picture is to go with the sound; nil for nobody's
	filmed                    *view // whose picture the piece of sound being made has
	looked                    int   // packets of sound since stills were looked at
	first                     bool  // no event of the recording is in the spool yet
	ended                     bool
}

// newRecording returns a recording that has not begun.
func newRecording(p *meeting.Pipeline, s *spool, now func() time.Time) *recording {
	there := s.all()
	r := &recording{
		pipeline: p, spool: s, now: now, names: newNamer(p, there), first: true,
		events: lines{stream: eventsFolder}, data: lines{stream: dataFolder}, transcripts: lines{stream: transcriptFolder},
		live: make(map[uint32]string), views: make(map[uint32]*view),
	}
	// Elsewhere it began long ago; here, a crash may have come before its first event.
	r.first = s.new && p.Status < meeting.PipelineInProgress || !s.new
	for _, piece := range there {
		r.first = r.first && piece.Stream != eventsFolder
	}
	r.out, r.work = serial.New(&r.tasks), serial.New(&r.tasks)
	if r.first {
		r.events.plainEvent(now(), captureStarted)
	}
	return r
}

// emitLocked hands a piece to the spool.
func (r *recording) emitLocked(p Piece, content func() []byte) {
	r.names.name(&p)
	r.out.Push(func() {
		if err := r.spool.add(p, content()); err != nil {
			r.failed(err)
		}
	})
}

// lookAtStills is how many packets of sound are between two looks at whether
// pictures stand still: a second.
const lookAtStills = int(time.Second / soundFrame)

// emit is emitLocked for those who do not hold the lock.
func (r *recording) emit(p Piece, content func() []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emitLocked(p, content)
}

// WriteFrame implements media.SoundSink. It comes every 20 ms whatever happens,
// so it is the recording's clock too.
func (r *recording) WriteFrame(payload []byte, timestamp uint32, marker bool) {
	if r.film != nil {
		r.film.show.WriteFrame(payload, timestamp, marker)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	now := r.now()
	if r.sound.stalled(timestamp) {
		r.cutSoundLocked()
	}
	r.sound.write(payload, timestamp, now)
	if l := r.listener.Load(); l != nil && !r.sound.exact {
		r.sound.begin(l.Began())
	}
	r.turnSoundLocked()
	if r.sound.full() {
		r.cutSoundLocked()
		r.refreshSound()
	}
	if r.looked == 0 {
		r.keepStillLocked(now)
	}
	r.looked = (r.looked + 1) % lookAtStills
	for _, l := range []*lines{&r.events, &r.data, &r.transcripts} {
		if l.due(now) {
			r.cutLinesLocked(l, now, false)
		}
	}
}

// cutSoundLocked ends the piece of sound being made.
func (r *recording) cutSoundLocked() {
	if p, ok := r.sound.take(); ok {
		r.emitLocked(p.piece())
	}
}

// turnSoundLocked begins the pieces of pictures for which the sound is there.
func (r *recording) turnSoundLocked() {
	for r.sound.turns() {
		if p, ok := r.sound.turn(); ok {
			r.emitLocked(p.piece())
		}
		if len(r.sound.samples) == 0 {
			r.refreshSound()
		}
	}
}

// refreshSound has the next packet of the sound, which begins a piece, decoded
// without the one before.
func (r *recording) refreshSound() {
	if l := r.listener.Load(); l != nil {
		l.Refresh()
	}
}

func (r *recording) cutLinesLocked(l *lines, now time.Time, last bool) {
	if p, content, ok := l.take(now); ok {
		p.Last, p.First = last, l == &r.events && r.first && l.pieces == 1
		r.emitLocked(p, func() []byte { return content })
	}
}

// Joined, and the methods behind it, implement signal.Listener.
func (r *recording) Joined(attendee string, at time.Time) {
	r.event(at, attendeeJoined, attendee, "")
}

// Left notes that somebody has left.
func (r *recording) Left(attendee string, at time.Time) { r.event(at, attendeeLeft, attendee, "") }

// Muted notes that somebody has muted or unmuted.
func (r *recording) Muted(attendee string, muted bool, at time.Time) {
	kind := attendeeUnmuted
	if muted {
		kind = attendeeMuted
	}
	r.event(at, kind, attendee, "")
}

// Message notes a data message.
func (r *recording) Message(sender, topic string, data []byte, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.data.message(at, sender, topic, data)
	}
}

// Transcription notes how the transcription is doing.
func (r *recording) Transcription(st speech.Status, at time.Time) {
	r.spoken(at, transcriptLine{Status: transcriptStatusOf(st)})
}

// Transcript notes what somebody says.
func (r *recording) Transcript(t speech.Result, at time.Time) {
	r.spoken(at, transcriptLine{Transcript: &transcript{[]transcriptResult{transcriptResultOf(&t)}}})
}

func (r *recording) spoken(at time.Time, line transcriptLine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.transcripts.add(at, line)
	}
}

// Over tells that the meeting is.
func (r *recording) Over(time.Time) { r.over() }

// Speaking follows who is speaking.
func (r *recording) Speaking(attendee string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || !r.speaker.hear(attendee, at) {
		return
	}
	r.events.event(at, activeSpeaker, r.speaker.now, "")
	if r.film != nil {
		r.film.show.Speaking(r.speaker.now)
	}
	if r.pipeline.Settings.ActiveSpeakerVideo {
		r.work.Push(r.review)
	}
}

func (r *recording) event(at time.Time, kind, attendee, modality string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.events.event(at, kind, attendee, modality)
	}
}

// speaker decides who is speaking: whoever is the loudest for a while.
type speaker struct {
	now       string // "" for nobody
	candidate string
	since     time.Time // when the candidate was first the loudest
	changed   time.Time
}

const (
	speaksFor   = 400 * time.Millisecond // to count as speaking
	silentFor   = 2 * time.Second        // for nobody to count as speaking
	speakerKept = time.Second            // at least
)

// hear takes who is the loudest now; true when somebody else is speaking.
func (s *speaker) hear(attendee string, at time.Time) bool {
	if attendee != s.candidate {
		s.candidate, s.since = attendee, at
	}
	wait := speaksFor
	if attendee == "" {
		wait = silentFor
	}
	if s.candidate == s.now || at.Sub(s.since) < wait || at.Sub(s.changed) < speakerKept {
		return false
	}
	s.now, s.changed = s.candidate, at
	return true
}

// close ends the recording: nothing that comes later is in it. end says that
// there will be no other one. When it returns, all of it is in the spool, or
// failed was called.
func (r *recording) close(end bool) {
	if r.leave != nil {
		r.leave()
	}
	if l := r.listener.Load(); l != nil {
		l.Close()
	}
	if r.film != nil {
		r.film.close()
	}
	r.mu.Lock()
	now := r.now()
	if there := r.spool.all(); r.sound.began.IsZero() && len(there) > 0 {
		last := there[len(there)-1] // a crash ended it, some time ago
		now = last.Start.Add(time.Duration(last.Millis) * time.Millisecond)
	}
	if !r.ended {
		r.closeLocked(now, end)
	}
	r.mu.Unlock()
	r.out.Close()
	r.work.Close()
	r.tasks.Wait()
}

func (r *recording) closeLocked(now time.Time, end bool) {
	r.ended = true
	for _, v := range r.views {
		r.endViewLocked(v, now)
	}
	for _, attendee := range r.live {
		r.events.event(now, videoLeft, attendee, modality(attendee))
	}
	r.cutSoundLocked()
	r.cutLinesLocked(&r.data, now, false)
	r.cutLinesLocked(&r.transcripts, now, false)
	if end && r.first && r.events.pieces == 0 {
		r.cutLinesLocked(&r.events, now, false) // its beginning and its end are never in one file
	}
	if end {
		r.events.plainEvent(now, captureEnded)
	}
	r.cutLinesLocked(&r.events, now, end)
}

// modality is the MediaModality of a camera's or a share's events.
func modality(attendee string) string {
	if strings.HasSuffix(attendee, meeting.ContentSuffix) {
		return "ContentShare"
	}
	return "Video"
}
