package signal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/logtest"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func TestDeleteAttendee(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	share := p.join("ada#content")
	row, shareRow := bob.found(p.wire("ada")), bob.sees(p.wire("ada#content"))
	p.remove("ada")
	ada.status(411)
	share.status(411)
	ada.peer.isClosed(t)
	share.peer.isClosed(t)
	gone := map[uint32]bool{row.GetAudioStreamId(): true, shareRow.GetAudioStreamId(): true}
	for len(gone) > 0 {
		r := bob.row("ada or her share gone", func(r *wire.RosterRow) bool {
			return gone[r.GetAudioStreamId()] && r.AttendeeId == nil && r.Muted == nil
		})
		if r.GetDropped() {
			t.Error("removal was shown as dropping")
		}
		delete(gone, r.GetAudioStreamId())
	}
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	if code := share.ended(); code != closeForbidden { // it said nothing
		t.Errorf("content session closed with %d", code)
	}
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined, meeting.Left, meeting.ContentLeft)
	unavailableTo(t, v.dial(p.id, p.token("ada")))
}

func TestDeleteMeeting(t *testing.T) {
	var log logtest.Buffer
	v := newEnv(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	p := v.meet("ada", "bob")
	ada, bob, share := p.join("ada"), p.join("bob"), p.join("bob#content")
	ada.peer.event(media.PeerEvents.VideoStarted)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.VideoStarted)
	room := ada.peer.room
	p.end()
	for _, c := range []*client{ada, bob, share} {
		c.status(410)
		c.peer.isClosed(t)
	}
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	if code := bob.ended(); code != closeEnded {
		t.Errorf("closed with %d", code)
	}
	eventually(t, room.closed.Load, func() string { return "the room stays open" })
	// What the end means for her is in the meeting's own log.
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.VideoStarted)
	if log.Contains("not recorded") {
		t.Error("facts were sent after the end")
	}
	sessions := v.server.Sessions(p.id)
	if len(sessions) != 3 || sessions[0].State != observe.Removed || sessions[0].Reason != "the meeting ended" {
		t.Errorf("remembered: %+v", sessions)
	}
}

// TestKickIsPrompt measures from the API's answer to the frame at the client.
func TestKickIsPrompt(t *testing.T) {
	v := newEnv(t, nil)
	const people = 50
	var users []string
	for i := range people {
		users = append(users, fmt.Sprint("user", i))
	}
	p := v.meet(users[:20]...)
	results, err := v.control.CreateAttendees(context.Background(), owner, p.id, func() (out []meeting.NewAttendee) {
		for _, u := range users[20:] {
			out = append(out, meeting.NewAttendee{ExternalUserID: u})
		}
		return out
	}())
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		p.ids[users[20+i]] = r.Attendee.ID
	}
	var clients []*client
	for _, u := range users {
		clients = append(clients, p.join(u))
	}
	var took []time.Duration
	for i, u := range users[:people/2] {
		p.remove(u)
		answered := time.Now()
		clients[i].status(411)
		took = append(took, time.Since(answered))
	}
	p.end()
	answered := time.Now()
	for _, c := range clients[people/2:] {
		c.status(410)
		took = append(took, time.Since(answered))
	}
	slices.Sort(took)
	t.Logf("kicked after p50 %v, max %v", took[len(took)/2], took[len(took)-1])
	if worst := took[len(took)-1]; worst > time.Second { // the target is 100 ms; this machine is shared
		t.Errorf("the slowest was told after %v", worst)
	}
}

func TestDropped(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	row := ada.sees(p.wire("bob"))
	bob.ws.CloseNow()
	if gone := ada.seesGone(row.GetAudioStreamId()); !gone.GetDropped() {
		t.Error("a lost connection was shown as leaving")
	}
	bob.peer.isClosed(t)
	p.facts("bob", meeting.Authorized, meeting.Joined, meeting.Dropped)
	eventually(t, func() bool { return v.server.Sessions(p.id)[1].State == observe.Dropped }, func() string {
		return fmt.Sprintf("shown as %+v", v.server.Sessions(p.id))
	})
}

// TestReconnect: the same client is back in time, and nobody has seen it go.
func TestReconnect(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.Dropped = time.Minute })
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	before := ada.sees(p.wire("bob")).GetAudioStreamId()
	bob.ws.CloseNow()
	again := p.open("bob")
	again.session = bob.session
	roster := p.joinWith(again, "bob").GetRoster().GetStreams()
	if len(roster) != 2 {
		t.Errorf("roster after reconnecting: %v", roster)
	}
	bob.peer.isClosed(t)
	var rows []*wire.RosterRow
	ada.get("bob's new row", func(f *wire.Frame) bool {
		rows = f.GetRoster().GetStreams()
		return len(rows) > 0
	})
	if len(rows) != 2 || rows[0].GetAttendeeId() != p.wire("bob") || rows[0].GetAudioStreamId() <= before ||
		rows[1].GetAudioStreamId() != before || rows[1].AttendeeId != nil || rows[1].Dropped != nil {
		t.Errorf("told of the reconnect with %v", rows)
	}
	again.send(leaveFrame())
	again.expect(wire.Frame_LEAVE_ACK)
	p.facts("bob", meeting.Authorized, meeting.Joined, meeting.Authorized, meeting.Left)
}

func TestSecondDevice(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	bob, phone := p.join("bob"), p.join("ada")
	bob.sees(p.wire("ada"))
	laptop := p.join("ada")
	phone.status(301)
	phone.peer.isClosed(t)
	phone.send(leaveFrame())
	phone.expect(wire.Frame_LEAVE_ACK)
	bob.sees(p.wire("ada"))
	if l := v.server.Load(p.id); l.Connected != 2 {
		t.Errorf("%d connected, want 2", l.Connected)
	}
	laptop.send(leaveFrame())
	laptop.expect(wire.Frame_LEAVE_ACK)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.Authorized, meeting.Left)
}

// TestReconnectFails: the client came back, but not all the way.
func TestReconnectFails(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	row := ada.sees(p.wire("bob"))
	bob.ws.CloseNow()
	again := p.open("bob")
	again.session = bob.session
	again.joinOnly(v)
	again.ws.CloseNow()
	if gone := ada.seesGone(row.GetAudioStreamId()); !gone.GetDropped() {
		t.Error("shown as leaving")
	}
	again.peer.isClosed(t)
}

func TestMediaLost(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob", "cleo")
	ada, bob, cleo := p.join("ada"), p.join("bob"), p.join("cleo")
	bobID, cleoID := ada.sees(p.wire("bob")).GetAudioStreamId(), ada.sees(p.wire("cleo")).GetAudioStreamId()

	bob.peer.event(func(e media.PeerEvents) { e.Failed(media.ErrTimeout) })
	if code := bob.ended(); code != closeRetry {
		t.Errorf("closed with %d: the client would not reconnect", code)
	}
	if gone := ada.seesGone(bobID); !gone.GetDropped() {
		t.Error("shown as leaving")
	}
	p.facts("bob", meeting.Authorized, meeting.Joined, meeting.Dropped)

	// The client closes its media before it says LEAVE.
	cleo.peer.event(func(e media.PeerEvents) { e.Failed(media.ErrClosedByClient) })
	cleo.send(leaveFrame())
	cleo.expect(wire.Frame_LEAVE_ACK)
	if gone := ada.seesGone(cleoID); gone.GetDropped() {
		t.Error("leaving was shown as dropping")
	}
	p.facts("cleo", meeting.Authorized, meeting.Joined, meeting.Left)
}

func TestMediaNeverUp(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.open("ada")
	c.joinOnly(v)
	c.send(subscribeFrame("offer"))
	c.expect(wire.Frame_SUBSCRIBE_ACK)
	c.peer.event(func(e media.PeerEvents) {
		e.StepDone(media.StepICE, time.Now())
		e.Failed(media.ErrHandshake)
	})
	if code := c.ended(); code != closeRetry {
		t.Errorf("closed with %d", code)
	}
	var steps []observe.Step
	eventually(t, func() bool {
		s := v.server.Sessions(p.id)
		if len(s) == 0 || s[0].State != observe.Failed {
			return false
		}
		steps = s[0].Steps
		return true
	}, func() string { return "not shown as failed" })
	var names []string
	for _, s := range steps {
		names = append(names, s.Name)
	}
	if want := []string{observe.StepToken, observe.StepSocket, observe.StepJoin, observe.StepSubscribe, observe.StepICE, observe.StepDTLS}; !slices.Equal(names, want) || steps[5].Fault == "" {
		t.Errorf("steps %+v", steps)
	}
}

func TestDrain(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob", "cleo")
	ada, early := p.join("ada"), p.open("bob")
	eventually(t, func() bool { return v.server.Counts().Sockets == 2 }, func() string { return "sockets not open" })
	v.server.Drain()
	for _, c := range []*client{ada, early} {
		if code := c.ended(); code != closeDrain {
			t.Errorf("closed with %d", code)
		}
	}
	if _, resp, err := v.tryDial(p.id.String(), p.token("cleo"), nil); err == nil || resp == nil || resp.StatusCode != 503 {
		t.Errorf("a new connection while draining: %v, %v", resp, err)
	}
}

// Who left before the server closed has left; of the others nothing is written.
func TestCloseLeavesOpenWhatWasOpen(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	p.join("ada#content")
	bob.send(leaveFrame())
	bob.expect(wire.Frame_LEAVE_ACK)
	v.server.Close(context.Background())
	ada.peer.isClosed(t)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined)
	p.facts("bob", meeting.Authorized, meeting.Joined, meeting.Left)
}

// TestCloseDoesNotWaitForever: clients that do not react are cut.
func TestCloseDoesNotWaitForever(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.join("ada")
	c.stopReading()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_ = v.server.Close(ctx)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("closing took %v", took)
	}
}

// TestIdleMeetingEnds: a meeting ends once nobody has been connected for the
// idle time, and not while somebody is.
func TestIdleMeetingEnds(t *testing.T) {
	const idle = 300 * time.Millisecond
	v := newEnvWith(t, control.Config{Idle: idle}, nil)
	p := v.meet("ada")
	ada := p.join("ada")
	<-time.After(2 * idle)
	if _, err := v.control.Authorize(context.Background(), p.id, p.token("ada")); err != nil {
		t.Fatalf("ended with somebody in it: %v", err)
	}
	ada.send(leaveFrame())
	ada.expect(wire.Frame_LEAVE_ACK)
	eventually(t, func() bool {
		_, err := v.control.Authorize(context.Background(), p.id, p.token("ada"))
		return errors.Is(err, control.ErrEnded)
	}, func() string { return "the meeting does not end" })
}
