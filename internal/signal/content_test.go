package signal

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func TestContentFull(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.join("ada")
	v.media.mu.Lock()
	v.media.full = true
	v.media.mu.Unlock()
	f := refused(t, p.open("ada#content"))
	if f.GetError().GetStatus() != 409 || f.GetJoinAck() == nil {
		t.Errorf("refused with %v", f)
	}
}

func TestContentEndsWithOwner(t *testing.T) {
	for _, how := range []string{"leaves", "is lost"} {
		t.Run(how, func(t *testing.T) {
			v := newEnv(t, nil)
			p := v.meet("ada", "bob")
			p.join("bob")
			ada, share := p.join("ada"), p.join("ada#content")
			ada.sees(p.wire("ada#content")) // the sharer's own connection is told too
			if how == "leaves" {
				ada.send(leaveFrame())
			} else {
				ada.ws.CloseNow()
			}
			share.status(411)
			share.peer.isClosed(t)
		})
	}
}

func TestContentOutlivesReconnect(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Dropped = time.Minute })
	p := v.meet("ada")
	ada, share := p.join("ada"), p.join("ada#content")
	ada.ws.CloseNow()
	again := p.open("ada")
	again.session = ada.session
	roster := p.joinWith(again, "ada").GetRoster().GetStreams()
	if len(roster) != 2 {
		t.Errorf("roster %v, want ada and her share", roster)
	}
	share.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(5)}})
	share.get("pong", func(f *wire.Frame) bool { return f.GetPingPong().GetPingId() == 5 })
}

// TestReloadedPageLosesItsShare: an attendee who comes back as another client
// finds nothing of what the former one shared, nor does anybody else.
func TestReloadedPageLosesItsShare(t *testing.T) {
	for _, how := range []string{"both connections lost", "the share's connection still open", "the main connection still open", "without audio session ids"} {
		t.Run(how, func(t *testing.T) {
			v := newEnv(t, func(c *Config) { c.Timers.Dropped = time.Minute })
			p := v.meet("ada", "bob")
			bob, ada := p.join("bob"), p.open("ada")
			again := uint64(1 << 40)
			if how == "without audio session ids" {
				ada.session, again = 0, 0
			}
			p.joinWith(ada, "ada")
			before := bob.sees(p.wire("ada")).GetAudioStreamId()
			share := p.join("ada#content")
			row := bob.sees(p.wire("ada#content")).GetAudioStreamId()
			lost := 0
			if how != "the main connection still open" {
				ada.ws.CloseNow()
				lost++
			}
			if how != "the share's connection still open" {
				share.ws.CloseNow()
				lost++
			}
			eventually(t, func() bool { return v.server.Counts().Sockets == 3-lost }, func() string { return "not lost" })

			page := p.open("ada")
			page.session = again
			page.joinOnly(v)
			share.peer.with(func(q *fakePeer) {
				if !q.closed {
					t.Error("the share still takes a place when the newcomer is let in")
				}
			})
			if how == "the share's connection still open" {
				share.status(301)
			}
			bob.seesGone(row) // before the newcomer is announced
			page.send(subscribeFrame("offer"))
			page.expect(wire.Frame_SUBSCRIBE_ACK)
			page.peer.up()
			roster := page.expect(wire.Frame_AUDIO_STREAM_ID_INFO).GetRoster().GetStreams()
			if len(roster) != 2 {
				t.Errorf("the newcomer's roster: %v, want ada and bob", roster)
			}
			bob.seesGone(before)
			if l := v.server.Load(p.id); l.Content != 0 || l.Connected != 2 {
				t.Errorf("%+v", l)
			}
			p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined, meeting.ContentLeft, meeting.Authorized)
			next := p.join("ada#content")
			bob.sees(p.wire("ada#content"))
			next.send(leaveFrame())
			next.expect(wire.Frame_LEAVE_ACK)
		})
	}
}

// TestShareAboutToStart: a share whose client is no longer its attendee's does
// not start.
func TestShareAboutToStart(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	p.join("ada")
	share := p.open("ada#content")
	eventually(t, func() bool { return v.sessions(p) == 2 }, func() string { return "the share's socket is not open" })
	other := p.join("ada")
	share.send(joinFrame(share.session))
	share.status(301)
	share.ended()
	p.join("ada#content").send(leaveFrame())
	other.send(leaveFrame())
	other.expect(wire.Frame_LEAVE_ACK)
}

// TestShareEndsOnOtherDevice: who joins from elsewhere leaves the share of the
// first device behind.
func TestShareEndsOnOtherDevice(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	phone, share := p.join("ada"), p.join("ada#content")
	p.join("ada")
	phone.status(301)
	share.status(301)
	share.peer.isClosed(t)
}
