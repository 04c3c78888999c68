package console

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFeedsRunOnlyWhileSomebodyLooks(t *testing.T) {
	s := open(t)
	open := func() source { return &listSource{directory: s.server, live: s.server, ended: s.server} }
	_, leaveFirst := s.console.look("x", open)
	_, leaveSecond := s.console.look("x", open)
	if len(s.console.feeds.open) != 1 {
		t.Errorf("%d feeds for one thing", len(s.console.feeds.open))
	}
	leaveFirst()
	if len(s.console.feeds.open) != 1 {
		t.Error("the feed closed while somebody looks")
	}
	leaveSecond()
	if len(s.console.feeds.open) != 0 {
		t.Error("the feed goes on with nobody looking")
	}
	s.console.wg.Wait()
}

func TestSlowViewersGetTheWholeStateAgain(t *testing.T) {
	f := &feed{viewers: map[*viewer]struct{}{}, now: time.Now}
	rows := func(n int) reading {
		return reading{state: state{"t": {"a": json.RawMessage(fmt.Sprint(n))}}}
	}
	f.publish(rows(0), nil)
	v := f.join()
	for n := range viewerBacklog + 5 {
		f.publish(rows(n+1), nil)
	}
	if !v.behind {
		t.Fatal("the viewer kept up without reading")
	}
	for len(v.events) > 0 {
		<-v.events
	}
	f.publish(rows(100), nil)
	if got := string(<-v.events); v.behind || !strings.HasPrefix(got, "event: snapshot") || !strings.Contains(got, "100") {
		t.Errorf("after falling behind it got %q", got)
	}
}

// stuck is a source that answers once and never again.
type stuck struct{ asked int }

func (s *stuck) read(ctx context.Context) (reading, error) {
	if s.asked++; s.asked > 1 {
		<-ctx.Done()
	}
	return reading{state: state{"t": {}}}, ctx.Err()
}

// A page takes a stream without beats for one that is out of date, so a server
// that cannot read what it should show must not send any.
func TestBeatsComeOnlyFromReadings(t *testing.T) {
	for name, c := range map[string]struct {
		source      source
		least, most int // beats within ten seconds
	}{"a source that answers": {&listSource{directory: newServer(), live: newServer(), ended: newServer()}, 10, 12}, "a source that is stuck": {new(stuck), 1, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &feed{source: c.source, every: time.Second, now: time.Now, nudge: make(chan struct{}, 1), viewers: map[*viewer]struct{}{}}
				ctx, cancel := context.WithCancel(t.Context())
				v := f.join()
				go f.run(ctx)
				beats := 0
				for range 10 {
					time.Sleep(time.Second)
					for synctest.Wait(); len(v.events) > 0; {
						if e := string(<-v.events); strings.HasPrefix(e, "event: beat") && strings.Contains(e, `"every":1000`) {
							beats++
						}
					}
				}
				cancel()
				synctest.Wait()
				if beats < c.least || beats > c.most {
					t.Errorf("%d beats in ten seconds", beats)
				}
			})
		})
	}
}

func TestDifference(t *testing.T) {
	row := func(s string) json.RawMessage { return json.RawMessage(s) }
	from := state{"a": {"1": row("1"), "2": row("2"), "3": row("3")}}
	to := state{"a": {"1": row("1"), "2": row("two"), "4": row("4")}}
	d := difference(from, to)
	if got := fmt.Sprintf("%s %s", d.Set["a"], d.Gone["a"]); got != "[two 4] [3]" {
		t.Errorf("difference %s", got)
	}
	if d := difference(to, to); d != nil {
		t.Errorf("no difference gave %+v", d)
	}
}
