package signal

import (
	"fmt"
	"log/slog"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/logtest"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func TestSessions(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada := p.join("ada")
	start := int64(1_700_000_000_000)
	ms := func(n int64) *int64 { return proto.Int64(start + n) }
	ada.send(&wire.Frame{Type: wire.Frame_MEETING_SESSION_TIMING.Enum(), Timing: &wire.Timing{
		Signaling: []*wire.SignalingTiming{{
			StartMs: ms(0), TransportConnectedMs: ms(20), JoinAckReceivedMs: ms(30), SubscribeAckMs: ms(70), IceConnectedMs: ms(90),
		}},
		RemoteAudio: []*wire.RemoteAudioTiming{{FirstPacketReceivedMs: ms(110)}},
	}})
	want := observe.Timing{Socket: 20e6, JoinAck: 30e6, SubscribeAck: 70e6, ICE: 90e6, FirstAudio: 110e6}
	var one observe.Session
	eventually(t, func() bool {
		all := v.server.Sessions(p.id)
		if len(all) != 1 {
			return false
		}
		one = all[0]
		return one.Timing == want && len(one.Samples) > 0 && len(one.Steps) == len(observe.StepNames()) && one.Now != nil
	}, func() string { return fmt.Sprintf("shown as %+v", one) })
	if one.Attendee != p.ids["ada"] || one.State != observe.Connected || one.Client != "chrome 156, test" || one.Remote != "127.0.0.1" || one.External != "ada" ||
		one.Opened.IsZero() || !one.Ended.IsZero() || one.Muted || one.Now.Signal != goodSignal || one.Now.Stats.PacketsIn != 7 || one.Samples[0].LossIn != 1.5 {
		t.Errorf("shown as %+v", one)
	}
	for i, name := range observe.StepNames() {
		if one.Steps[i].Name != name || one.Steps[i].At.IsZero() || one.Steps[i].Fault != "" {
			t.Errorf("step %d is %+v, want %s", i, one.Steps[i], name)
		}
	}
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	eventually(t, func() bool {
		one = v.server.Sessions(p.id)[0]
		return one.State == observe.Left && !one.Ended.IsZero()
	}, func() string { return fmt.Sprintf("shown as %+v", one) })
	if l := v.server.Load(p.id); l.Connected != 0 || l.AttendeeTime <= 0 {
		t.Errorf("load %+v", l)
	}
	p.join("bob")
	p.end()
	eventually(t, func() bool {
		return v.server.find(p.id) == nil
	}, func() string { return "the meeting is not retired" })
	if all := v.server.Sessions(p.id); len(all) != 2 || all[1].State != observe.Removed || all[1].Samples != nil {
		t.Errorf("remembered %+v", all)
	}
	if l := v.server.Load(p.id); l.AttendeeTime <= 0 || l.Connected != 0 {
		t.Errorf("remembered load %+v", l)
	}
	if len(v.server.Sessions(meeting.ID{1})) != 0 {
		t.Error("sessions of a meeting that never was")
	}
}

// TestNoSecretsLogged looks for tokens and external user ids in everything
// that is logged.
// What becomes of everybody is in the log, and no secret.
func TestNoSecretsLogged(t *testing.T) {
	var log logtest.Buffer
	v := newEnv(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	p := v.meet("ada-external", "bob-external")
	ada, bob := p.join("ada-external"), p.join("bob-external")
	bob.sendRaw([]byte{wire.Prefix, 0xff})
	bob.send(subscribeFrame("offer"))
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	bob.ws.CloseNow()
	p.facts("bob-external", meeting.Authorized, meeting.Joined, meeting.Dropped)
	unavailableTo(t, v.dial(p.id, p.token("ada-external")[:90]))
	p.end()
	refused(t, p.open("ada-external"))
	for _, line := range []string{"msg=connected", "msg=left", "state=left", "state=dropped", `msg="token refused"`} {
		if !log.Contains(line) {
			t.Errorf("no line has %s:\n%s", line, log.String())
		}
	}
	for _, secret := range []string{"external", p.token("ada-external")[:40], p.token("bob-external")[40:]} {
		if log.Contains(secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a door without control and media was built")
	}
}
