package signal

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// replicaOf creates a replica of a meeting with these users.
func (p *party) replicaOf(users ...string) *party {
	return p.v.meetWith(meeting.NewMeeting{PrimaryID: p.id.String()}, users...)
}

// promote asks to take part in the primary meeting as the user.
func (c *client) promote(primary *party, user, token string) *wire.Frame {
	c.t.Helper()
	c.send(&wire.Frame{Type: wire.Frame_PRIMARY_MEETING_JOIN.Enum(), PrimaryJoin: &wire.PrimaryJoin{Credentials: &wire.Credentials{
		AttendeeId: proto.String(primary.wire(user)), ExternalUserId: proto.String(user), JoinToken: proto.String(token),
	}}})
	return c.expect(wire.Frame_PRIMARY_MEETING_JOIN_ACK)
}

func TestReplica(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	r := p.replicaOf("fan")
	ada := p.join("ada")
	fan := r.open("fan")
	roster := r.joinWith(fan, "fan").GetRoster().GetStreams()
	if len(roster) != 2 {
		t.Errorf("the replica's roster is %v, want ada and the fan", roster)
	}
	if fan.peer.room != ada.peer.room {
		t.Error("the replica has other media than its primary")
	}
	fan.permitted(media.Permissions{AudioReceive: true, VideoReceive: true, ContentReceive: true})
	bob := p.open("bob")
	if roster := p.joinWith(bob, "bob").GetRoster().GetStreams(); len(roster) != 2 {
		t.Errorf("the primary's roster is %v, want ada and bob", roster)
	}
	fan.sees(p.wire("bob"))
	ada.send(dataFrameOf("chat", "hello", 0))
	if m := fan.message(); string(m.GetData()) != "hello" {
		t.Errorf("message in the replica: %v", m)
	}
	fan.send(dataFrameOf("chat", "from the replica", 0))
	if m := fan.message(); m.GetIngestTimeNs() != 0 {
		t.Errorf("a replica's message was taken: %v", m)
	}
	r.facts("fan", meeting.Authorized, meeting.Joined)
	other := r.join("fan") // from another device; nobody in the primary hears of it
	fan.status(301)
	other.send(leaveFrame())
	other.expect(wire.Frame_LEAVE_ACK)
	bob.send(muteFrame(true))
	next := ada.get("roster rows", func(f *wire.Frame) bool {
		rows := f.GetRoster().GetStreams()
		return len(rows) > 0 && rows[0].GetAttendeeId() != p.wire("bob")
	}).GetRoster().GetStreams()
	if len(next) != 1 || next[0].Muted == nil {
		t.Errorf("the primary was told %v of the replica's attendee", next)
	}
	r.join("fan")
	if l := v.server.Load(p.id); l.Connected != 2 {
		t.Errorf("%d connected to the primary, want 2", l.Connected)
	}
	if l := v.server.Load(r.id); l.Connected != 1 {
		t.Errorf("%d connected to the replica, want 1", l.Connected)
	}
}

func TestPromotion(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "guest")
	r := p.replicaOf("fan")
	ada, fan := p.join("ada"), r.join("fan")
	if ack := fan.promote(p, "guest", p.token("guest")); ack.GetError() != nil || ack.PrimaryJoinAck == nil {
		t.Fatalf("promotion refused: %v", ack)
	}
	row := ada.sees(p.wire("guest"))
	if row.GetExternalUserId() != "guest" {
		t.Errorf("shown as %v", row)
	}
	fan.permitted(media.Permissions{AudioSend: true, AudioReceive: true, VideoSend: true, VideoReceive: true, ContentReceive: true})
	p.facts("guest", meeting.Authorized, meeting.Joined)

	fan.peer.event(media.PeerEvents.VideoStarted)
	ada.peer.with(func(q *fakePeer) {
		q.index = media.Index{Sources: []media.Source{{StreamID: 2, GroupID: 1, AttendeeID: r.wire("fan"), ExternalUserID: "fan"}}}
	})
	ada.peer.event(media.PeerEvents.SourcesChanged)
	x := ada.get("the guest's video", func(f *wire.Frame) bool { return len(f.GetIndex().GetSources()) == 1 }).GetIndex().GetSources()[0]
	if x.GetAttendeeId() != p.wire("guest") || x.GetExternalUserId() != "guest" {
		t.Errorf("video shown as %v", x)
	}
	fan.send(dataFrameOf("chat", "now heard", 0))
	if m := ada.message(); m.GetSenderAttendeeId() != p.wire("guest") {
		t.Errorf("message %v", m)
	}

	fan.send(&wire.Frame{Type: wire.Frame_PRIMARY_MEETING_LEAVE.Enum(), PrimaryLeave: &wire.PrimaryLeave{}})
	if gone := ada.seesGone(row.GetAudioStreamId()); gone.GetDropped() {
		t.Error("demotion was shown as dropping")
	}
	fan.permitted(media.Permissions{AudioReceive: true, VideoReceive: true, ContentReceive: true})
	p.facts("guest", meeting.Authorized, meeting.Joined, meeting.VideoStarted, meeting.VideoStopped, meeting.Left)
	fan.send(leaveFrame())
	fan.expect(wire.Frame_LEAVE_ACK)
	r.facts("fan", meeting.Authorized, meeting.Joined, meeting.Left)
}

func TestPromotionRefused(t *testing.T) {
	v := newEnv(t, nil)
	p, other := v.meet("ada", "guest"), v.meet("stranger")
	r := p.replicaOf("fan")
	ada, fan := p.join("ada"), r.join("fan")
	for name, token := range map[string]string{
		"a foreign token": other.token("stranger"), "somebody else's": p.token("ada"), "a content token": p.token("guest#content"), "none": "",
	} {
		if ack := fan.promote(p, "guest", token); ack.GetError().GetStatus() != 403 {
			t.Errorf("%s: %v", name, ack)
		}
	}
	if ack := ada.promote(p, "guest", p.token("guest")); ack.GetError().GetStatus() != 403 {
		t.Errorf("from the primary itself: %v", ack)
	}
}

// TestPromotionEnds: by removal of the primary identity, by its capabilities,
// by loss, and by its owner joining the primary.
func TestPromotionEnds(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "guest", "host")
	r := p.replicaOf("fan", "follower")
	ada, fan, follower := p.join("ada"), r.join("fan"), r.join("follower")
	if ack := fan.promote(p, "guest", p.token("guest")); ack.GetError() != nil {
		t.Fatal(ack)
	}
	id := ada.sees(p.wire("guest")).GetAudioStreamId()
	p.setCaps("guest", caps(meeting.Receive, meeting.SendReceive, meeting.SendReceive))
	if row := ada.row("guest muted", func(r *wire.RosterRow) bool { return r.GetAudioStreamId() == id && r.Muted != nil }); !row.GetMuted() {
		t.Errorf("row %v", row)
	}
	p.remove("guest")
	fan.expect(wire.Frame_PRIMARY_MEETING_LEAVE)
	ada.seesGone(id)

	if ack := fan.promote(p, "host", p.token("host")); ack.GetError() != nil {
		t.Fatal(ack)
	}
	ada.sees(p.wire("host"))
	if ack := follower.promote(p, "host", p.token("host")); ack.GetError() != nil {
		t.Fatal(ack)
	}
	fan.expect(wire.Frame_PRIMARY_MEETING_LEAVE)
	id = ada.sees(p.wire("host")).GetAudioStreamId()
	follower.ws.CloseNow()
	if gone := ada.seesGone(id); !gone.GetDropped() {
		t.Error("loss was shown as leaving")
	}
	p.facts("host", meeting.Authorized, meeting.Joined, meeting.Left, meeting.Authorized, meeting.Joined, meeting.Dropped)
}

// TestSharesOfReplicas: an attendee of a replica shares with nobody, but while
// promoted, and then with the capabilities of both identities.
func TestSharesOfReplicas(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "guest")
	r := p.replicaOf("fan")
	p.join("ada")
	fan := r.join("fan")
	refusedNow := func(when string) {
		t.Helper()
		if f := refused(t, r.open("fan#content")); f.GetError().GetStatus() != 403 {
			t.Errorf("%s: told %v", when, f)
		}
	}
	promote := func() *client {
		t.Helper()
		if ack := fan.promote(p, "guest", p.token("guest")); ack.GetError() != nil {
			t.Fatal(ack)
		}
		share := r.join("fan#content")
		share.permitted(media.Permissions{AudioSend: true, VideoSend: true})
		return share
	}
	ended := func(share *client) {
		t.Helper()
		share.status(403)
		share.peer.isClosed(t)
	}
	refusedNow("before")
	share := promote()
	fan.send(&wire.Frame{Type: wire.Frame_PRIMARY_MEETING_LEAVE.Enum(), PrimaryLeave: &wire.PrimaryLeave{}})
	ended(share)
	refusedNow("after leaving the primary")
	share = promote()
	p.setCaps("guest", caps(meeting.SendReceive, meeting.SendReceive, meeting.Receive))
	ended(share)
	refusedNow("without the capability")
	p.setCaps("guest", caps(meeting.SendReceive, meeting.SendReceive, meeting.SendReceive))
	share = promote()
	p.remove("guest")
	ended(share)
}

func TestReplicaEndsWithPrimary(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	r := p.replicaOf("fan")
	ada, fan := p.join("ada"), r.join("fan")
	p.end()
	ada.status(410)
	fan.status(410)
}

func TestReplicaEndsAlone(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	r := p.replicaOf("fan")
	p.join("ada")
	fan := r.join("fan")
	r.end()
	fan.status(410)
	p.join("bob")
}
