package capture

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

var (
	meetings  = meeting.Owner{Account: "123456789012", Region: "us-east-1", Flavour: meeting.Meetings}
	recorders = meeting.Owner{Account: "123456789012", Region: "us-east-1", Flavour: meeting.Pipelines}
)

// house is a recorder between a real control plane and real media. The
// conference is the test.
type house struct {
	t        *testing.T
	dir      string
	plane    *control.Control
	node     *media.Node
	service  *Service
	sink     Sink
	change   func(*Config)
	closeLog func() error

	mu        sync.Mutex
	listeners map[meeting.ID]Listener // guarded by mu
	refuse    error                   // of listening; guarded by mu
}

func newHouse(t *testing.T, sink Sink, change func(*Config)) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), sink: sink, change: change, listeners: map[meeting.ID]Listener{}}
	h.openPlane()
	var err error
	h.node, err = media.NewNode(media.Config{UDPAddr: "127.0.0.1:0", Timeout: time.Minute, MaxVideoSenders: 5})
	must(t, err)
	h.open()
	t.Cleanup(func() { must(t, errors.Join(h.service.Close(), h.node.Close(), h.plane.Close(), h.closeLog())) })
	return h
}

func (h *house) openPlane() {
	log, err := ledger.Open(context.Background(), ledger.Config{Dir: filepath.Join(h.dir, "ledger")})
	must(h.t, err)
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	must(h.t, err)
	h.plane, h.closeLog = control.New(control.Config{}, control.OnLedger(log), key), log.Close
	must(h.t, h.plane.AdoptAll(context.Background()))
}

// open starts a recorder.
func (h *house) open() {
	h.t.Helper()
	cfg := Config{Control: h.plane, Room: h.node.Room, Listen: h.listen, Sink: h.sink, Dir: filepath.Join(h.dir, "capture")}
	if h.change != nil {
		h.change(&cfg)
	}
	var err error
	h.service, err = New(cfg)
	must(h.t, err)
}

// listen is the conference.
func (h *house) listen(id, _ meeting.ID, _ string, to Listener) (leave func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return nil, h.refuse
	}
	h.listeners[id] = to
	to.Joined("ann", time.Now())
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, id)
	}, nil
}

func (h *house) listener(id meeting.ID) Listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listeners[id]
}

func (h *house) meeting() meeting.Summary {
	h.t.Helper()
	m, _, err := h.plane.CreateMeeting(context.Background(), meeting.NewMeeting{Owner: meetings, ClientRequestToken: h.t.Name() + time.Now().String(), MediaRegion: "us-east-1"})
	must(h.t, err)
	return m
}

// record begins to record a meeting.
func (h *house) record(m meeting.Summary) *meeting.Pipeline {
	h.t.Helper()
	return h.recordWith(m, meeting.PipelineSettings{Artifacts: meeting.Artifacts{Audio: true}})
}

// join begins to concatenate all of a capture.
func (h *house) join(source *meeting.Pipeline) *meeting.Pipeline {
	h.t.Helper()
	p, err := h.plane.CreatePipeline(context.Background(), meeting.NewPipeline{
		Kind: meeting.ConcatenationPipeline, Owner: recorders, ClientRequestToken: "join" + source.ID.String(),
		Settings: meeting.PipelineSettings{Bucket: "bucket", Prefix: "joined", Source: source.ID, Artifacts: meeting.Artifacts{Audio: true, MeetingEvents: true}},
	}, func(context.Context) error { return nil })
	must(h.t, err)
	return p
}

// patience only tells a hang from a busy machine.
const patience = 60 * time.Second

// until waits until a condition holds.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			h.t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (h *house) status(id meeting.ID) meeting.PipelineStatus {
	p, _ := h.plane.Pipeline(id)
	return p.Status
}

func (h *house) untilStatus(id meeting.ID, want meeting.PipelineStatus) *meeting.Pipeline {
	h.t.Helper()
	h.until("status "+want.String(), func() bool { return h.status(id) >= want })
	p, _ := h.plane.Pipeline(id)
	if p.Status != want {
		h.t.Fatalf("status %s (%s), want %s", p.Status, p.Failure, want)
	}
	return p
}

func (h *house) stop(id meeting.ID) {
	h.t.Helper()
	must(h.t, h.plane.StopPipeline(context.Background(), recorders, id, 0))
}

// hasAttendee reports whether the recording's attendee is in the meeting.
func (h *house) hasAttendee(p *meeting.Pipeline) bool {
	_, err := h.plane.GetAttendee(context.Background(), meetings, p.Meeting, p.Attendee)
	return err == nil
}

// files returns the objects in a directory of recordings, sorted.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			list = append(list, filepath.ToSlash(name))
		}
		return err
	}))
	slices.Sort(list)
	return list
}

func TestARecordingFromTheCallToTheFiles(t *testing.T) {
	dir := t.TempDir()
	h := newHouse(t, Directory(dir), nil)
	m := h.meeting()
	p := h.record(m)
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	if !h.hasAttendee(p) {
		t.Error("nobody stands for the recording")
	}
	h.listener(m.ID).Message("ann", "chat", []byte("hello"), time.Now())
	time.Sleep(300 * time.Millisecond) // some sound
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	if h.hasAttendee(p) || h.listener(m.ID) != nil {
		t.Error("the recording is in the meeting still")
	}
	got := files(t, dir)
	folders := map[string]int{}
	for _, name := range got {
		folders[strings.Split(name, "/")[2]]++
	}
	if folders["audio"] != 1 || folders["data-channel"] != 1 || folders["meeting-events"] != 2 || len(got) != 4 {
		t.Errorf("%q", got)
	}
	content, err := os.ReadFile(filepath.Join(dir, got[0]))
	must(t, err)
	tracks, err := mp4.Read(content)
	if err != nil || tracks[0].Codec != mp4.Opus || len(tracks[0].Samples) < 5 {
		t.Errorf("%d tracks, %v", len(tracks), err)
	}
	if left := files(t, h.service.spoolDir(p.ID)); !slices.Equal(left, []string{journalName}) {
		t.Errorf("in the spool: %q", left)
	}
}

func TestTheEndOfTheMeetingEndsTheRecording(t *testing.T) {
	for name, end := range map[string]func(h *house, m meeting.Summary, p *meeting.Pipeline) error{
		"deleted": func(h *house, m meeting.Summary, _ *meeting.Pipeline) error {
			return h.plane.DeleteMeeting(context.Background(), meetings, m.ID)
		},
		"told by the conference": func(h *house, m meeting.Summary, _ *meeting.Pipeline) error {
			h.listener(m.ID).Over(time.Now())
			return nil
		},
		"its attendee deleted": func(h *house, m meeting.Summary, p *meeting.Pipeline) error {
			return h.plane.DeleteAttendee(context.Background(), meetings, m.ID, p.Attendee)
		},
		"its room closed and the meeting deleted": func(h *house, m meeting.Summary, _ *meeting.Pipeline) error {
			h.node.Room(m.ID.String()).Close()
			return h.plane.DeleteMeeting(context.Background(), meetings, m.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, newStore(), nil)
			m := h.meeting()
			p := h.record(m)
			h.untilStatus(p.ID, meeting.PipelineInProgress)
			must(t, end(h, m, p))
			h.untilStatus(p.ID, meeting.PipelineStopped)
		})
	}
}

func TestARecorderGoesOnWhereAnotherStopped(t *testing.T) {
	sink := newStore()
	h := newHouse(t, sink, nil)
	m, gone := h.meeting(), h.meeting()
	p, q := h.record(m), h.record(gone)
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	h.untilStatus(q.ID, meeting.PipelineInProgress)
	must(t, h.service.Close())
	if h.status(p.ID) != meeting.PipelineInProgress || h.status(q.ID) != meeting.PipelineInProgress {
		t.Errorf("%s, %s", h.status(p.ID), h.status(q.ID))
	}
	must(t, h.plane.DeleteMeeting(context.Background(), meetings, gone.ID))
	h.open()
	h.untilStatus(q.ID, meeting.PipelineStopped)
	h.until("listening again", func() bool { return h.listener(m.ID) != nil })
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	ends := 0
	for key, content := range sink.objects {
		if strings.Contains(key, eventsFolder) {
			ends += strings.Count(string(content), captureEnded)
		}
	}
	if ends != 2 {
		t.Errorf("%d ends of two recordings", ends)
	}
}

func TestAStoreThatIsDownLosesNothing(t *testing.T) {
	sink := newStore()
	down := true
	sink.fail = func(string) error {
		if down {
			return errors.New("down")
		}
		return nil
	}
	h := newHouse(t, sink, nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	time.Sleep(100 * time.Millisecond)
	h.stop(p.ID)
	h.until("stopping", func() bool { return h.status(p.ID) == meeting.PipelineStopping && !h.hasAttendee(p) })
	must(t, h.service.Close()) // a restart, with the store still down
	before := files(t, h.service.spoolDir(p.ID))
	h.open()
	time.Sleep(50 * time.Millisecond)
	if h.status(p.ID) != meeting.PipelineStopping {
		t.Errorf("%s with %d pieces in the spool", h.status(p.ID), len(before))
	}
	sink.mu.Lock()
	down = false
	sink.mu.Unlock()
	h.untilStatus(p.ID, meeting.PipelineStopped)
	if len(sink.objects) != len(before)-1 { // but the journal
		t.Errorf("%d objects of %q", len(sink.objects), before)
	}
}

func TestRecordingsThatCannotBeStoredFail(t *testing.T) {
	sink := newStore()
	sink.fail = func(string) error { return errors.New("down") }
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"given up":       {func(c *Config) { c.GiveUp = time.Nanosecond }, "What was recorded could not be stored"},
		"no room for it": {func(c *Config) { c.MaxSpool, c.Sink = 1, newStore() }, "The server's disk for recordings is full or cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, sink, c.change)
			p := h.record(h.meeting())
			h.until("over", func() bool {
				if h.status(p.ID) == meeting.PipelineInProgress && h.listener(p.Meeting) != nil && name == "given up" {
					h.stop(p.ID) // there is something to store from then on
				}
				return h.status(p.ID).Over()
			})
			if got := h.untilStatus(p.ID, meeting.PipelineFailed); got.Failure != c.want {
				t.Errorf("%q", got.Failure)
			}
			h.until("it to be counted", func() bool { return h.service.Stats().Failures == 1 })
			if h.hasAttendee(p) {
				t.Error("its attendee is in the meeting still")
			}
		})
	}
}

func TestARecordingThatCannotBeginFails(t *testing.T) {
	h := newHouse(t, newStore(), nil)
	h.refuse = errors.New("no")
	p := h.record(h.meeting())
	if got := h.untilStatus(p.ID, meeting.PipelineFailed); got.Failure != "The recording could not begin" || h.hasAttendee(p) {
		t.Errorf("%q", got.Failure)
	}
	h.mu.Lock()
	h.refuse = nil
	h.mu.Unlock()
	other := h.meeting()
	must(t, os.WriteFile(filepath.Join(h.dir, "file"), nil, 0o600))
	h.service.cfg.Dir = filepath.Join(h.dir, "file")
	q := h.record(other)
	if got := h.untilStatus(q.ID, meeting.PipelineFailed); got.Failure != "The server cannot store recordings on its disk" {
		t.Errorf("%q", got.Failure)
	}
}

func TestWithNowhereToStoreRecordingsNoneBegins(t *testing.T) {
	h := newHouse(t, nil, nil)
	err := h.service.Ready(context.Background(), &meeting.NewPipeline{})
	var refused *meeting.Error
	if !errors.As(err, &refused) || refused.Kind != meeting.Invalid || refused.Message != "Media capture is not configured on this server" {
		t.Errorf("%v", err)
	}
	// One of before waits until there is somewhere again.
	n := meeting.NewPipeline{Kind: meeting.CapturePipeline, Owner: recorders, ClientRequestToken: "t", Meeting: h.meeting().ID, Settings: meeting.PipelineSettings{Bucket: "bucket"}}
	p, err := h.plane.CreatePipeline(context.Background(), n, func(context.Context) error { return nil })
	must(t, err)
	must(t, h.service.Close())
	if h.status(p.ID) != meeting.PipelineInitializing {
		t.Errorf("%s", h.status(p.ID))
	}
	h.sink = newStore()
	h.open()
	h.untilStatus(p.ID, meeting.PipelineInProgress)
}

func TestAConcatenationWaitsForItsSource(t *testing.T) {
	sink := newStore()
	h := newHouse(t, sink, nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	join, cancelled := h.join(p), h.join(&meeting.Pipeline{ID: p.ID})
	if cancelled.ID != join.ID {
		t.Error("the same token made another one")
	}
	time.Sleep(100 * time.Millisecond)
	if h.status(join.ID) != meeting.PipelineInitializing {
		t.Errorf("%s while the source runs", h.status(join.ID))
	}
	h.stop(p.ID)
	h.untilStatus(join.ID, meeting.PipelineStopped)
	for _, name := range []string{"audio/" + join.ID.String() + ".mp4", "meeting-events/" + join.ID.String() + ".txt"} {
		if len(sink.objects["bucket/joined/"+name]) == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	events := string(sink.objects["bucket/joined/meeting-events/"+join.ID.String()+".txt"])
	if !strings.Contains(events, captureStarted) || !strings.HasSuffix(strings.TrimSpace(events), `"EventType":"CaptureEnded"}`) {
		t.Errorf("%s", events)
	}
	if left := files(t, h.service.spoolDir(join.ID)); !slices.Equal(left, []string{journalName}) {
		t.Errorf("%q are left of it", left)
	}
}

func TestAConcatenationCanBeCancelled(t *testing.T) {
	h := newHouse(t, newStore(), nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	join := h.join(p)
	h.stop(join.ID)
	h.untilStatus(join.ID, meeting.PipelineStopped)
	if h.status(p.ID) != meeting.PipelineInProgress {
		t.Errorf("its source: %s", h.status(p.ID))
	}
}

func TestAConcatenationOfWhatIsGoneFails(t *testing.T) {
	sink := newStore()
	h := newHouse(t, sink, nil)
	p := h.record(h.meeting())
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	sink.mu.Lock()
	for key := range sink.objects {
		sink.objects[key] = []byte("somebody else's")
	}
	sink.mu.Unlock()
	join := h.join(p)
	if got := h.untilStatus(join.ID, meeting.PipelineFailed); got.Failure != "The recording could not be concatenated: an object could not be read or stored" {
		t.Errorf("%q", got.Failure)
	}
	must(t, os.RemoveAll(h.service.spoolDir(p.ID)))
	sink.mu.Lock()
	clear(sink.objects)
	sink.mu.Unlock()
	q := h.join(p)
	if got := h.untilStatus(q.ID, meeting.PipelineFailed); got.Failure != "The recording could not be concatenated: there is nothing to read" {
		t.Errorf("%q", got.Failure)
	}
}

// What another node recorded in between is joined although the journal here has
// the beginning and the end.
func TestAConcatenationLooksForPartsOfOtherNodes(t *testing.T) {
	for shared, want := range map[bool]bool{true: true, false: false} {
		sink := newStore()
		h := newHouse(t, sink, func(c *Config) { c.Shared = shared })
		p := h.record(h.meeting())
		h.untilStatus(p.ID, meeting.PipelineInProgress)
		between := Piece{Stream: eventsFolder, Type: typeText, Start: p.Created.Add(-around / 2)} // as none of its own pieces is called
		newNamer(p, nil).name(&between)
		must(t, sink.Put(t.Context(), Object{Bucket: p.Settings.Bucket, Key: between.Key, Type: typeText}, strings.NewReader("from elsewhere\n"), int64(len("from elsewhere\n"))))
		h.stop(p.ID)
		h.untilStatus(p.ID, meeting.PipelineStopped)
		join := h.join(p)
		h.untilStatus(join.ID, meeting.PipelineStopped)
		found := false
		sink.mu.Lock()
		for key, content := range sink.objects {
			found = found || strings.Contains(key, join.ID.String()) && strings.Contains(string(content), "from elsewhere")
		}
		sink.mu.Unlock()
		if found != want {
			t.Errorf("shared %t: found %t", shared, found)
		}
	}
}

// Whoever removes the attendee of a recording ends it, also before the recording
// has begun, when it must not come back.
func TestAnAttendeeRemovedAtOnceEndsTheRecording(t *testing.T) {
	h := newHouse(t, newStore(), nil)
	var begun []*meeting.Pipeline
	for range 20 {
		p := h.record(h.meeting())
		must(t, h.plane.DeleteAttendee(t.Context(), meetings, p.Meeting, p.Attendee))
		begun = append(begun, p)
	}
	for _, p := range begun {
		h.untilStatus(p.ID, meeting.PipelineStopped)
		if h.hasAttendee(p) {
			t.Error("the attendee is back")
		}
	}
}

// Spools of pipelines that are forgotten go when another pipeline is over, without
// a new start.
func TestOldSpoolsGoMeanwhile(t *testing.T) {
	var later atomic.Int64 // seconds
	h := newHouse(t, newStore(), func(c *Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load()) * time.Second) }
	})
	old := filepath.Join(h.service.cfg.Dir, meeting.ID{1}.String())
	must(t, os.MkdirAll(old, 0o700))
	past := time.Now().Add(-60 * 24 * time.Hour)
	must(t, os.Chtimes(old, past, past))
	isThere := func() bool { _, err := os.Stat(old); return err == nil }
	record := func() {
		p := h.record(h.meeting())
		h.untilStatus(p.ID, meeting.PipelineInProgress)
		h.stop(p.ID)
		h.untilStatus(p.ID, meeting.PipelineStopped)
	}
	record()
	if !isThere() {
		t.Error("it was looked for at once")
	}
	later.Store(int64(tidyEach / time.Second))
	record()
	for deadline := time.Now().Add(time.Minute); isThere(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is still there")
		}
	}
}

func TestOldSpoolsGo(t *testing.T) {
	h := newHouse(t, newStore(), nil)
	must(t, h.service.Close())
	age := func(name string, days int) {
		at := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
		must(t, os.Chtimes(filepath.Join(h.service.cfg.Dir, name), at, at))
	}
	old, young, unstored, foreign := meeting.ID{1}.String(), meeting.ID{2}.String(), meeting.ID{3}.String(), "something"
	for _, name := range []string{old, young, unstored, foreign} {
		s := openTestSpool(t, filepath.Join(h.service.cfg.Dir, name), new(budget))
		must(t, s.add(aPiece("audio", 0), []byte("x")))
		if name != unstored {
			must(t, s.stored(s.waiting()[0]))
		}
		must(t, s.close())
		age(name, 60)
	}
	age(young, 20)
	h.open()
	entries, err := os.ReadDir(h.service.cfg.Dir)
	must(t, err)
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{young, unstored, foreign}; !slices.Equal(left, want) {
		t.Errorf("%q, want %q", left, want)
	}
}
