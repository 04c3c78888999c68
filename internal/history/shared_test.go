package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// trail is a Trail in memory.
type trail struct {
	mu     sync.Mutex
	ids    []meeting.ID
	frames [][]byte
	gone   int   // of the first ones
	down   error // answers everything
	lags   bool  // reading finds nothing new
}

func (l *trail) set(change func(*trail)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *trail) OpenKept(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

func (l *trail) Preserve(_ context.Context, id meeting.ID, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down == nil && !slices.Contains(l.ids, id) {
		l.ids, l.frames = append(l.ids, id), append(l.frames, data)
	}
	return l.down
}

func (l *trail) Preserved(_ context.Context, after uint64, fn func(uint64, meeting.ID, []byte) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lags || l.down != nil {
		return l.down
	}
	for i := max(int(after), l.gone); i < len(l.ids); i++ {
		if err := fn(uint64(i+1), l.ids[i], l.frames[i]); err != nil {
			return err
		}
	}
	return l.down
}

func (l *trail) PreservedRange(context.Context) (first, last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(l.gone + 1), uint64(len(l.ids)), l.down
}

// desk is one node's part of what all keep.
type desk struct {
	*shelf
	*Shared
	full atomic.Bool
}

func newDesk(t *testing.T, l Trail, bounds Bounds) *desk {
	d := &desk{shelf: newShelf(t, bounds)}
	d.share(l)
	return d
}

func (d *desk) share(l Trail) {
	d.Shared = Share(d.shelf.Archive, l, func() bool { return !d.full.Load() }, slog.New(slog.NewTextHandler(&d.said, nil)))
}

// stop ends it, and start begins anew with what is on its disk.
func (d *desk) stop(t *testing.T) {
	t.Helper()
	if err := d.Shared.Close(); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) start(l Trail, bounds Bounds) {
	d.shelf.reopen(bounds)
	d.share(l)
}

func (d *desk) keep(t *testing.T, n int) {
	t.Helper()
	if err := d.Shared.Keep(t.Context(), ended(n)); err != nil {
		t.Fatal(err)
	}
}

// list returns the meetings that the node lists.
func (d *desk) list(t *testing.T) (all []int) {
	t.Helper()
	latest, err := d.Shared.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range slices.Backward(latest) {
		all = append(all, int(m.ID[1])<<8+int(m.ID[2]))
	}
	return all
}

func wantList(t *testing.T, what string, got []int, want ...int) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// isBehind tells whether an error sends the caller away for a while.
func isBehind(err error) bool {
	var refused *meeting.Error
	return errors.As(err, &refused) && refused.Kind == meeting.Unavailable
}

func TestEveryNodeHasWhatOneKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(trail)
		a, b := newDesk(t, l, week), newDesk(t, l, week)
		a.keep(t, 1)
		b.keep(t, 2)
		b.keep(t, 1)
		for name, d := range map[string]*desk{"a": a, "b": b} {
			wantList(t, name, d.list(t), 1, 2)
			got, ok, err := d.Shared.Detail(t.Context(), ended(1).Meeting.ID)
			if !ok || err != nil || !reflect.DeepEqual(&got, ended(1)) {
				t.Errorf("%s says of a meeting %+v, %t, %v", name, got, ok, err)
			}
			m, ok, err := d.Shared.Meeting(t.Context(), ended(2).Meeting.ID)
			if !ok || err != nil || !reflect.DeepEqual(m, ended(2).Meeting) {
				t.Errorf("%s says of another %+v, %t, %v", name, m, ok, err)
			}
			page, err := d.Shared.List(t.Context(), observe.Query{Ended: true, Account: "account-1", Limit: 5})
			if err != nil || len(page.Meetings) != 1 {
				t.Errorf("%s lists %+v, %v", name, page, err)
			}
			if _, ok, err := d.Shared.Meeting(t.Context(), meeting.ID{7}); ok || err != nil {
				t.Errorf("%s says of a meeting that never was %t, %v", name, ok, err)
			}
		}
		a.keep(t, 3)
		time.Sleep(2 * followEvery)
		if !b.shelf.Has(ended(3).Meeting.ID) {
			t.Error("without being asked, a node does not follow the other")
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestANodeThatMayLackSomethingSaysSo(t *testing.T) {
	for name, c := range map[string]struct{ breaks, mends func(*trail, *desk) }{
		"the trail cannot be asked": {func(l *trail, _ *desk) { l.down = errors.New("no leader") }, func(l *trail, _ *desk) { l.down = nil }},
		"its copy lags behind":      {func(l *trail, _ *desk) { l.lags = true }, func(l *trail, _ *desk) { l.lags = false }},
		"its disk is full":          {func(_ *trail, d *desk) { d.full.Store(true) }, func(_ *trail, d *desk) { d.full.Store(false) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := new(trail)
				a, b := newDesk(t, l, week), newDesk(t, l, week)
				a.keep(t, 1)
				wantList(t, "before", b.list(t), 1)
				l.set(func(l *trail) { l.lags = true })
				a.keep(t, 2)
				l.set(func(l *trail) { l.lags = false; c.breaks(l, b) })
				began := time.Now()
				_, latest := b.Shared.Latest(t.Context())
				_, list := b.Shared.List(t.Context(), observe.Query{Ended: true, Account: "account-1", Limit: 5})
				_, _, row := b.Shared.Meeting(t.Context(), ended(2).Meeting.ID)
				_, _, detail := b.Shared.Detail(t.Context(), ended(2).Meeting.ID)
				if !isBehind(latest) || !isBehind(list) || !isBehind(row) || !isBehind(detail) || time.Since(began) > 4*patience+time.Minute {
					t.Errorf("%v, %v, %v, %v after %v", latest, list, row, detail, time.Since(began))
				}
				if _, ok, err := b.Shared.Detail(t.Context(), ended(1).Meeting.ID); !ok || err != nil {
					t.Errorf("what it has: %t, %v", ok, err)
				}
				l.set(func(l *trail) { c.mends(l, b) })
				wantList(t, "mended", b.list(t), 1, 2)
				a.stop(t)
				b.stop(t)
			})
		})
	}
}

func TestBeforeThereIsATrailNothingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &trail{down: errors.New("not all nodes are there")}
		d := newDesk(t, l, week)
		if _, err := d.Shared.Latest(t.Context()); !isBehind(err) {
			t.Errorf("the list: %v", err)
		}
		if err := d.Shared.Keep(t.Context(), ended(1)); !isBehind(err) {
			t.Errorf("keeping: %v", err)
		}
		l.set(func(l *trail) { l.down = nil })
		d.keep(t, 1)
		wantList(t, "then", d.list(t), 1)
		d.stop(t)
	})
}

func TestWhatAServerKeptAloneComesToAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := new(trail), newShelf(t, week)
		s.keep(1)
		s.keep(2)
		a := &desk{shelf: s}
		b := newDesk(t, l, week)
		b.keep(t, 3)
		a.share(l)
		time.Sleep(followEvery)
		wantList(t, "the other node", b.list(t), 1, 2, 3)
		a.stop(t)
		// What the trail has dropped does not come back by a restart.
		l.set(func(l *trail) { l.gone, l.ids[0] = 2, meeting.ID{} })
		a.start(l, week)
		time.Sleep(followEvery)
		if len(l.ids) != 3 {
			t.Errorf("there are %d meetings", len(l.ids))
		}
		a.stop(t)
		b.stop(t)
	})
}

func TestANodeGetsBackWhatItsDiskHasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(trail)
		d := newDesk(t, l, week)
		for n := range 3 {
			d.keep(t, n)
		}
		wantList(t, "before", d.list(t), 0, 1, 2)
		d.stop(t)
		files, err := filepath.Glob(filepath.Join(d.dir, "*"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		whole, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		one, err := new(press).frame(ended(1))
		if err != nil {
			t.Fatal(err)
		}
		whole[bytes.Index(whole, one)+2] ^= 1
		if err := os.WriteFile(files[0], whole, 0o600); err != nil {
			t.Fatal(err)
		}
		d.start(l, week)
		wantList(t, "after a damage", d.list(t), 0, 1, 2)
		d.stop(t)
		if err := os.RemoveAll(d.dir); err != nil {
			t.Fatal(err)
		}
		d.start(l, week)
		wantList(t, "with a new disk", d.list(t), 0, 1, 2)
		d.stop(t)
	})
}

func TestATrailThatWasReplacedIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(trail)
		d := newDesk(t, l, week)
		d.keep(t, 1)
		d.keep(t, 2)
		wantList(t, "before", d.list(t), 1, 2)
		one, err := new(press).frame(ended(3))
		if err != nil {
			t.Fatal(err)
		}
		l.set(func(l *trail) { l.ids, l.frames = []meeting.ID{ended(3).Meeting.ID}, [][]byte{one} })
		wantList(t, "afterwards", d.list(t), 1, 2, 3)
		d.stop(t)
	})
}

func TestWhatNobodyCanReadIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(trail)
		d := newDesk(t, l, week)
		spoilt, err := new(press).frame(ended(1))
		if err != nil {
			t.Fatal(err)
		}
		spoilt[frameHead+3] ^= 1
		l.set(func(l *trail) {
			l.ids = []meeting.ID{ended(1).Meeting.ID, {8}}
			l.frames = [][]byte{spoilt, []byte("not a meeting")}
		})
		d.keep(t, 2)
		wantList(t, "the list", d.list(t), 2)
		d.stop(t)
		if n := strings.Count(d.said.String(), "passed over"); n != 2 {
			t.Errorf("it said %s", d.said.String())
		}
	})
}

// What is dropped first of the files and what is dropped first of the trail is
// not quite the same: reading the trail again must not push out what is newer.
func TestWhatIsOlderThanAllDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, err := new(press).frame(ended(0))
		if err != nil {
			t.Fatal(err)
		}
		bounds := Bounds{Age: week.Age, Bytes: int64(40 * len(one))}
		l := new(trail)
		d := newDesk(t, l, bounds)
		for n := range 90 {
			d.keep(t, n)
		}
		before := d.list(t)
		if len(before) < 30 || len(before) > 40 || before[len(before)-1] != 89 {
			t.Fatalf("kept are %v", before)
		}
		for range 3 {
			d.stop(t)
			d.start(l, bounds)
			wantList(t, "after a restart", d.list(t), before...)
		}
		d.stop(t)
	})
}

func TestManyAreKeptSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := &slowTrail{}, new(remains)
		d := newDesk(t, l, week)
		a := NewArchiver(ArchiverConfig{
			Archive: d.Shared, Directory: r, Live: r, Logger: slog.New(slog.NewTextHandler(&d.said, nil)),
			Open: func(meeting.ID) bool { return false }, Room: func() bool { return true },
		})
		for n := range 10 * sideBySide {
			a.Ended(ended(n).Meeting)
		}
		time.Sleep(settle + 12*time.Second)
		if n := len(d.list(t)); n != 10*sideBySide {
			t.Errorf("%d are kept after as many rounds as that takes", n)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// slowTrail takes a second for each meeting.
type slowTrail struct{ trail }

func (l *slowTrail) Preserve(ctx context.Context, id meeting.ID, data []byte) error {
	time.Sleep(time.Second)
	return l.trail.Preserve(ctx, id, data)
}

// An end is told in no time, whatever becomes of what is to be kept.
func TestNobodyWaitsForWhatIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := &slowTrail{}, new(remains)
		d := newDesk(t, l, week)
		a := NewArchiver(ArchiverConfig{
			Archive: d.Shared, Directory: r, Live: r, Logger: slog.New(slog.NewTextHandler(&d.said, nil)),
			Open: func(meeting.ID) bool { return false }, Room: func() bool { return true },
		})
		for n := range 4 * sideBySide {
			began := time.Now()
			a.Ended(ended(n).Meeting)
			if waited := time.Since(began); waited != 0 {
				t.Fatalf("an end took %v", waited)
			}
			time.Sleep(settle / 8) // while others are being written down
		}
		if a.Waiting() == 0 {
			t.Error("nothing waits any more: this test shows nothing")
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(l.ids) != 4*sideBySide {
			t.Errorf("%d are kept", len(l.ids))
		}
	})
}
