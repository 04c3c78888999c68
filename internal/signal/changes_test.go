package signal

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func caps(audio, video, content meeting.Access) meeting.Capabilities {
	return meeting.Capabilities{Audio: audio, Video: video, Content: content}
}

func (p *party) setCaps(user string, c meeting.Capabilities) {
	p.v.t.Helper()
	if _, err := p.v.control.UpdateCapabilities(context.Background(), owner, p.id, p.ids[user], c); err != nil {
		p.v.t.Fatal(err)
	}
}

func (c *client) permitted(want media.Permissions) {
	c.t.Helper()
	var got media.Permissions
	eventually(c.t, func() bool {
		c.peer.with(func(p *fakePeer) { got = p.perms })
		return got == want
	}, func() string { return fmt.Sprintf("media lets it %+v, want %+v", got, want) })
}

func TestCapabilities(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	share := p.join("ada#content")
	bob.sees(p.wire("ada#content"))
	id := ada.peer.cfg.AudioStreamID
	ada.peer.event(media.PeerEvents.VideoStarted)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined, meeting.VideoStarted)

	p.setCaps("ada", caps(meeting.Receive, meeting.Receive, meeting.Receive))
	ada.permitted(media.Permissions{AudioReceive: true, VideoReceive: true, ContentReceive: true})
	if row := bob.row("ada muted", func(r *wire.RosterRow) bool { return r.GetAudioStreamId() == id && r.AttendeeId == nil }); !row.GetMuted() {
		t.Errorf("ada's row %v", row)
	}
	told := ada.get("view only", func(f *wire.Frame) bool { return f.GetError() != nil })
	if told.GetError().GetStatus() != 206 || !told.GetIndex().GetAtCapacity() {
		t.Errorf("told %v", told)
	}
	share.status(403)
	share.peer.isClosed(t)
	if f := refused(t, p.open("ada#content")); f.GetError().GetStatus() != 403 {
		t.Errorf("sharing again: %v", f)
	}

	p.setCaps("ada", caps(meeting.SendReceive, meeting.Send, meeting.Send))
	ada.permitted(media.Permissions{AudioSend: true, AudioReceive: true, VideoSend: true})
	if row := bob.row("ada not muted", func(r *wire.RosterRow) bool { return r.GetAudioStreamId() == id && r.Muted != nil }); row.GetMuted() {
		t.Errorf("ada's row %v", row)
	}
	p.join("ada#content")

	except := []meeting.ID{p.ids["ada"]}
	if err := v.control.UpdateCapabilitiesExcept(context.Background(), owner, p.id, except, caps(meeting.None, meeting.None, meeting.None)); err != nil {
		t.Fatal(err)
	}
	bob.permitted(media.Permissions{})
}

// TestCapabilitiesBeforeJoin: changed between opening the socket and JOIN.
func TestCapabilitiesBeforeJoin(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c, share := p.open("ada"), p.open("ada#content")
	eventually(t, func() bool { return v.server.Counts().Sockets == 2 }, func() string { return "sockets not open" })
	p.setCaps("ada", caps(meeting.None, meeting.Receive, meeting.None))
	eventually(t, func() bool {
		meet := v.server.find(p.id)
		meet.conference.mu.Lock()
		defer meet.conference.mu.Unlock()
		n := 0
		for s := range meet.sessions {
			if s.grant.Attendee.Capabilities.Content == meeting.None {
				n++
			}
		}
		return n == 2
	}, func() string { return "the sockets were not told" })
	p.joinWith(c, "ada")
	if row := c.found(p.wire("ada")); !row.GetMuted() {
		t.Errorf("may not speak, and is shown as %v", row)
	}
	c.permitted(media.Permissions{VideoReceive: true})
	if f := refused(t, share); f.GetError().GetStatus() != 403 {
		t.Errorf("sharing: %v", f)
	}
}

func TestTranscriptionStatus(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.join("ada")
	status := func() *wire.TranscriptionStatus {
		m := c.expect(wire.Frame_DATA_MESSAGE).GetData().GetMessages()[0]
		if m.GetTopic() != transcriptionTopic || m.GetIngestTimeNs() == 0 {
			t.Errorf("message %v", m)
		}
		var f wire.TranscriptFrame
		if err := proto.Unmarshal(m.GetData(), &f); err != nil {
			t.Fatal(err)
		}
		return f.GetEvents()[0].GetStatus()
	}
	config := meeting.TranscriptionConfig{JSON: `{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}`, Region: "eu-central-1"}
	if err := v.control.StartTranscription(context.Background(), owner, p.id, config); err != nil {
		t.Fatal(err)
	}
	if st := status(); st.GetType() != wire.TranscriptionStatus_FAILED || st.GetMessage() == "" || st.GetConfiguration() != config.JSON || st.GetEventTime() == 0 {
		t.Errorf("without an engine: %v", st)
	}
}
