package transcribe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

var room = meeting.ID{7}

const english = `{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}`

// env is a service with everything around it, on the clock of a synctest bubble.
type env struct {
	t       *testing.T
	service *Service
	control *ledger
	door    *door
	engine  *engine
}

// inBubble runs a test of a service whose engine works.
func inBubble(t *testing.T, test func(v *env), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := newEnv(t)
		cfg := Config{Control: v.control, Door: v.door, Sources: []Source{{Engine: v.engine, Name: "first"}}}
		for _, c := range change {
			c(&cfg)
		}
		v.service = New(cfg)
		test(v)
		v.service.Close()
		if s := v.service.Stats(); s.Meetings+s.Interrupted+v.sessions() != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// sessions counts those that are open.
func (v *env) sessions() (n int) {
	for _, open := range v.service.Stats().Sessions {
		n += open
	}
	return n
}

func newEnv(t *testing.T) *env {
	return &env{t: t, control: &ledger{commands: 1}, door: new(door), engine: &engine{waits: true}}
}

// start has a transcription asked for, and waits until all that follows at once is
// done.
func (v *env) start(config string) {
	v.control.attach(&meeting.Transcription{TranscriptionConfig: meeting.TranscriptionConfig{JSON: config, Region: "us-east-1"}, Phase: meeting.TranscriptionStarting})
	synctest.Wait()
}

func (v *env) stop() {
	v.control.attach(nil)
	synctest.Wait()
}

// says lets an attendee be heard for a while.
func (v *env) says(who string, length time.Duration) {
	pcm := make([]float32, 960)
	for i := range pcm {
		pcm[i] = 0.3
	}
	for range length / (20 * time.Millisecond) {
		v.door.say(who, pcm)
		time.Sleep(20 * time.Millisecond)
	}
	synctest.Wait()
}

// adaSpeaks starts a transcription, has ada speak for a second, and returns the
// session that the engine has for it.
func (v *env) adaSpeaks() *session {
	v.start(english)
	v.says("ada", time.Second)
	return v.engine.session(v.t, 0)
}

func (v *env) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// told fails unless clients were told these, and forgets them.
func (v *env) told(want ...string) {
	v.t.Helper()
	if got := v.door.take(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		v.t.Errorf("told\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// ledger is the control plane: it keeps what is attached to the one meeting.
type ledger struct {
	mu       sync.Mutex
	watch    func(control.TranscriptionChange)
	is       *meeting.Transcription
	commands byte
	down     bool
}

func (l *ledger) WatchTranscriptions(fn func(control.TranscriptionChange)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watch = fn; l.is != nil {
		fn(control.TranscriptionChange{Meeting: room, Is: l.is})
	}
}

func (l *ledger) attach(is *meeting.Transcription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if is != nil {
		l.commands++
		is.Command, is.Since = meeting.ID{l.commands}, time.Now()
	}
	l.is = is
	l.watch(control.TranscriptionChange{Meeting: room, Is: is})
}

func (l *ledger) gone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watch(control.TranscriptionChange{Meeting: room, Gone: true})
}

func (l *ledger) MoveTranscription(_ context.Context, id, command meeting.ID, to meeting.TranscriptionPhase, message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return meeting.Errorf(meeting.Unavailable, "down")
	}
	if id != room || l.is == nil || l.is.Command != command || l.is.Phase == to {
		return nil
	}
	next := *l.is
	next.Phase, next.Message, next.Since = to, message, time.Now()
	l.is = &next
	l.watch(control.TranscriptionChange{Meeting: room, Is: l.is})
	return nil
}

func (l *ledger) fail(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *ledger) phase() meeting.TranscriptionPhase {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.is == nil {
		return 0
	}
	return l.is.Phase
}

// door is the meeting: who speaks, and what they read.
type door struct {
	mu      sync.Mutex
	ears    Voices
	told    []string
	results []speech.Result
}

func (d *door) Hear(_ meeting.ID, to Voices) (func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ears = to
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ears = nil
	}, nil
}

func (d *door) say(who string, pcm []float32) {
	d.mu.Lock()
	ears := d.ears
	d.mu.Unlock()
	if ears != nil {
		ears.Voice(who, pcm)
	}
}

func (d *door) Speaker(_ meeting.ID, attendee string) (shown, external string) {
	return attendee, attendee + "@example.org"
}

func (d *door) TellTranscription(_ meeting.ID, s speech.Status) {
	name := [...]string{"", "started", "interrupted", "resumed", "stopped", "failed"}[s.State]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, strings.TrimSuffix(name+": "+s.Message, ": "))
}

func (d *door) TellTranscript(_ meeting.ID, r speech.Result) {
	kind := "final"
	if r.Partial {
		kind = "partial"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.results = append(d.results, r)
	d.told = append(d.told, fmt.Sprintf("%s %s: %s", kind, r.Attendee, r.Text))
}

func (d *door) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	told := d.told
	d.told = nil
	return told
}

// last returns the last result.
func (d *door) last(t *testing.T) speech.Result {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.results) == 0 {
		t.Fatal("no results")
	}
	return d.results[len(d.results)-1]
}

// engine is one whose sessions say what the test has them say.
type engine struct {
	mu       sync.Mutex
	sessions []*session
	refuses  error // of Check
	broken   error // of Open
	hangs    bool
	waits    bool
	filters  bool
	models   []string // languages; nil takes all
	delay    time.Duration
}

func (e *engine) Check(s speech.Settings) error {
	switch {
	case e.models == nil:
		return e.refuses
	case s.IdentifyLanguage:
		return speech.Refuse("IdentifyLanguage is not available")
	case !slices.Contains(e.models, s.LanguageCode):
		return speech.RefuseLanguage(s.LanguageCode)
	}
	return e.refuses
}

func (e *engine) Features() speech.Features {
	return speech.Features{Waits: e.waits, Filters: e.filters, Languages: e.models}
}

func (e *engine) Open(ctx context.Context, _ speech.Settings, heard func(speech.Hypothesis)) (speech.Session, error) {
	e.mu.Lock()
	broken, hangs, delay := e.broken, e.hangs, e.delay
	e.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(delay)
	if broken != nil {
		return nil, broken
	}
	s := &session{heard: heard, done: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions = append(e.sessions, s)
	return s, nil
}

func (e *engine) set(broken error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = broken
}

func (e *engine) session(t *testing.T, n int) *session {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if n >= len(e.sessions) {
		t.Fatalf("%d sessions were opened", len(e.sessions))
	}
	return e.sessions[n]
}

func (e *engine) opened() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sessions)
}

// session is one voice. It says its last words when it is closed.
type session struct {
	heard func(speech.Hypothesis)
	done  chan struct{}

	mu        sync.Mutex
	samples   []int16
	utterance int
	farewell  string
	err       error
	over      bool
	closes    bool
}

func (s *session) Write(pcm []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i+1 < len(pcm); i += 2 {
		s.samples = append(s.samples, int16(binary.LittleEndian.Uint16(pcm[i:])))
	}
	return 0
}

func (s *session) Done() <-chan struct{} { return s.done }

func (s *session) Err() error { return s.err }

func (s *session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closes || s.over {
		return
	}
	s.closes = true
	farewell := s.farewell
	go func() {
		if farewell != "" {
			s.hear(farewell, true)
		}
		s.end(nil)
	}()
}

// end ends the session.
func (s *session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over, s.err = true, err
		close(s.done)
	}
}

// hear has the engine hear words, each of which took half a second.
func (s *session) hear(text string, final bool) {
	h := speech.Hypothesis{Utterance: s.utterance, Final: final, Language: "en-US"}
	for i, word := range strings.Fields(text) {
		h.Words = append(h.Words, speech.Word{Text: word, Timed: final, Start: 0.5 * float64(i), End: 0.5 * float64(i+1)})
	}
	if final {
		s.utterance++
	}
	s.heard(h)
}

// says has it hear words, and waits for what comes of it.
func (s *session) says(text string, final bool) {
	s.hear(text, final)
	synctest.Wait()
}

// sound returns how much it has heard: sound and silence.
func (s *session) sound() (loud, silent time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.samples {
		if math.Abs(float64(v)) > 3000 {
			loud++
		} else {
			silent++
		}
	}
	return loud * time.Second / speech.SampleRate, silent * time.Second / speech.SampleRate
}

var errLost = errors.New("connection lost")
