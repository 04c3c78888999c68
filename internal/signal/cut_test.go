package signal

import (
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// A client whose line is cut hears nothing of it, and may be back before anybody
// else has noticed.
func TestCutIsAFailingLine(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Dropped = time.Hour })
	p := v.meet("ada", "bob")
	ada := p.join("ada")
	who := meetingID(t, p.wire("ada"))
	if n := v.server.Cut(p.id, who); n != 1 {
		t.Fatalf("cut %d connections", n)
	}
	if code := ada.ended(); code != -1 { // no close frame
		t.Errorf("the client was told %d", code)
	}
	p.join("ada")
	v.server.Settle(t.Context())
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.Authorized)
	if n := v.server.Cut(p.id, meeting.ID{1}); n != 0 {
		t.Errorf("cut %d connections of nobody", n)
	}
	if n := v.server.Cut(meeting.ID{1}, who); n != 0 {
		t.Errorf("cut %d connections in no meeting", n)
	}
}

// Whoever does not come back has dropped when the clock says so.
func TestTheClockSaysWhenALostClientHasDropped(t *testing.T) {
	var ring func()
	v := newEnv(t, func(c *Config) {
		c.Timers.Dropped = 12 * time.Second
		c.AfterFunc = func(d time.Duration, f func()) func() bool {
			if d != 12*time.Second {
				t.Errorf("waits for %v", d)
			}
			ring = f
			return func() bool { return true }
		}
	})
	p := v.meet("ada", "bob")
	p.join("ada")
	bob := p.join("bob")
	row := bob.found(p.wire("ada"))
	v.server.Cut(p.id, meetingID(t, p.wire("ada")))
	if ring == nil {
		t.Fatal("nobody waits for the client")
	}
	ring()
	if gone := bob.seesGone(row.GetAudioStreamId()); !gone.GetDropped() {
		t.Errorf("shown as %+v", gone)
	}
	v.server.Settle(t.Context())
	facts, err := v.control.Facts(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	if last := facts[len(facts)-1]; last.Kind != meeting.Dropped {
		t.Errorf("the last fact is %s", last.Kind)
	}
}

func meetingID(t *testing.T, text string) meeting.ID {
	t.Helper()
	id, ok := meeting.ParseID(text)
	if !ok {
		t.Fatalf("%q is no id", text)
	}
	return id
}
