package signal

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// TestSlowReader: a client that does not read is cut off, and what it missed
// does not pile up.
func TestSlowReader(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	row := ada.sees(p.wire("bob"))
	bob.stopReading()
	msg := &wire.Frame{Type: wire.Frame_DATA_MESSAGE.Enum(), Data: &wire.Data{Messages: []*wire.DataMessage{{
		Topic: proto.String("chat"), Data: make([]byte, meeting.MaxData),
	}}}}
	meet := v.server.find(p.id)
	meet.conference.mu.Lock()
	conn := meet.conference.participants[participantKey{p.id, p.ids["bob"], false}].session.conn
	meet.conference.mu.Unlock()
	filler := mustEncode(func() *wire.Frame { msg.TimestampMs = proto.Uint64(1); return msg }())
	for conn.ctx.Err() == nil {
		conn.send(filler)
		conn.mu.Lock()
		waiting := conn.bytes
		conn.mu.Unlock()
		if waiting > maxQueuedBytes {
			t.Fatal("the queue has no bound")
		}
	}
	if gone := ada.seesGone(row.GetAudioStreamId()); !gone.GetDropped() {
		t.Error("shown as leaving")
	}
}

// TestNothingLeftBehind looks into the conference after many joins and
// departures of every kind.
func TestNothingLeftBehind(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Dropped = 20 * time.Millisecond })
	var users []string
	for i := range 20 {
		users = append(users, fmt.Sprint("user", i))
	}
	p := v.meet(users...)
	p.join(users[0])
	for i := range 200 {
		c := p.join(users[1+i%19])
		switch i % 3 {
		case 0:
			c.send(leaveFrame())
			c.expect(wire.Frame_LEAVE_ACK)
		case 1:
			c.peer.event(func(e media.PeerEvents) { e.Failed(media.ErrTimeout) })
		}
		c.ws.CloseNow()
	}
	meet := v.server.find(p.id)
	conf := meet.conference
	state := func() string {
		all := v.server.Sessions(p.id)
		open := 0
		for _, one := range all {
			open += oneIf(one.Ended.IsZero())
		}
		conf.mu.Lock()
		defer conf.mu.Unlock()
		return fmt.Sprintf("participants %d, audio %d, sessions %d, open records %d, dirty %d, sockets %d, ended records over limit %v",
			len(conf.participants), len(conf.byAudioID), len(meet.sessions), open, len(conf.index.dirty), v.server.open.Load(), len(all)-open > 19*3) // three of each
	}
	const want = "participants 1, audio 1, sessions 1, open records 1, dirty 0, sockets 1, ended records over limit false"
	eventually(t, func() bool { return state() == want }, func() string { return "left: " + state() })
	v.media.mu.Lock()
	defer v.media.mu.Unlock()
	for i, q := range v.media.peers[1:] {
		if !q.closed {
			t.Errorf("peer %d is not closed", i+1)
		}
	}
}

// TestRejoiningIsLimited: every join is written down, so one attendee may not
// join again and again.
func TestRejoiningIsLimited(t *testing.T) {
	now := time.Now()
	v := newEnv(t, func(c *Config) { c.Now = func() time.Time { return now } })
	p := v.meet("ada")
	for range joinBurst {
		c := p.open("ada")
		c.joinOnly(v)
		c.ws.CloseNow()
	}
	if f := refused(t, p.open("ada")); f.GetError().GetStatus() != 503 {
		t.Errorf("told %v, want to come back later", f)
	}
}

// TestPromotionsAreLimited: each is written down as well.
func TestPromotionsAreLimited(t *testing.T) {
	now := time.Now()
	v := newEnv(t, func(c *Config) { c.Now = func() time.Time { return now } })
	p := v.meet("ada", "guest")
	r := p.replicaOf("fan", "follower")
	fan, follower := r.join("fan"), r.join("follower")
	for i := range joinBurst {
		if ack := []*client{fan, follower}[i%2].promote(p, "guest", p.token("guest")); ack.GetError() != nil {
			t.Fatalf("promotion %d: %v", i+1, ack)
		}
	}
	for _, c := range []*client{fan, follower} {
		if ack := c.promote(p, "guest", p.token("guest")); ack.GetError().GetStatus() != 503 {
			t.Errorf("told %v, want to come back later", ack)
		}
	}
	if ack := fan.promote(p, "ada", p.token("ada")); ack.GetError() != nil {
		t.Errorf("another attendee's promotion: %v", ack)
	}
}

// TestMutingFlood: what everybody is told of costs everybody.
func TestMutingFlood(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	ada := p.join("ada")
	for i := range 10 * muteBurst {
		f := muteFrame(i%2 == 0)
		f.TimestampMs = proto.Uint64(1)
		if ada.trySendRaw(mustEncode(f)) != nil {
			break
		}
	}
	ada.get("error", func(f *wire.Frame) bool { return f.GetError().GetStatus() == 429 })
	ada.ended()
}

func TestSocketsOfOneAttendee(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	for i := range maxSocketsEach {
		p.open("ada")
		eventually(t, func() bool { return v.sessions(p) == i+1 }, func() string { return "the socket is not there" })
	}
	if code := p.open("ada").ended(); code != closeMisuse {
		t.Errorf("closed with %d", code)
	}
}

// TestBadTokensAreBounded: sockets with bad tokens do not use up all there are.
func TestBadTokensAreBounded(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.MaxSockets, c.Timers.Farewell = 20, time.Minute })
	p := v.meet("ada")
	v.dial(p.id, "bad1")
	v.dial(p.id, "bad2")
	eventually(t, func() bool { return v.server.refusing.Load() == 2 }, func() string { return "not being refused" })
	_, resp, err := v.tryDial(p.id.String(), "bad3", nil)
	if err == nil || resp == nil || resp.StatusCode != 403 {
		t.Errorf("third bad token: %v, %v", resp, err)
	}
	p.join("ada")
}
