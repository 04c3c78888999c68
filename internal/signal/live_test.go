package signal

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/logtest"
	"github.com/carillon-meetings/carillon/internal/meeting"
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
	want := ClientTiming{Socket: 20e6, JoinAck: 30e6, SubscribeAck: 70e6, ICEConnected: 90e6, FirstAudio: 110e6}
	var one Session
	eventually(t, func() bool {
		all := v.server.Sessions(p.id)
		if len(all) != 1 {
			return false
		}
		one = all[0]
		return one.Timing == want && len(one.Samples) > 0 && len(one.Steps) == len(stepOrder)
	}, func() string { return fmt.Sprintf("shown as %+v", one) })
	if one.Attendee != p.ids["ada"] || one.State != SessionConnected || one.Client != "chrome 156, test" || !one.Remote.IsLoopback() ||
		one.Opened.IsZero() || !one.Ended.IsZero() || one.Muted || one.Signal != goodSignal || one.Stats.PacketsIn != 7 || one.Samples[0].LossIn != 1.5 {
		t.Errorf("shown as %+v", one)
	}
	for i, name := range stepOrder {
		if one.Steps[i].Name != name || one.Steps[i].At.IsZero() || one.Steps[i].Fault != "" {
			t.Errorf("step %d is %+v, want %s", i, one.Steps[i], name)
		}
	}
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	eventually(t, func() bool {
		one = v.server.Sessions(p.id)[0]
		return one.State == SessionLeft && !one.Ended.IsZero()
	}, func() string { return fmt.Sprintf("shown as %+v", one) })
	if l := v.server.Load(p.id); l.Connected != 0 || l.AttendeeTime <= 0 {
		t.Errorf("load %+v", l)
	}
	p.join("bob")
	p.end()
	eventually(t, func() bool {
		b, _ := v.server.find(p.id)
		return b == nil
	}, func() string { return "the meeting is not retired" })
	if all := v.server.Sessions(p.id); len(all) != 2 || all[1].State != SessionRemoved || all[1].Samples != nil {
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
	refused(t, v.dial(p.id, p.token("ada-external")[:90]))
	p.end()
	refused(t, p.open("ada-external"))
	if !log.Contains("connected") {
		t.Error("nothing was logged")
	}
	for _, secret := range []string{"external", p.token("ada-external")[:40], p.token("bob-external")[40:]} {
		if log.Contains(secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

func TestHistoryBounded(t *testing.T) {
	h := newHistory()
	at := time.Unix(1_700_000_000, 0)
	add := func(attendee byte, state SessionState) {
		r := h.start(memberKey{attendee: meeting.ID{attendee}}, netip.Addr{}, at)
		at = at.Add(time.Second)
		r.end(state, at, "")
		h.settle(r)
	}
	for range 5 {
		add(1, SessionFailed)
	}
	add(2, SessionLeft)
	if got := h.sessions().sessions; len(got) != maxEndedEach+1 || h.failures != 5 || got[maxEndedEach].Attendee != (meeting.ID{2}) {
		t.Errorf("%d kept, %d failures", len(got), h.failures)
	}
	for i := range 2 * maxEnded {
		r := h.start(memberKey{attendee: meeting.ID{byte(i), byte(i >> 8), 9}}, netip.Addr{}, at)
		r.end(SessionLeft, at, "")
		h.settle(r)
	}
	if got := len(h.sessions().sessions); got != maxEnded || len(h.open) != 0 {
		t.Errorf("%d kept, %d open", got, len(h.open))
	}
	p := newPast()
	for i := range maxPast + 3 {
		p.add(meeting.ID{byte(i), byte(i >> 8)}, pastMeeting{sessions: make([]Session, 1)})
	}
	if len(p.of) != maxPast || len(p.order) != maxPast {
		t.Errorf("%d meetings kept", len(p.of))
	}
	var r refusals
	for i := range maxRefusals + 2 {
		r.add(Refusal{Words: fmt.Sprint(i)})
	}
	if got := r.of(meeting.ID{}); len(got) != maxRefusals || got[0].Words != "2" || got[maxRefusals-1].Words != fmt.Sprint(maxRefusals+1) {
		t.Errorf("%d refusals kept, from %q", len(got), got[0].Words)
	}
	var samples ring[int]
	for i := range maxSamples + 2 {
		samples.add(i)
	}
	if got := samples.all(); len(got) != maxSamples || got[0] != 2 || !slices.IsSorted(got) {
		t.Errorf("ring %v", got)
	}
}

func TestLineKeepsOrder(t *testing.T) {
	var running sync.WaitGroup
	l := line{running: &running}
	var got []int
	for i := range 1000 {
		l.push(func() { got = append(got, i) })
	}
	running.Wait()
	if len(got) != 1000 || !slices.IsSorted(got) {
		t.Errorf("%d ran, in order: %v", len(got), slices.IsSorted(got))
	}
}

func TestConfigRefused(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a door without control and media was built")
	}
}
