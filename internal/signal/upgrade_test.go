package signal

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// refused opens a connection that is to be refused at JOIN and returns the
// frame that says so.
func refused(t *testing.T, c *client) *wire.Frame {
	t.Helper()
	c.send(joinFrame(1))
	f := c.get("refusal", func(f *wire.Frame) bool {
		return f.GetType() == wire.Frame_JOIN_ACK || f.GetType() == wire.Frame_AUDIO_STATUS
	})
	c.send(leaveFrame())
	c.expect(wire.Frame_LEAVE_ACK)
	return f
}

// unavailableTo says JOIN with a token that does not let in: the connection is
// closed in place of an answer.
func unavailableTo(t *testing.T, c *client) {
	t.Helper()
	c.send(joinFrame(1))
	if code := c.ended(); code != 4403 || c.reason != "attendee unavailable" {
		t.Errorf("closed with %d %q", code, c.reason)
	}
	for f := range c.frames {
		t.Errorf("told %v first", f)
	}
}

func TestTokensRefused(t *testing.T) {
	v := newEnv(t, nil)
	p, other := v.meet("ada", "bob"), v.meet("mallory")
	good := p.token("ada")
	p.join("bob")
	p.remove("bob")
	last := "A"
	if strings.HasSuffix(good, "A") {
		last = "B"
	}
	for name, token := range map[string]string{
		"forged": good[:len(good)-1] + last, "truncated": good[:60], "of another meeting": other.token("mallory"),
		"of a removed attendee": p.token("bob"), "rubbish": "x", "content of a forged one": good[:97] + last + "#content",
	} {
		t.Run(name, func(t *testing.T) {
			before := v.media.count()
			c := v.dial(p.id, token)
			unavailableTo(t, c)
			if v.media.count() != before {
				t.Error("media was set up for it")
			}
		})
	}
	if got := v.server.Refusals(p.id); len(got) != 6 || got[0].Words == "" || got[0].Remote != "127.0.0.1" {
		t.Errorf("refusals kept: %+v", got)
	}
	if len(v.server.Refusals(other.id)) != 0 {
		t.Error("refusals of one meeting shown with another")
	}
}

func TestJoinAfterEnd(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.end()
	c := p.open("ada")
	f := refused(t, c)
	if f.GetType() != wire.Frame_AUDIO_STATUS || f.GetAudioStatus().GetAudioStatus() != 410 {
		t.Errorf("refused with %v", f)
	}
	if code := c.ended(); code != closeEnded {
		t.Errorf("closed with %d", code)
	}
}

// TestRefusedWithoutJoin: whoever never says JOIN is closed with the code that
// tells a joining client the same.
func TestRefusedWithoutJoin(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Farewell = 5 * time.Millisecond })
	p := v.meet("ada")
	c := v.dial(p.id, "rubbish")
	if code := c.ended(); code != closeForbidden || c.reason != attendeeUnavailable {
		t.Errorf("closed with %d %q", code, c.reason)
	}
}

// TestEndedBeforeJoin: sockets opened early learn of the end when they join,
// or are closed.
func TestEndedBeforeJoin(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Farewell = time.Second })
	p := v.meet("ada", "bob", "cleo")
	ada, bob, cleo := p.open("ada"), p.open("bob"), p.open("cleo")
	eventually(t, func() bool { return v.server.Counts().Sockets == 3 }, func() string { return "sockets not open" })
	p.remove("cleo")
	eventually(t, func() bool { return v.turnedAway(p) == 1 }, func() string { return "cleo's socket was not told" })
	unavailableTo(t, cleo)
	p.end()
	eventually(t, func() bool { return v.turnedAway(p) == 3 }, func() string { return "the sockets were not told" })
	if f := refused(t, ada); f.GetAudioStatus().GetAudioStatus() != 410 {
		t.Errorf("ended before JOIN: %v", f)
	}
	if code := bob.ended(); code != closeEnded {
		t.Errorf("silent socket closed with %d", code)
	}
}

// turnedAway counts the meeting's sockets that will be refused.
func (v *env) turnedAway(p *party) int {
	meet := v.server.find(p.id)
	if meet == nil {
		return 3 // the meeting is over and forgotten
	}
	meet.conference.mu.Lock()
	defer meet.conference.mu.Unlock()
	n := 0
	for s := range meet.sessions {
		if s.refused != 0 {
			n++
		}
	}
	return n
}

func TestUpgradeRefused(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Origins = []string{"https://app.example.com"} })
	p := v.meet("ada")
	tests := []struct {
		name, id, token string
		header          http.Header
		want            int
	}{
		{"not a meeting id", "nonsense", "x", nil, http.StatusNotFound},
		{"foreign origin", p.id.String(), p.token("ada"), http.Header{"Origin": {"https://evil.example.com"}}, http.StatusForbidden},
		{"no token", p.id.String(), "", nil, http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest("GET", v.http.URL+PathControl+tt.id, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, s := range tt.header {
				req.Header[k] = s
			}
			req.Header.Set("Sec-WebSocket-Protocol", strings.TrimSuffix(subprotocol+", "+tt.token, ", "))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body(t, resp)
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.want)
			}
		})
	}
	for _, origin := range []string{"https://app.example.com", "HTTPS://APP.example.com", v.http.URL, ""} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, _, err := v.tryDial(p.id.String(), p.token("ada"), header)
		if err != nil {
			t.Errorf("origin %q: %v", origin, err)
			continue
		}
		ws.CloseNow()
	}
}

func TestSocketLimit(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.MaxSockets = 1 })
	p := v.meet("ada", "bob")
	ada := p.join("ada")
	_, resp, err := v.tryDial(p.id.String(), p.token("bob"), nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("second socket: %v, %v", resp, err)
	}
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	ada.ws.CloseNow()
	eventually(t, func() bool { return v.server.Counts().Sockets == 0 }, func() string { return "the socket is not freed" })
	p.join("bob")
}

// interrupted is a control plane in which something happens right after a
// token was found to be good for the first time.
type interrupted struct {
	Control
	once sync.Once
	then func()
}

func (c *interrupted) Authorize(ctx context.Context, id meeting.ID, token string) (control.Grant, error) {
	grant, err := c.Control.Authorize(ctx, id, token)
	c.once.Do(c.then)
	return grant, err
}

// TestChangeWhileOpening: what happens to an attendee between the check of the
// token and the meeting being watched is not missed.
func TestChangeWhileOpening(t *testing.T) {
	hooked := &interrupted{}
	v := newEnv(t, func(c *Config) {
		hooked.Control = c.Control
		c.Control = hooked
	})
	t.Run("removed", func(t *testing.T) {
		p := v.meet("ada")
		hooked.once, hooked.then = sync.Once{}, func() { p.remove("ada") }
		unavailableTo(t, p.open("ada"))
	})
	t.Run("capabilities", func(t *testing.T) {
		p := v.meet("ada")
		hooked.once, hooked.then = sync.Once{}, func() { p.setCaps("ada", caps(meeting.None, meeting.Receive, meeting.None)) }
		p.join("ada").permitted(media.Permissions{VideoReceive: true})
	})
	t.Run("ended", func(t *testing.T) {
		p := v.meet("ada")
		hooked.once, hooked.then = sync.Once{}, p.end
		if f := refused(t, p.open("ada")); f.GetAudioStatus().GetAudioStatus() != 410 {
			t.Errorf("answered %v", f)
		}
	})
}
