package signal

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// lost has the meeting lose its server and get another, as by a crash: nothing
// is written of those who were connected.
func (p *party) lost() {
	p.v.t.Helper()
	for _, act := range []func(context.Context, int) error{p.v.control.Release, p.v.control.Adopt} {
		if err := act(context.Background(), p.id.Slot()); err != nil {
			p.v.t.Fatal(err)
		}
	}
}

// restarted ends the server in order and starts another on what it has written.
func (p *party) restarted() {
	p.v.t.Helper()
	p.v.close()
	p.lost()
	server, err := New(p.v.cfg)
	if err != nil {
		p.v.t.Fatal(err)
	}
	p.v.server, p.v.http = server, httptest.NewServer(server)
}

// Whoever is back first after a takeover, or a restart, sees the others, who are
// about to come, and sees nobody leave and come again.
func TestTheRosterOutlivesItsServer(t *testing.T) {
	for name, ends := range map[string]func(*party){"a takeover": (*party).lost, "a restart": (*party).restarted} {
		t.Run(name, func(t *testing.T) { rosterOutlives(t, ends) })
	}
}

func rosterOutlives(t *testing.T, ends func(*party)) {
	v := newEnv(t, func(c *Config) { c.Timers.Dropped = time.Minute })
	p := v.meet("ada", "bob", "cleo")
	ada, bob, cleo := p.join("ada"), p.join("bob"), p.join("cleo")
	p.facts("cleo", meeting.Authorized, meeting.Joined)
	ends(p)
	for _, c := range []*client{ada, bob, cleo} {
		<-c.closed
	}
	again := p.open("ada")
	again.session = ada.session
	roster := p.joinWith(again, "ada").GetRoster().GetStreams()
	if len(roster) != 3 {
		t.Fatalf("roster of the first to come back: %v", roster)
	}
	awaited := uint32(0)
	for _, row := range roster {
		if row.GetAttendeeId() == p.wire("bob") {
			awaited = row.GetAudioStreamId()
			if row.GetExternalUserId() != "bob" {
				t.Errorf("bob is waited for as %v", row)
			}
		}
	}
	second := p.open("bob")
	second.session = bob.session
	if roster := p.joinWith(second, "bob").GetRoster().GetStreams(); len(roster) != 3 {
		t.Errorf("roster of the second: %v", roster)
	}
	var rows []*wire.RosterRow
	again.get("bob's new row", func(f *wire.Frame) bool {
		rows = f.GetRoster().GetStreams()
		return len(rows) > 0
	})
	if len(rows) != 2 || rows[0].GetAttendeeId() != p.wire("bob") || rows[0].GetAudioStreamId() <= awaited ||
		rows[1].GetAudioStreamId() != awaited || rows[1].AttendeeId != nil || rows[1].Dropped != nil {
		t.Errorf("told of the return with %v", rows)
	}
	if l := v.server.Load(p.id); l.Connected != 2 {
		t.Errorf("%d connected, want those who are there", l.Connected)
	}
	p.facts("bob", meeting.Authorized, meeting.Joined, meeting.Authorized, meeting.Dropped, meeting.Joined)
}

// Who does not come back is shown as dropped, and who is removed meanwhile as
// gone.
func TestWhoIsAwaitedInVainIsDropped(t *testing.T) {
	var mu sync.Mutex
	var waits []func()
	v := newEnv(t, func(c *Config) {
		c.AfterFunc = func(_ time.Duration, over func()) func() bool {
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, over)
			return func() bool { return true }
		}
	})
	p := v.meet("ada", "bob", "cleo")
	ada := p.join("ada")
	p.join("bob")
	p.join("cleo")
	p.facts("cleo", meeting.Authorized, meeting.Joined)
	p.lost()
	again := p.open("ada")
	again.session = ada.session
	ids := map[string]uint32{}
	for _, row := range p.joinWith(again, "ada").GetRoster().GetStreams() {
		ids[row.GetAttendeeId()] = row.GetAudioStreamId()
	}
	if ids[p.wire("cleo")] == 0 || ids[p.wire("bob")] == 0 {
		t.Fatalf("not all are on the roster: %v", ids)
	}
	gone := func(user string, dropped bool) {
		again.get(user+" gone", func(f *wire.Frame) bool {
			rows := f.GetRoster().GetStreams()
			return len(rows) == 1 && rows[0].GetAudioStreamId() == ids[p.wire(user)] && rows[0].GetDropped() == dropped && rows[0].AttendeeId == nil
		})
	}
	p.remove("cleo")
	gone("cleo", false)
	mu.Lock()
	defer mu.Unlock()
	for _, over := range waits {
		over()
	}
	gone("bob", true)
}
