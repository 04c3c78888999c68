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

// What an adoption costs for each meeting of ten attendees.
func BenchmarkAdoptAll(b *testing.B) {
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
		b.StopTimer()
		v.stop()
		must(b, v.open())
		b.StartTimer()
		must(b, v.AdoptAll(context.Background()))
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
			v := newEnv(t, func(cfg *control.Config) { cfg.CacheBytes = c.cache }, func(s control.Slot) control.Slot {
				return countedSlot{s, loads}
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

// countLoads counts how often a meeting is read from its slot.
type countLoads struct{ n atomic.Int64 }

type countedSlot struct {
	control.Slot
	count *countLoads
}

func (s countedSlot) Load(ctx context.Context, id meeting.ID, through ledger.Revision) ([]ledger.Entry, error) {
	s.count.n.Add(1)
	return s.Slot.Load(ctx, id, through)
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
			v := newEnv(t, func(cfg *control.Config) { cfg.Clock = nil }, nil)
			lost := v.create(owner, "token", "ann").ID
			v.add(owner, lost, "bob")
			v.add(owner, lost, "eve")
			later := newHandClock()
			later.now = time.Now().Add(c.outage)
			first := true
			v.read = func(id meeting.ID, _ ledger.Entry) bool {
				seen := id != lost || !first
				first = first && id != lost
				return seen
			}
			err := v.again(func(cfg *control.Config) { cfg.Clock = later })
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && v.Overview().Active != 0 {
				t.Error("a meeting without a beginning is active")
			}
		})
	}
}
