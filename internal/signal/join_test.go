package signal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func TestJoin(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.open("ada")
	c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(41)}})
	if pong := c.expect(wire.Frame_PING_PONG).GetPingPong(); pong.GetType() != wire.PingPong_PONG || pong.GetPingId() != 41 {
		t.Errorf("answer to PING 41: %v", pong)
	}
	before := v.media.count()
	c.send(joinFrame(1))
	ack := c.expect(wire.Frame_JOIN_ACK).GetJoinAck()
	if creds := ack.GetTurnCredentials(); creds == nil || len(creds.GetUris()) != 0 {
		t.Errorf("TURN credentials %v, want some without URIs", creds)
	}
	if ack.GetVideoSubscriptionLimit() != 25 || ack.GetWantsCompressedSdp() {
		t.Errorf("JOIN_ACK %v", ack)
	}
	index := c.expect(wire.Frame_INDEX).GetIndex()
	if index.GetNumParticipants() != 1 || len(index.GetSources()) != 0 || index.GetAtCapacity() {
		t.Errorf("first INDEX %v", index)
	}
	c.send(subscribeFrame("v=0"))
	sub := c.expect(wire.Frame_SUBSCRIBE_ACK).GetSubscribeAck()
	if sub.GetSdpAnswer() != "answer to v=0" || sub.GetCompressedSdpAnswer() != nil || sub.GetDuplex() != wire.Service_RX {
		t.Errorf("SUBSCRIBE_ACK %v", sub)
	}
	v.media.after(t, before).up()
	row := c.sees(p.wire("ada"))
	if row.GetAudioStreamId() == 0 || row.GetExternalUserId() != "ada" || row.Muted == nil || row.GetMuted() {
		t.Errorf("own row %v", row)
	}
	p.facts("ada", meeting.Authorized, meeting.Joined)
	if l := v.server.Load(p.id); l.Connected != 1 || l.Failures != 0 {
		t.Errorf("load %+v", l)
	}
}

func TestLeave(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	row := ada.sees(p.wire("bob"))
	bob.send(leaveFrame())
	bob.expect(wire.Frame_LEAVE_ACK)
	bob.ws.CloseNow()
	if gone := ada.seesGone(row.GetAudioStreamId()); gone.Dropped != nil {
		t.Error("leaving was shown as dropping")
	}
	bob.peer.isClosed(t)
	p.facts("bob", meeting.Authorized, meeting.Joined, meeting.Left)
}

// TestLeaveWithoutClosing: a client that says LEAVE and does not close is
// closed.
func TestLeaveWithoutClosing(t *testing.T) {
	v := newEnv(t, nil)
	c := v.meet("ada").join("ada")
	c.send(leaveFrame())
	c.expect(wire.Frame_LEAVE_ACK)
	if code := c.ended(); code != closeDone {
		t.Errorf("closed with %d", code)
	}
}

func TestTwoSeeEachOther(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada := p.join("ada")
	bob := p.open("bob")
	roster := p.joinWith(bob, "bob").GetRoster().GetStreams()
	if len(roster) != 2 {
		t.Errorf("bob's first roster has %d rows, want both", len(roster))
	}
	ada.sees(p.wire("bob"))
	ada.get("INDEX with two people", func(f *wire.Frame) bool { return f.GetIndex().GetNumParticipants() == 2 })
}

func TestTheRosterIsInTheOrderOfComing(t *testing.T) {
	names := []string{"nell", "ada", "zoe", "bob", "cleo", "mia"}
	p := newEnv(t, nil).meet(names...)
	var want []string
	for _, name := range names {
		c := p.join(name)
		want = append(want, p.wire(name))
		var got []string
		for _, row := range c.first {
			got = append(got, row.GetAttendeeId())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s is told %v, want %v", name, got, want)
		}
	}
}

func TestTURNCredentials(t *testing.T) {
	var asked string
	v := newEnv(t, func(c *Config) {
		c.TURN = func(id string) TURN {
			asked = id
			return TURN{"user", "secret", time.Hour, []string{"turn:h:3478?transport=udp"}}
		}
	})
	p := v.meet("ada")
	got := p.open("ada").joinOnly(v).GetJoinAck().GetTurnCredentials()
	if got.GetUsername() != "user" || got.GetPassword() != "secret" || got.GetTtl() != 3600 || len(got.GetUris()) != 1 || asked != p.wire("ada") {
		t.Errorf("credentials %v for %q", got, asked)
	}
}

func TestAdaption(t *testing.T) {
	tests := []struct {
		name      string
		asks      *wire.Adaption
		supports  []wire.Adaption
		want      *wire.Adaption
		wantMedia bool
	}{
		{"all-highest policy", wire.Adaption_DEFAULT.Enum(), nil, nil, false},
		{"priority policy", wire.Adaption_FULL.Enum(), []wire.Adaption{2, 3, 4}, wire.Adaption_FULL.Enum(), true},
		{"leaves it to us", wire.Adaption_DEFAULT.Enum(), []wire.Adaption{2, 3, 4}, wire.Adaption_FULL.Enum(), true},
		{"none", wire.Adaption_NONE.Enum(), []wire.Adaption{2, 3, 4}, nil, false},
		{"probing", wire.Adaption_PROBING.Enum(), []wire.Adaption{2, 3, 4}, wire.Adaption_PROBING.Enum(), false},
	}
	v := newEnv(t, nil)
	p := v.meet("ada")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := v.media.count()
			c := p.open("ada")
			f := joinFrame(c.session)
			f.Join.Adaption, f.Join.SupportedAdaptions = tt.asks, tt.supports
			c.send(f)
			got := c.expect(wire.Frame_JOIN_ACK).GetJoinAck().DefaultAdaption
			if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
				t.Errorf("answered %v, want %v", got, tt.want)
			}
			if v.media.after(t, before).cfg.ServerSideAdaption != tt.wantMedia {
				t.Errorf("media adapts: %v", !tt.wantMedia)
			}
		})
	}
}

func TestPeerConfig(t *testing.T) {
	features := &meeting.Features{VideoMax: "FHD", ContentMax: "UHD", MaxCount: 10}
	v := newEnv(t, nil)
	p := v.meetWith(meeting.NewMeeting{Features: features}, "ada")
	base, content := p.join("ada"), p.join("ada#content")
	b, s := base.peer.cfg, content.peer.cfg
	if b.AttendeeID != p.wire("ada") || b.Owner != b.AttendeeID || b.Content || b.ExternalUserID != "ada" || b.AudioStreamID == 0 || b.MaxVideo.Height != 1080 {
		t.Errorf("base session: %+v", b)
	}
	if s.AttendeeID != p.wire("ada#content") || s.Owner != b.AttendeeID || !s.Content || s.MaxVideo.Height != 2160 || s.AudioStreamID <= b.AudioStreamID {
		t.Errorf("content session: %+v", s)
	}
	if s.Permissions.VideoReceive || s.Permissions.AudioReceive || !s.Permissions.VideoSend {
		t.Errorf("content session may %+v", s.Permissions)
	}
}

func TestIdleSocketsEnd(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Idle = 20 * time.Millisecond })
	p := v.meet("ada")
	if code := p.open("ada").ended(); code != closeDone {
		t.Errorf("closed with %d", code)
	}
	eventually(t, func() bool { return len(v.server.Sessions(p.id)) == 0 }, func() string {
		return fmt.Sprintf("a socket that never joined is shown: %+v", v.server.Sessions(p.id))
	})
}

func TestNeverConnected(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Connect = 30 * time.Millisecond })
	p := v.meet("ada")
	c := p.open("ada")
	c.joinOnly(v)
	c.send(subscribeFrame("offer"))
	c.expect(wire.Frame_SUBSCRIBE_ACK)
	if code := c.ended(); code != closeRetry {
		t.Errorf("closed with %d", code)
	}
	c.peer.isClosed(t)
	var got []observe.Session
	eventually(t, func() bool {
		got = v.server.Sessions(p.id)
		return len(got) == 1 && got[0].State == observe.Failed
	}, func() string { return "the failed join is not shown" })
	last := got[0].Steps[len(got[0].Steps)-1]
	if last.Name != observe.StepICE || !strings.Contains(last.Fault, "media port") {
		t.Errorf("failed step %+v", last)
	}
	eventually(t, func() bool { return v.server.Load(p.id).Failures == 1 }, func() string { return "the failure is not counted" })
	p.facts("ada", meeting.Authorized)
}

func TestProtocolViolations(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	t.Run("SUBSCRIBE before JOIN", func(t *testing.T) {
		c := p.open("ada")
		c.send(subscribeFrame("offer"))
		if f := c.expect(wire.Frame_SUBSCRIBE_ACK); f.GetError().GetStatus() != 400 {
			t.Errorf("answered %v", f)
		}
		c.ended()
	})
	t.Run("JOIN twice", func(t *testing.T) {
		c := p.join("ada")
		c.send(joinFrame(c.session))
		if f := c.get("error", func(f *wire.Frame) bool { return f.GetError() != nil }); f.GetError().GetStatus() != 400 {
			t.Errorf("answered %v", f)
		}
		c.ended()
	})
	t.Run("malformed messages", func(t *testing.T) {
		c := p.join("ada")
		for range maxMalformed {
			c.sendRaw([]byte{wire.Prefix, 0xff})
		}
		c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(7)}})
		c.get("pong", func(f *wire.Frame) bool { return f.GetPingPong().GetPingId() == 7 })
		c.sendRaw([]byte{wire.Prefix, 0xff})
		c.get("error", func(f *wire.Frame) bool { return f.GetError().GetStatus() == 400 })
		c.ended()
	})
	t.Run("a large message before JOIN", func(t *testing.T) {
		c := p.open("ada")
		c.sendRaw(make([]byte, maxBeforeJoin+1))
		c.ended()
	})
	t.Run("a flood", func(t *testing.T) {
		c := p.join("ada")
		ping := mustEncode(&wire.Frame{TimestampMs: proto.Uint64(1), Type: wire.Frame_CLIENT_METRIC.Enum()})
		for range frameBurst + 2*frameRate {
			if c.trySendRaw(ping) != nil {
				break
			}
		}
		c.get("error", func(f *wire.Frame) bool { return f.GetError().GetStatus() == 429 })
		c.ended()
	})
	t.Run("unknown frames and text are ignored", func(t *testing.T) {
		c := p.join("ada")
		c.sendRaw([]byte{wire.Prefix, 0x08, 0x01, 0x10, 0x63})
		c.sendText("hello")
		c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(9)}})
		c.get("pong", func(f *wire.Frame) bool { return f.GetPingPong().GetPingId() == 9 })
	})
}
