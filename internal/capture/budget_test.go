package capture

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// crowd is spools that are being recorded to, and which of them have failed.
type crowd struct {
	t      *testing.T
	room   *budget
	spools map[string]*spool
	failed []string
	stops  map[string]func()
}

func newCrowd(t *testing.T, room *budget, names ...string) *crowd {
	c := &crowd{t: t, room: room, spools: map[string]*spool{}, stops: map[string]func(){}}
	for _, name := range names {
		c.spools[name] = new(spool)
		c.stops[name] = room.record(c.spools[name], func() { c.failed = append(c.failed, name) })
	}
	return c
}

func (c *crowd) takes(name string, n int64, want error, failed ...string) {
	c.t.Helper()
	if err := c.room.take(c.spools[name], n); !errors.Is(err, want) {
		c.t.Errorf("%s wants %d: %v, want %v", name, n, err, want)
	}
	if !slices.Equal(c.failed, failed) {
		c.t.Errorf("%s wanted %d: %q have failed, want %q", name, n, c.failed, failed)
	}
	if c.room.most > 0 && c.room.used > c.room.most {
		c.t.Errorf("%d are used", c.room.used)
	}
}

// Of 1600, 100 are the reserve: the largest recording fails when it would be
// needed, the next one when half of it would, and the last has all there is.
func TestTheLargestRecordingFailsFirst(t *testing.T) {
	c := newCrowd(t, &budget{most: 1600}, "large", "middle", "small")
	c.takes("large", 900, nil)
	c.takes("middle", 500, nil)
	c.takes("small", 100, nil)
	c.takes("small", 10, nil, "large")
	c.takes("large", 40, nil, "large") // its last piece
	c.takes("large", 40, errNoRoom, "large")
	c.takes("middle", 10, errNoRoom, "large", "middle")
	c.takes("small", 40, nil, "large", "middle")
	c.takes("small", 11, errNoRoom, "large", "middle", "small")
	if c.room.used != 1590 {
		t.Errorf("%d are used", c.room.used)
	}
}

func TestARecordingThatWantsMostIsTheLargest(t *testing.T) {
	c := newCrowd(t, &budget{most: 1600}, "large", "other")
	c.takes("large", 700, nil)
	c.takes("other", 1000, errNoRoom, "other")
	c.takes("large", 700, nil, "other")
}

// When there is room again the reserve is whole again, and recordings that have
// ended fail no more.
func TestTheReserveReturns(t *testing.T) {
	c := newCrowd(t, &budget{most: 1600}, "a", "b", "c")
	c.takes("a", 1500, nil)
	c.takes("b", 20, nil, "a")
	c.room.forget(c.spools["a"])
	c.takes("b", 1480, nil, "a")
	c.takes("c", 10, nil, "a", "b")
	c.room.forget(c.spools["b"])
	d := new(spool)
	c.room.hold(d, 1590)
	c.stops["c"]()
	if err := c.room.take(c.spools["c"], 1); !errors.Is(err, errNoRoom) && c.room.used > c.room.most {
		t.Errorf("%v, %d are used", err, c.room.used)
	}
	if !c.room.tight() {
		t.Error("it is not tight")
	}
	c.room.give(d, 1590)
	if c.room.tight() {
		t.Error("it is tight")
	}
}

// The disk may have less than the settings say, or its space may not be known.
func TestTheDiskIsABound(t *testing.T) {
	free, unknown := int64(1600), error(nil)
	room := &budget{free: func() (int64, error) { return free, unknown }}
	c := newCrowd(t, room, "large", "small")
	take := func(name string, n int64, want error, failed ...string) {
		t.Helper()
		c.takes(name, n, want, failed...)
		if want == nil {
			free -= n
		}
	}
	take("large", 1400, nil)
	if room.tight() {
		t.Error("it is tight")
	}
	take("small", 90, nil)
	if !room.tight() {
		t.Error("it is not tight")
	}
	take("small", 11, nil, "large")
	free = 0 // somebody else's
	take("small", 11, errNoRoom, "large", "small")
	unknown = errors.New("no such call")
	if room.tight() {
		t.Error("of a disk that nobody knows it is tight")
	}
}

// While nothing can be stored, the recording that has most fails when the room runs
// out, the other goes on, and of neither is anything lost that the journal has.
func TestTheOthersGoOnWhenTheLargestFails(t *testing.T) {
	sink := newStore()
	down := true
	sink.fail = func(string) error {
		if down {
			return errors.New("down")
		}
		return nil
	}
	h := newHouse(t, sink, func(c *Config) { c.MaxSpool = 512 << 10 })
	large, small := h.meeting(), h.meeting()
	p, q := h.record(large), h.record(small)
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	h.untilStatus(q.ID, meeting.PipelineInProgress)
	say := func(m meeting.Summary, bytes int) {
		h.listener(m.ID).Message("ann", "chat", []byte(strings.Repeat("x", bytes)), time.Now())
	}
	say(large, 452<<10)
	has := func(p *meeting.Pipeline, stream string) func() bool {
		return func() bool {
			j, err := readJournal(h.service.spoolDir(p.ID))
			return err == nil && slices.ContainsFunc(j.pieces, func(p Piece) bool { return p.Stream == stream })
		}
	}
	h.until("it is in the spool", has(p, dataFolder))
	say(small, 24<<10)
	h.until("the largest ends", func() bool { return h.status(p.ID) >= meeting.PipelineStopping })
	h.until("the other has its piece", has(q, dataFolder))
	if got := h.status(q.ID); got != meeting.PipelineInProgress {
		t.Errorf("the other is %s", got)
	}
	sink.mu.Lock()
	down = false
	sink.mu.Unlock()
	if got := h.untilStatus(p.ID, meeting.PipelineFailed); got.Failure != diskFull || h.hasAttendee(p) {
		t.Errorf("%q", got.Failure)
	}
	h.stop(q.ID)
	h.untilStatus(q.ID, meeting.PipelineStopped)
	for _, id := range []meeting.ID{p.ID, q.ID} {
		j, err := readJournal(h.service.spoolDir(id))
		must(t, err)
		for _, piece := range j.pieces {
			if _, there := sink.objects["bucket/"+piece.Key]; !there {
				t.Errorf("%s is lost", piece.Key)
			}
		}
	}
}
