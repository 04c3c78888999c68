package signal

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// text is a notice as docs/signaling.md writes it.
func (n notice) text() string {
	switch n.typ {
	case 0:
		return "–"
	case wire.Frame_SUBSCRIBE_ACK:
		return fmt.Sprint("error ", n.status)
	case wire.Frame_JOIN_ACK:
		return fmt.Sprint("JOIN_ACK with error ", n.status)
	}
	return strings.TrimSuffix(fmt.Sprint(n.typ, " ", n.status), " 0")
}

// row is an outcome as a line of docs/signaling.md.
func (o *outcome) row() string {
	cells := []string{o.words, "–", o.atJoin.text(), o.joined.text(), "–", "–"}
	if o.http != 0 {
		cells[1] = fmt.Sprint(o.http)
	}
	if o.code != 0 {
		cells[4] = strings.TrimSpace(fmt.Sprint(int(o.code), " ", o.reason))
	}
	if o.comesBack() || o.http == http.StatusServiceUnavailable || o.joined.status/100 == 5 {
		cells[5] = "yes"
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// TestDocumentedOutcomes: docs/signaling.md has the table of outcomes, and no
// other.
func TestDocumentedOutcomes(t *testing.T) {
	var want []string
	for i := range outcomes {
		if o := &outcomes[i]; o.words != "" {
			want = append(want, o.row())
		}
	}
	doc, err := os.ReadFile("../../docs/signaling.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	const header = "| cause | HTTP | answer to JOIN | said to a joined client | close | comes back |"
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimSpace(line)
		switch {
		case line == header:
			got = []string{}
		case got != nil && !strings.HasPrefix(line, "|"):
			if !slices.Equal(got, want) {
				t.Errorf("docs/signaling.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			return
		case got != nil && !strings.HasPrefix(line, "|-"):
			got = append(got, line)
		}
	}
	t.Errorf("docs/signaling.md lacks the table\n%s\n%s", header, strings.Join(want, "\n"))
}

// TestOutcomesFit: what a client is told and the code that closes its
// connection have it do the same.
func TestOutcomesFit(t *testing.T) {
	for i := range outcomes {
		o := &outcomes[i]
		if o.words == "" && i > 0 {
			t.Errorf("cause %d has no outcome", i)
		}
		if o.comesBack() && (o.joined.status != 0 && o.joined.status/100 != 5 || o.atJoin.status != 0 && o.atJoin.status/100 != 5) {
			t.Errorf("%q: told to stay away, closed to come back", o.words)
		}
		if o.code != 0 && !o.comesBack() && o.joined.status/100 == 5 {
			t.Errorf("%q: told to come back, closed to stay away", o.words)
		}
	}
}

// TestJoinedClientsAreToldByFrame: older clients ignore close codes once they
// are in, all of them. Whoever is to go hears it by a frame first, in each way
// that a connection is ended from here.
func TestJoinedClientsAreToldByFrame(t *testing.T) {
	audio := func(status uint32) func(*wire.Frame) bool {
		return func(f *wire.Frame) bool { return f.GetAudioStatus().GetAudioStatus() == status }
	}
	anError := func(status uint32) func(*wire.Frame) bool {
		return func(f *wire.Frame) bool { return f.GetError().GetStatus() == status }
	}
	for name, tt := range map[string]struct {
		end  func(p *party, c *client)
		told func(*wire.Frame) bool
		code int
	}{
		"server stopping": {func(p *party, _ *client) { p.v.server.Drain() }, audio(503), 4503},
		"meeting moved":   {func(p *party, _ *client) { p.v.control.Drop(p.id.Slot()) }, audio(503), 4503},
		"media lost": {func(_ *party, c *client) {
			c.peer.event(func(e media.PeerEvents) { e.Failed(media.ErrTimeout) })
		}, audio(503), 4500},
		"media shut by a client that stays": {func(_ *party, c *client) {
			c.peer.event(func(e media.PeerEvents) { e.Failed(media.ErrClosedByClient) })
		}, audio(503), 4500},
		"removed":            {func(p *party, _ *client) { p.remove("ada") }, audio(411), 4403},
		"ended":              {func(p *party, _ *client) { p.end() }, audio(410), 4410},
		"another device":     {func(p *party, _ *client) { p.join("ada") }, audio(301), 1000},
		"JOIN again":         {func(_ *party, c *client) { c.send(joinFrame(1)) }, anError(400), 4429},
		"malformed messages": {func(_ *party, c *client) { sendGarbage(c) }, anError(400), 4429},
	} {
		t.Run(name, func(t *testing.T) {
			v := newEnv(t, nil)
			p := v.meet("ada")
			c := p.join("ada")
			tt.end(p, c)
			c.get("word of the end", tt.told)
			if code := c.ended(); int(code) != tt.code {
				t.Errorf("closed with %d, want %d", code, tt.code)
			}
		})
	}
	for name, tt := range map[string]func(p *party, c *client){
		"server stopping": func(p *party, _ *client) { p.v.server.Drain() },
		"meeting moved":   func(p *party, _ *client) { p.v.control.Drop(p.id.Slot()) },
		"media never up":  func(*party, *client) {},
		"handshake fails": func(_ *party, c *client) {
			c.peer.event(func(e media.PeerEvents) { e.Failed(media.ErrHandshake) })
		},
	} {
		t.Run("while connecting, "+name, func(t *testing.T) {
			v := newEnv(t, func(c *Config) {
				if name == "media never up" {
					c.Timers.Connect = 30 * time.Millisecond
				}
			})
			p := v.meet("ada")
			c := p.open("ada")
			c.joinOnly(v)
			tt(p, c)
			c.status(503)
			if code := c.ended(); code/100 != 45 {
				t.Errorf("closed with %d", code)
			}
		})
	}
}

func sendGarbage(c *client) {
	for range maxMalformed + 1 {
		c.sendRaw([]byte{wire.Prefix, 0xff})
	}
}

// TestChangeWhileJoining: what happens to an attendee after JOIN and before
// its answer takes the place of that answer.
func TestChangeWhileJoining(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *party)
		want   func(t *testing.T, c *client)
	}{
		"removed": {func(p *party) { p.remove("ada") }, func(t *testing.T, c *client) {
			if code := c.ended(); code != 4403 || c.reason != "attendee unavailable" {
				t.Errorf("closed with %d %q", code, c.reason)
			}
		}},
		"ended": {(*party).end, func(t *testing.T, c *client) {
			c.status(410)
			if code := c.ended(); code != 4410 {
				t.Errorf("closed with %d", code)
			}
		}},
		"stopping": {func(p *party) { p.v.server.Drain() }, func(t *testing.T, c *client) {
			if code := c.ended(); code != 4503 {
				t.Errorf("closed with %d", code)
			}
		}},
		"moved": {func(p *party) { p.v.control.Drop(p.id.Slot()) }, func(t *testing.T, c *client) {
			if code := c.ended(); code != 4503 {
				t.Errorf("closed with %d", code)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newEnv(t, nil)
			p := v.meet("ada")
			c := p.open("ada")
			entered, leave := make(chan struct{}), make(chan struct{})
			v.media.mu.Lock()
			v.media.hold = func() {
				close(entered)
				<-leave
			}
			v.media.mu.Unlock()
			c.send(joinFrame(c.session))
			<-entered
			tt.change(p)
			eventually(t, func() bool { return v.leftJoining(p) }, func() string { return "the change has not arrived" })
			close(leave)
			tt.want(t, c)
			for f := range c.frames {
				if f.GetType() == wire.Frame_JOIN_ACK {
					t.Errorf("let in after all: %v", f)
				}
			}
		})
	}
}

// leftJoining reports whether no session of the meeting waits for the answer to
// its JOIN any more.
func (v *env) leftJoining(p *party) bool {
	meet := v.server.find(p.id)
	if meet == nil {
		return true
	}
	meet.conference.mu.Lock()
	defer meet.conference.mu.Unlock()
	for s := range meet.sessions {
		if s.state == joining {
			return false
		}
	}
	return true
}
