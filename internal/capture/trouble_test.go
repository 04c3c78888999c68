package capture

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// troubles is a control plane that notes what it is told of pipelines in trouble.
type troubles struct {
	Control
	mu   sync.Mutex
	told []string // "" for no trouble any more
}

func (c *troubles) TroublePipeline(ctx context.Context, id meeting.ID, message string) error {
	c.mu.Lock()
	if n := len(c.told); n > 0 && c.told[n-1] != message || n == 0 && message != "" {
		c.told = append(c.told, message)
	}
	c.mu.Unlock()
	return c.Control.TroublePipeline(ctx, id, message)
}

func (c *troubles) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}

// wall is a clock that a test sets.
type wall struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func (w *wall) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// inTrouble is a house whose clock and troubles a test sees.
func inTrouble(t *testing.T, sink Sink, change func(*Config)) (*house, *wall, *troubles) {
	clock, told := new(wall), new(troubles)
	h := newHouse(t, sink, func(c *Config) {
		told.Control = c.Control
		c.Control, c.Now = told, clock.now
		if change != nil {
			change(c)
		}
	})
	return h, clock, told
}

// breakable is a store that is broken at will.
func breakable() (sink *store, broken func(bool)) {
	sink = newStore()
	down := false
	sink.fail = func(string) error { // with the store's lock held
		if down {
			return errors.New("down")
		}
		return nil
	}
	return sink, func(b bool) {
		sink.mu.Lock()
		defer sink.mu.Unlock()
		down = b
	}
}

func (h *house) untilTold(told *troubles, want ...string) {
	h.t.Helper()
	h.until("told "+strings.Join(want, ", "), func() bool { return len(told.list()) >= len(want) })
	if got := told.list(); !slices.Equal(got, want) {
		h.t.Errorf("told %q, want %q", got, want)
	}
}

// say has the recording make a piece that does not wait for five seconds.
func (h *house) say(p *meeting.Pipeline, clock *wall) {
	h.until("listening", func() bool { return h.listener(p.Meeting) != nil })
	h.listener(p.Meeting).Message("ann", "chat", []byte("hello"), clock.now())
	clock.pass(textFor)
}

func TestAStoreThatIsDownForFiveMinutesIsToldAndLosesNothing(t *testing.T) {
	sink, broken := breakable()
	h, clock, told := inTrouble(t, sink, nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	broken(true)
	h.say(p, clock)
	h.until("a piece waits", func() bool { return len(files(t, h.service.spoolDir(p.ID))) > 1 })
	time.Sleep(2 * troublePoll)
	if got := told.list(); len(got) > 0 {
		t.Errorf("told %q at once", got)
	}
	for range 5 {
		clock.pass(time.Minute)
		h.say(p, clock)
		time.Sleep(100 * time.Millisecond)
	}
	h.untilTold(told, notStored)
	if s := h.status(p.ID); s != meeting.PipelineInProgress {
		t.Errorf("status %s", s)
	}
	broken(false)
	h.untilTold(told, notStored, "")
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	messages := 0
	for key, content := range sink.objects {
		if strings.Contains(key, dataFolder) {
			messages += strings.Count(string(content), "hello")
		}
	}
	if messages != 6 {
		t.Errorf("%d of 6 messages were kept", messages)
	}
}

func TestNoTroubleIsToldOfARecordingThatEnds(t *testing.T) {
	sink, broken := breakable()
	h, clock, told := inTrouble(t, sink, nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	broken(true)
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopping)
	h.until("a piece waits", func() bool { return len(files(t, h.service.spoolDir(p.ID))) > 1 })
	clock.pass(time.Minute)
	time.Sleep(3 * troublePoll)
	broken(false)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	if got := told.list(); len(got) > 0 {
		t.Errorf("told %q", got)
	}
}

func TestARecorderThatCameBackTellsThatItWasInterrupted(t *testing.T) {
	h, _, told := inTrouble(t, newStore(), nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	must(t, h.service.Close())
	h.open()
	h.untilTold(told, interrupted, "")
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
}

func TestLittleRoomIsTold(t *testing.T) {
	sink, broken := breakable()
	h, clock, told := inTrouble(t, sink, func(c *Config) { c.MaxSpool = 1 << 20 })
	broken(true)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	h.say(p, clock)
	h.until("a piece waits", func() bool { return len(files(t, h.service.spoolDir(p.ID))) > 1 })
	others := new(spool)
	h.service.room.hold(others, 1<<20*9/10)
	h.untilTold(told, almostFull)
	h.service.room.forget(others)
	h.untilTold(told, almostFull, "")
	broken(false)
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
}

// A node that was gone comes back, and the pipeline is carried out elsewhere.
func TestWhatIsLeftOfOthersPipelinesIsStored(t *testing.T) {
	sink := newStore()
	h := newHouse(t, sink, nil)
	must(t, h.service.Close())
	dir := filepath.Join(h.dir, "capture", aPipeline().ID.String())
	s := openTestSpool(t, dir, new(budget))
	must(t, s.add(aPiece("audio", 0), []byte("stored before")))
	must(t, s.stored(s.waiting()[0]))
	must(t, s.add(aPiece("audio", 5), []byte("left")))
	must(t, s.close())
	h.open()
	h.until("it is stored", func() bool {
		sink.mu.Lock()
		defer sink.mu.Unlock()
		return len(sink.objects) > 0
	})
	h.until("its file is gone", func() bool { return slices.Equal(files(t, dir), []string{journalName}) })
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if string(sink.objects["bucket/p/audio/5"]) != "left" || len(sink.objects) != 1 || sink.meta["p/audio/5"].KMSKey != "key" {
		t.Errorf("%q", sink.objects)
	}
}

func TestWhatIsLeftCannotBeStoredForEver(t *testing.T) {
	sink, broken := breakable()
	broken(true)
	clock := new(wall)
	h := newHouse(t, sink, func(c *Config) { c.Now = clock.now })
	must(t, h.service.Close())
	dir := filepath.Join(h.dir, "capture", aPipeline().ID.String())
	s := openTestSpool(t, dir, new(budget))
	must(t, s.add(aPiece("audio", 5), []byte("left")))
	must(t, s.close())
	h.open()
	h.until("given up", func() bool {
		clock.pass(25 * time.Hour)
		h.service.mu.Lock()
		defer h.service.mu.Unlock()
		return len(h.service.jobs) == 0
	})
	if len(files(t, dir)) != 2 {
		t.Errorf("%q", files(t, dir))
	}
	must(t, h.service.Close())
	broken(false)
	h.open()
	h.until("stored after a restart", func() bool { return len(files(t, dir)) == 1 })
}

func TestAJournalSaysWhatItIsOf(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, dir, new(budget))
	if !s.new {
		t.Error("not new")
	}
	must(t, s.close())
	again, err := openSpool(dir, new(budget), nil)
	must(t, err)
	if again.new || *again.of != *originOf(aPipeline()) {
		t.Errorf("%+v", again.of)
	}
	must(t, again.close())
	old := t.TempDir()
	must(t, os.WriteFile(filepath.Join(old, journalName), nil, 0o600))
	s, err = openSpool(old, new(budget), nil)
	must(t, err)
	if s.new || s.of != nil {
		t.Errorf("%+v", s.of)
	}
	must(t, s.close())
}

// moving is a control plane whose slots come and go as a test says.
type moving struct {
	Control
	tell func(control.PipelineChange)
}

func (c *moving) WatchPipelines(fn func(control.PipelineChange)) {
	c.tell = fn
	c.Control.WatchPipelines(fn)
}

// The meeting's slot goes to another node and comes back, while the store is down.
func TestAPipelineThatMovesAwayLeavesNothingBehind(t *testing.T) {
	sink, broken := breakable()
	slots, clock := new(moving), new(wall)
	h := newHouse(t, sink, func(c *Config) {
		slots.Control = c.Control
		c.Control, c.Now = slots, clock.now
	})
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	broken(true)
	h.say(p, clock)
	job := func() *job {
		h.service.mu.Lock()
		defer h.service.mu.Unlock()
		return h.service.jobs[p.ID]
	}
	now, _ := h.plane.Pipeline(p.ID)
	slots.tell(control.PipelineChange{Pipeline: now, Moved: true})
	h.until("only what is left is stored", func() bool { j := job(); return j != nil && j.leftover })
	h.until("nobody listens", func() bool { return h.listener(p.Meeting) == nil })
	if h.status(p.ID) != meeting.PipelineInProgress {
		t.Errorf("status %s", h.status(p.ID))
	}
	slots.tell(control.PipelineChange{Pipeline: now})
	h.until("it is recorded again", func() bool { return h.listener(p.Meeting) != nil && !job().leftover })
	slots.tell(control.PipelineChange{Pipeline: now, Moved: true})
	slots.tell(control.PipelineChange{Pipeline: now}) // before the job has ended
	h.until("it is recorded once more", func() bool { return h.listener(p.Meeting) != nil && !job().moved })
	slots.tell(control.PipelineChange{Pipeline: now, Moved: true})
	broken(false)
	h.until("all is stored", func() bool {
		return slices.Equal(files(t, h.service.spoolDir(p.ID)), []string{journalName}) && job() == nil
	})
	content := ""
	sink.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(sink.objects)) {
		content += string(sink.objects[key])
	}
	sink.mu.Unlock()
	if strings.Count(content, captureStarted) != 1 || strings.Count(content, captureEnded) != 0 || !strings.Contains(content, "hello") {
		t.Errorf("%d beginnings, %d ends", strings.Count(content, captureStarted), strings.Count(content, captureEnded))
	}
	slots.tell(control.PipelineChange{Pipeline: now})
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
}

// Another node takes a recording up that has begun long ago.
func TestARecordingThatGoesOnElsewhereHasOneBeginning(t *testing.T) {
	p := aPipeline()
	p.Status = meeting.PipelineInProgress
	s := openTestSpool(t, t.TempDir()+"/new", new(budget))
	r := newRecording(p, s, func() time.Time { return start })
	r.close(true)
	events := ""
	for _, piece := range s.all() {
		content, err := s.content(piece)
		must(t, err)
		events += string(content)
		if piece.First {
			t.Errorf("%+v", piece)
		}
	}
	if strings.Contains(events, captureStarted) || !strings.Contains(events, captureEnded) {
		t.Errorf("%s", events)
	}
	must(t, s.close())
}
