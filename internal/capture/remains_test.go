package capture

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestUnfinishedUploadsAreAbandonedByTheirKeys(t *testing.T) {
	f, s := newFakeS3(t)
	ctx := context.Background()
	f.uploads = map[string]string{"1": "p/mine/a", "2": "p/theirs/a", "3": "p/mine/a", "4": "p/mine/b", "5": "q/mine/a", "6": "p/mine/c"}
	mine := func(key string) bool { return strings.Contains(key, "mine") }
	must(t, s.Abandon(ctx, "bucket", "p/", mine))
	if left := slices.Sorted(maps.Keys(f.uploads)); !slices.Equal(left, []string{"2", "5"}) {
		t.Errorf("%q are left", left)
	}
	if len(f.objects) != 0 || slices.Contains(f.calls, "DELETE /bucket/p/mine/a") {
		t.Errorf("%q", f.calls)
	}
	for status, wantErr := range map[int]bool{http.StatusForbidden: true, http.StatusInternalServerError: true, http.StatusNotFound: false} {
		f.answer = func(*http.Request) int { return status }
		if err := s.Abandon(ctx, "bucket", "p/", mine); (err != nil) != wantErr {
			t.Errorf("%d: %v", status, err)
		}
	}
	f.uploads["7"] = "p/mine/d"
	f.answer = func(r *http.Request) int { return map[string]int{http.MethodDelete: http.StatusForbidden}[r.Method] }
	if err := s.Abandon(ctx, "bucket", "p/", mine); err == nil || f.uploads["7"] == "" {
		t.Errorf("what could not be aborted: %v", err)
	}
	f.answer = func(r *http.Request) int { return map[string]int{http.MethodDelete: http.StatusNotFound}[r.Method] }
	must(t, s.Abandon(ctx, "bucket", "p/", mine)) // somebody else was faster
}

func TestHalfWrittenFilesAreAbandoned(t *testing.T) {
	d := Directory(t.TempDir())
	for _, key := range []string{"p/audio/a.mp4", "p/audio/a.mp4" + durable.Unfinished, "p/audio/b.mp4" + durable.Unfinished} {
		must(t, put(d, Object{Bucket: "bucket", Key: key}, []byte("x")))
	}
	must(t, d.Abandon(context.Background(), "bucket", "p/", func(key string) bool { return key == "p/audio/a.mp4" }))
	if got := files(t, string(d)); !slices.Equal(got, []string{"bucket/p/audio/a.mp4", "bucket/p/audio/b.mp4" + durable.Unfinished}) {
		t.Errorf("%q", got)
	}
	must(t, d.Abandon(context.Background(), "none", "p/", func(string) bool { return true }))
}

// halves has the store keep what a crash left half stored.
func (s *store) setHalves(halves ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halves = halves
}

func (s *store) hasHalves() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.halves)
}

func (s *store) setStuck(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck = err
}

// However a concatenation ends, nothing half stored of it is left then, and
// everybody else's is.
func TestAConcatenationLeavesNothingHalfStored(t *testing.T) {
	for name, end := range map[string]func(h *house, source, join *meeting.Pipeline) meeting.PipelineStatus{
		"done": func(h *house, source, _ *meeting.Pipeline) meeting.PipelineStatus {
			h.stop(source.ID)
			return meeting.PipelineStopped
		},
		"cancelled": func(h *house, _, join *meeting.Pipeline) meeting.PipelineStatus {
			h.stop(join.ID)
			return meeting.PipelineStopped
		},
		"failed": func(h *house, source, _ *meeting.Pipeline) meeting.PipelineStatus {
			h.sink.(*store).fail = func(key string) error {
				return map[bool]error{true: errChanged}[strings.HasPrefix(key, "joined/")]
			}
			h.stop(source.ID)
			return meeting.PipelineFailed
		},
	} {
		t.Run(name, func(t *testing.T) {
			sink := newStore()
			h := newHouse(t, sink, nil)
			p := h.record(h.meeting())
			h.untilStatus(p.ID, meeting.PipelineInProgress)
			join := h.join(p)
			mine, other := "bucket/joined/video/"+join.ID.String()+"-ann.mp4", "bucket/joined/video/"+p.ID.String()+".mp4"
			sink.setHalves(mine, other)
			h.untilStatus(join.ID, end(h, p, join))
			if got := sink.hasHalves(); !slices.Equal(got, []string{other}) {
				t.Errorf("%q are left", got)
			}
		})
	}
}

// A store that does not let go of what is half stored holds no pipeline up, and is
// asked until it does, by the next process too.
func TestWhatCannotBeAbandonedIsTriedAgain(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		sink := newStore()
		h := newHouse(t, sink, nil)
		p := h.record(h.meeting())
		h.untilStatus(p.ID, meeting.PipelineInProgress)
		join := h.join(p)
		half := "bucket/joined/audio/" + join.ID.String() + ".mp4"
		sink.setHalves(half)
		sink.setStuck(errors.New("down"))
		h.stop(p.ID)
		h.untilStatus(join.ID, meeting.PipelineStopped)
		note := filepath.Join(h.service.cfg.Dir, join.ID.String()+remainsSuffix)
		if _, err := os.Stat(note); err != nil || len(sink.hasHalves()) != 1 {
			t.Errorf("%v, %q", err, sink.hasHalves())
		}
		if restarts {
			must(t, h.service.Close())
			must(t, os.WriteFile(filepath.Join(h.service.cfg.Dir, "x"+remainsSuffix), []byte("no JSON"), 0o600))
			h.open()
		}
		sink.setStuck(nil)
		h.until("it is abandoned", func() bool {
			_, err := os.Stat(note)
			return len(sink.hasHalves()) == 0 && errors.Is(err, os.ErrNotExist)
		})
	}
}

// Pieces that are given up may be half stored, and large ones may have been before
// they were stored at last.
func TestARecordingLeavesNothingHalfStored(t *testing.T) {
	s := openTestSpool(t, t.TempDir(), new(budget))
	if r := remainsOf(s); !r.none() {
		t.Errorf("of nothing: %+v", r)
	}
	small, large, waiting := aPiece(audioFolder, 0), aPiece(videoFolder+"/ann", 0), aPiece(audioFolder, 1)
	names := newNamer(aPipeline(), nil)
	for p, size := range map[*Piece]int{&small: 10, &large: partSize + 1} {
		names.name(p)
		must(t, s.add(*p, make([]byte, size)))
	}
	for _, p := range s.waiting() {
		must(t, s.stored(p))
	}
	names.name(&waiting)
	must(t, s.add(waiting, []byte("x")))
	r := remainsOf(s)
	if r.Prefix != "p/" || !r.has(large.Key) || !r.has(waiting.Key) || r.has(small.Key) || r.has("p/else") {
		t.Errorf("%+v", r)
	}
	must(t, s.close())
}
