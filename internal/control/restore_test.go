package control_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// After a restart everything an owner can see is as it was.
func TestARestartChangesNothing(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	n := newMeeting(owner, "token", "ann", "bob")
	n.HostID, n.TenantIDs = "host", []string{"t1", "t2"}
	n.Features = &meeting.Features{EchoReduction: "AVAILABLE", MaxCount: 3}
	s, _, err := v.CreateMeeting(ctx, n)
	must(t, err)
	people := v.roster(owner, s.ID)
	v.add(owner, s.ID, "eve")
	must(t, v.DeleteAttendee(ctx, owner, s.ID, people["ann"].ID))
	listen := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.Receive, Content: meeting.Receive}
	_, err = v.UpdateCapabilities(ctx, owner, s.ID, people["bob"].ID, listen)
	must(t, err)
	people = v.roster(owner, s.ID)
	info, err := v.Meetings(ctx)
	must(t, err)

	v.restart()
	again, err := v.GetMeeting(ctx, owner, s.ID)
	must(t, err)
	if !reflect.DeepEqual(again, s) {
		t.Errorf("was %+v\nis  %+v", s, again)
	}
	if got := v.roster(owner, s.ID); !reflect.DeepEqual(got, people) {
		t.Errorf("were %v\nare  %v", people, got)
	}
	infoAgain, err := v.Meetings(ctx)
	if err != nil || len(infoAgain) != 1 || infoAgain[0].Attendees != info[0].Attendees || infoAgain[0].Attendees != 2 {
		t.Errorf("was %+v\nis  %+v (%v)", info, infoAgain, err)
	}
	v.add(owner, s.ID, "zoe") // the third
	_, err = v.CreateAttendees(ctx, owner, s.ID, named("one too many"))
	wantKind(t, err, meeting.LimitExceeded)
}

// What a start costs for each meeting of ten attendees.
func BenchmarkNew(b *testing.B) {
	const meetings = 2000
	v := newEnv(b, func(c *control.Config) { c.Limits.Meetings = meetings }, nil)
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range meetings / 8 {
				v.create(owner, fmt.Sprintf("token-%d-%d", client, i), users("user", 10)...)
			}
		})
	}
	wg.Wait()
	b.ReportAllocs()
	for b.Loop() {
		_, err := control.New(context.Background(), v.cfg, v.store, testKey(b))
		must(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/meetings, "ns/meeting")
}

// What a start reads anyway is kept, within the bound of the cache, so that the
// first calls after it need not go back to the ledger.
func TestMeetingsAreAtHandAfterAStart(t *testing.T) {
	for name, c := range map[string]struct {
		cache       int64
		kept        int64 // the least that has to be at hand, in bytes
		least, most int   // reads of the ledger for ten meetings, in any order: the last asked for may have gone by then
	}{"room for all": {1 << 20, 1 << 10, 0, 0}, "room for none": {1, 0, 10, 100}, "room for some": {5 << 10, 5 << 9, 1, 10}} {
		t.Run(name, func(t *testing.T) {
			loads := new(countLoads)
			v := newEnv(t, func(cfg *control.Config) { cfg.CacheBytes = c.cache }, func(l control.Ledger) control.Ledger {
				loads.Ledger = l
				return loads
			})
			rosters := map[meeting.ID]map[string]meeting.Attendee{}
			for i := range 10 {
				id := v.create(owner, fmt.Sprint("token-", i), users("at the start", 5)...).ID
				added := v.add(owner, id, users("later", 6)...)
				must(t, v.DeleteAttendee(context.Background(), owner, id, added[0]))
				rosters[id] = v.roster(owner, id)
			}
			must(t, v.DeleteMeeting(context.Background(), owner, v.create(owner, "ended", "ann").ID))
			v.restart()
			loads.n.Store(0)
			if used := v.Overview().CacheBytes; used < c.kept || used > c.cache {
				t.Errorf("%d bytes in a cache of %d, want at least %d", used, c.cache, c.kept)
			}
			for id, before := range rosters {
				if got := v.roster(owner, id); !reflect.DeepEqual(got, before) {
					t.Errorf("were %v\nare  %v", before, got)
				}
			}
			if n := int(loads.n.Load()); n < c.least || n > c.most {
				t.Errorf("the ledger was read %d times", n)
			}
		})
	}
}

// countLoads is a ledger that counts how often a meeting is read from it.
type countLoads struct {
	control.Ledger
	n atomic.Int64
}

func (l *countLoads) Load(ctx context.Context, id meeting.ID, after uint64) ([]ledger.Entry, error) {
	l.n.Add(1)
	return l.Ledger.Load(ctx, id, after)
}

// beheaded is a ledger that has lost the first record of a meeting.
type beheaded struct {
	control.Ledger
	id meeting.ID
}

func (l *beheaded) Scan(ctx context.Context, fn func(meeting.ID, ledger.Entry) error) error {
	first := true
	return l.Ledger.Scan(ctx, func(id meeting.ID, e ledger.Entry) error {
		if id == l.id && first {
			first = false
			return nil
		}
		return fn(id, e)
	})
}

// The ledger drops what is too old entry by entry. A server that was down for
// long finds meetings without a beginning, and starts all the same; a meeting
// without a beginning that is not that old is damage.
func TestWhatALongOutageLeftIsPassedOver(t *testing.T) {
	for _, c := range []struct {
		outage time.Duration
		want   error
	}{{24 * time.Hour, nil}, {time.Hour, meeting.ErrOrder}} {
		t.Run(c.outage.String(), func(t *testing.T) {
			l := new(beheaded)
			v := newEnv(t, func(cfg *control.Config) { cfg.Clock = nil }, func(inner control.Ledger) control.Ledger {
				l.Ledger = inner
				return l
			})
			l.id = v.create(owner, "token", "ann").ID
			v.add(owner, l.id, "bob")
			v.add(owner, l.id, "eve")
			cfg := v.cfg
			later := newHandClock()
			later.now = time.Now().Add(c.outage)
			cfg.Clock = later
			after, err := control.New(context.Background(), cfg, l, testKey(t))
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && after.Overview().Active != 0 {
				t.Error("a meeting without a beginning is active")
			}
		})
	}
}
