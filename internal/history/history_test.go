package history

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

var (
	start  = time.Unix(1_700_000_000, 0)
	weekly = meeting.ID{1}
	ada    = meeting.ID{2}
)

func open(m *Meeting, attendee meeting.ID, at time.Time) *Connection {
	return m.Open(Start{Attendee: attendee, External: "ext-" + attendee.String()[:2], Remote: netip.MustParseAddr("192.0.2.7"), At: at})
}

func TestAConnectionIsKeptFromItsTokenToItsEnd(t *testing.T) {
	l := New()
	m := l.Meeting(weekly)
	c := open(m, ada, start)
	c.Step(observe.StepSocket, start.Add(time.Millisecond))
	c.Step(observe.StepSocket, start.Add(time.Hour)) // once is enough
	c.Step(observe.StepJoin, start.Add(2*time.Millisecond))
	c.Describe("chrome")
	c.RoundTrip(30 * time.Millisecond)
	c.Timing(observe.Timing{Socket: 5})
	c.Timing(observe.Timing{Socket: 6})
	c.Add(observe.Sample{At: observe.At(start), LossIn: 1.5})
	now := map[*Connection]Present{c: {Connected: true, Muted: true, Video: true, Now: observe.Now{Level: 20}}}

	all := l.Sessions(weekly, now)
	if len(all) != 1 {
		t.Fatalf("%d connections", len(all))
	}
	one := all[0]
	if one.Key != ada.String() || one.External != "ext-02" || one.State != observe.Connected || one.Remote != "192.0.2.7" ||
		one.Client != "chrome" || one.RTT != observe.Span(30*time.Millisecond) || one.Timing.Socket != 5 || !one.Muted || !one.Video ||
		one.Silenced || one.Now.Level != 20 || len(one.Samples) != 1 || !one.Ended.IsZero() {
		t.Errorf("%+v", one)
	}
	if len(one.Steps) != 3 || one.Steps[1].At.Time != start.Add(time.Millisecond) || !c.Took(observe.StepJoin) || c.Took(observe.StepICE) {
		t.Errorf("steps %+v", one.Steps)
	}

	c.End(observe.Dropped, start.Add(time.Minute), "the connection was lost")
	c.End(observe.Left, start.Add(time.Hour), "later")
	c.Close()
	m.Attended(time.Minute)
	one = l.Sessions(weekly, nil)[0]
	if one.State != observe.Dropped || one.Reason != "the connection was lost" || one.Ended.Time != start.Add(time.Minute) || one.Now != nil {
		t.Errorf("ended %+v", one)
	}
	if load := l.Load(weekly); load.AttendeeTime != observe.Minutes(time.Minute) || load.Failures != 0 {
		t.Errorf("load %+v", load)
	}
}

func TestAFailureIsToldByItsStep(t *testing.T) {
	l := New()
	m := l.Meeting(weekly)
	named, next := open(m, ada, start), open(m, meeting.ID{3}, start.Add(time.Second))
	named.Fail(observe.StepICE, start, "no way")
	next.Step(observe.StepSocket, start)
	next.Fail("", start, "gone")
	next.Fail("", start, "gone again")
	if l.Load(weekly).Failures != 0 {
		t.Error("failures are counted while the sockets are open")
	}
	named.Close()
	next.Close()
	all := l.Sessions(weekly, nil)
	if last := all[0].Steps[1]; last.Name != observe.StepICE || last.Fault != "no way" || all[0].State != observe.Failed {
		t.Errorf("%+v", all[0])
	}
	if s := all[1].Steps; len(s) != 3 || s[2].Name != observe.StepJoin || s[2].Fault != "gone" || next.Took(observe.StepJoin) {
		t.Errorf("%+v", all[1])
	}
	if got := l.Load(weekly).Failures; got != 2 {
		t.Errorf("%d failures", got)
	}
}

func TestASocketThatNeverJoinedIsForgotten(t *testing.T) {
	l := New()
	c := open(l.Meeting(weekly), ada, start)
	c.Step(observe.StepSocket, start)
	c.Close()
	c.End(observe.Left, start, "")
	if all := l.Sessions(weekly, nil); len(all) != 0 {
		t.Errorf("shown: %+v", all)
	}
}

func TestWhatIsKeptOfAMeetingIsBounded(t *testing.T) {
	l := New()
	m := l.Meeting(weekly)
	at := start
	add := func(attendee meeting.ID, state observe.State) {
		c := open(m, attendee, at)
		c.Step(observe.StepJoin, at)
		at = at.Add(time.Second)
		c.End(state, at, "")
		c.Close()
	}
	for range 5 {
		add(ada, observe.Failed)
	}
	add(meeting.ID{3}, observe.Left)
	all := l.Sessions(weekly, nil)
	if len(all) != maxEndedEach+1 || l.Load(weekly).Failures != 5 || all[maxEndedEach].Attendee != (meeting.ID{3}) {
		t.Errorf("%d kept, %+v", len(all), l.Load(weekly))
	}
	for i := range 2 * maxEnded {
		add(meeting.ID{byte(i), byte(i >> 8), 9}, observe.Left)
	}
	if got := len(l.Sessions(weekly, nil)); got != maxEnded || len(m.open) != 0 {
		t.Errorf("%d kept, %d open", got, len(m.open))
	}
}

func TestEndedMeetingsAreRemembered(t *testing.T) {
	l := New()
	for i := range maxPast + 3 {
		id := meeting.ID{byte(i), byte(i >> 8), 1}
		c := open(l.Meeting(id), ada, start)
		c.Step(observe.StepJoin, start)
		c.Add(observe.Sample{})
		l.Retire(id, start.Add(time.Hour))
		c.Close()
		if all := l.Sessions(id, nil); len(all) != 1 || all[0].State != observe.Removed || all[0].Reason == "" ||
			all[0].Samples != nil || all[0].External == "" || all[0].Ended.Time != start.Add(time.Hour) {
			t.Fatalf("remembered %+v", all)
		}
	}
	if len(l.past) != maxPast || len(l.order) != maxPast || len(l.active) != 0 {
		t.Errorf("%d meetings kept, %d active", len(l.past), len(l.active))
	}
	l.Retire(weekly, start) // never begun
	l.Meeting(weekly)
	l.Retire(weekly, start) // nobody came
	if len(l.Sessions(weekly, nil)) != 0 || len(l.past) != maxPast {
		t.Error("a meeting nobody came to takes a place")
	}
}

func TestTheLatestRefusalsAreKept(t *testing.T) {
	l := New()
	l.Refuse(meeting.ID{9}, start, netip.Addr{}, "another meeting's")
	for i := range maxRefusals + 1 {
		l.Refuse(weekly, start, netip.MustParseAddr("192.0.2.7"), fmt.Sprint(i))
	}
	got := l.Refusals(weekly)
	if len(got) != maxRefusals || got[0].Words != "1" || got[maxRefusals-1].Words != fmt.Sprint(maxRefusals) || got[0].Remote != "192.0.2.7" {
		t.Errorf("%d refusals kept, from %+v", len(got), got[0])
	}
	if got[0].ID == got[1].ID || len(l.Refusals(meeting.ID{9})) != 0 {
		t.Error("refusals share an id, or are older than they may be")
	}
}

func TestRingKeepsTheLast(t *testing.T) {
	r := ring[int]{max: maxSamples}
	for i := range maxSamples + 2 {
		r.add(i)
	}
	if got := r.all(); len(got) != maxSamples || got[0] != 2 || !slices.IsSorted(got) {
		t.Errorf("ring %v", got)
	}
}

func TestEverythingAtOnce(t *testing.T) {
	l := New()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				c := open(l.Meeting(weekly), meeting.ID{byte(i)}, start)
				c.Step(observe.StepJoin, start)
				c.Add(observe.Sample{})
				l.Sessions(weekly, map[*Connection]Present{c: {Connected: true}})
				c.End(observe.Left, start, "")
				c.Close()
				l.Refuse(weekly, start, netip.Addr{}, "")
				if l.Load(weekly); n%10 == 0 {
					l.Retire(weekly, start)
				}
			}
		})
	}
	wg.Wait()
}
