package signal

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

func muteFrame(muted bool) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_AUDIO_CONTROL.Enum(), AudioControl: &wire.AudioControl{Muted: proto.Bool(muted)}}
}

func TestMute(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	id := bob.found(p.wire("ada")).GetAudioStreamId()
	for _, muted := range []bool{true, false} {
		ada.send(muteFrame(muted))
		row := bob.row("mute change", func(r *wire.RosterRow) bool { return r.GetAudioStreamId() == id && r.AttendeeId == nil })
		if row.Muted == nil || row.GetMuted() != muted {
			t.Errorf("told %v, want muted %v", row, muted)
		}
		eventually(t, func() (ok bool) {
			ada.peer.with(func(p *fakePeer) { ok = p.muted == muted })
			return ok
		}, func() string { return "media was not told" })
	}
}

// TestJoinsMuted: the state given with the first offer is in the first row.
func TestJoinsMuted(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.open("ada")
	c.joinOnly(v)
	f := subscribeFrame("offer")
	f.Subscribe.AudioMuted = proto.Bool(true)
	c.send(f)
	c.expect(wire.Frame_SUBSCRIBE_ACK)
	c.peer.up()
	if row := c.sees(p.wire("ada")); !row.GetMuted() {
		t.Errorf("announced as %v", row)
	}
}

// levelsOf waits for a frame with volumes for which ok holds.
func levelsOf(c *client, what string, ok func(map[uint32]*wire.AudioLevel) bool) {
	c.t.Helper()
	c.get(what, func(f *wire.Frame) bool {
		if f.GetType() != wire.Frame_AUDIO_METADATA {
			return false
		}
		rows := make(map[uint32]*wire.AudioLevel)
		for _, l := range f.GetAudioLevels().GetLevels() {
			rows[l.GetAudioStreamId()] = l
		}
		return ok(rows)
	})
}

func TestLevels(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	a, b := ada.peer.cfg.AudioStreamID, bob.peer.cfg.AudioStreamID
	set := func(c *client, level, signal uint8) {
		c.peer.with(func(p *fakePeer) { p.level, p.signal = level, signal })
	}
	set(ada, 20, 2)
	set(bob, 60, 2) // too quiet to show
	levelsOf(bob, "ada speaking", func(rows map[uint32]*wire.AudioLevel) bool {
		return len(rows) == 1 && rows[a].GetVolume() == 20 && rows[a].SignalStrength == nil
	})
	ada.send(muteFrame(true))
	levelsOf(bob, "silence", func(rows map[uint32]*wire.AudioLevel) bool {
		return len(rows) == 1 && rows[0] != nil && rows[0].GetVolume() == silence
	})
	ada.send(muteFrame(false))
	levelsOf(bob, "ada speaking again", func(rows map[uint32]*wire.AudioLevel) bool { return rows[a].GetVolume() == 20 })
	p.setCaps("ada", caps(meeting.Receive, meeting.Receive, meeting.Receive))
	levelsOf(bob, "silence by capability", func(rows map[uint32]*wire.AudioLevel) bool { return len(rows) == 1 && rows[0] != nil })
	set(bob, 60, 1)
	levelsOf(ada, "bob's weak signal", func(rows map[uint32]*wire.AudioLevel) bool {
		return len(rows) == 1 && rows[b].GetSignalStrength() == 1 && rows[b].Volume == nil
	})
	set(bob, 60, 2)
	levelsOf(ada, "bob's good signal", func(rows map[uint32]*wire.AudioLevel) bool {
		return len(rows) == 1 && rows[0].SignalStrength != nil && rows[0].Volume == nil
	})
}

// Clients keep what they were told of somebody who is away. Who comes back and is
// well heard from the first moment on is not taken for badly connected any more,
// nor by itself.
func TestWhoComesBackIsWellConnected(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	ada.peer.with(func(p *fakePeer) { p.level, p.signal = 60, 0 })
	levelsOf(bob, "ada's weak signal", func(rows map[uint32]*wire.AudioLevel) bool {
		row := rows[ada.peer.cfg.AudioStreamID]
		return row != nil && row.SignalStrength != nil && row.GetSignalStrength() == 0
	})
	ada.send(leaveFrame())
	meet := v.server.find(p.id)
	eventually(t, func() bool {
		meet.conference.mu.Lock()
		defer meet.conference.mu.Unlock()
		return len(meet.conference.byAudioID) == 1
	}, func() string { return "who has left stays" })
	ticks := func() uint64 {
		v.server.mu.Lock()
		defer v.server.mu.Unlock()
		return v.server.ticks
	}
	gone := ticks()
	eventually(t, func() bool { return ticks() > gone+1 }, func() string { return "no tick has seen that nobody is weak" })
	again := p.join("ada")
	for name, c := range map[string]*client{"bob": bob, "ada herself": again} {
		levelsOf(c, name+" is told that ada's signal is good", func(rows map[uint32]*wire.AudioLevel) bool {
			return rows[0] != nil && rows[0].SignalStrength != nil && rows[0].GetSignalStrength() == goodSignal
		})
	}
}

// TestTickerRests: nothing runs while nobody is in a meeting.
func TestTickerRests(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	running := func() bool {
		v.server.mu.Lock()
		defer v.server.mu.Unlock()
		return v.server.ticker != nil
	}
	c := p.join("ada")
	eventually(t, running, func() string { return "the ticker does not run" })
	c.send(leaveFrame())
	eventually(t, func() bool { return !running() }, func() string { return "the ticker runs on" })
	p.join("ada")
	eventually(t, running, func() string { return "the ticker does not run again" })
}

func TestIndex(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob")
	ada, bob := p.join("ada"), p.join("bob")
	source := media.Source{
		StreamID: 7, GroupID: 6, MaxKbps: 1500, AvgBps: 900_000, Framerate: 15, Width: 640, Height: 360,
		AttendeeID: p.wire("bob"), ExternalUserID: "bob",
	}
	ada.peer.with(func(p *fakePeer) {
		p.index = media.Index{Sources: []media.Source{source}, PausedAtSource: []uint32{7}, Codecs: []media.Codec{media.CodecVP8, media.CodecH264}}
	})
	for range 5 { // a burst of changes is one INDEX
		ada.peer.event(media.PeerEvents.SourcesChanged)
	}
	x := ada.get("INDEX with a source", func(f *wire.Frame) bool { return len(f.GetIndex().GetSources()) > 0 }).GetIndex()
	want := &wire.Stream{
		StreamId: proto.Uint32(7), GroupId: proto.Uint32(6), MaxBitrateKbps: proto.Uint32(1500), AvgBitrateBps: proto.Uint32(900_000),
		Framerate: proto.Uint32(15), Width: proto.Uint32(640), Height: proto.Uint32(360), MediaType: wire.Media_VIDEO.Enum(),
		AttendeeId: proto.String(p.wire("bob")), ExternalUserId: proto.String("bob"),
	}
	if !proto.Equal(x.GetSources()[0], want) {
		t.Errorf("source %v, want %v", x.GetSources()[0], want)
	}
	if !slices.Equal(x.GetPausedAtSourceIds(), []uint32{7}) || !slices.Equal(x.GetCodecs(), []wire.Codec{wire.Codec_VP8, wire.Codec_H264_CONSTRAINED_BASELINE}) ||
		x.GetNumParticipants() != 2 {
		t.Errorf("INDEX %v", x)
	}
	// Nothing new: nothing is sent. Something else: it is.
	ada.peer.event(media.PeerEvents.SourcesChanged)
	meet := v.server.find(p.id)
	eventually(t, func() bool { // until that has been looked at
		looked := make(chan bool, 1)
		ada.peer.event(func(media.PeerEvents) {
			meet.conference.mu.Lock()
			defer meet.conference.mu.Unlock()
			looked <- meet.conference.index.timer == nil && len(meet.conference.index.dirty) == 0
		})
		return <-looked
	}, func() string { return "the index is never flushed" })
	ada.peer.with(func(p *fakePeer) { p.index.AtCapacity = true })
	ada.peer.event(media.PeerEvents.SourcesChanged)
	next := ada.get("next INDEX", func(f *wire.Frame) bool { return f.GetType() == wire.Frame_INDEX })
	if !next.GetIndex().GetAtCapacity() {
		t.Errorf("an unchanged INDEX was sent again: %v", next)
	}
	bob.send(leaveFrame())
	bob.expect(wire.Frame_LEAVE_ACK)
	ada.get("INDEX with one person", func(f *wire.Frame) bool { return f.GetIndex().GetNumParticipants() == 1 })
}

func TestSubscribeAck(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.join("ada")
	c.peer.with(func(p *fakePeer) {
		p.answer = media.Answer{
			Allocations: []media.Allocation{{StreamID: 11, GroupID: 10}, {StreamID: 12, GroupID: 10}},
			Tracks:      []media.TrackMapping{{StreamID: 5, SSRC: 99, Label: "v_2"}}, VideoRefused: true,
		}
	})
	f := subscribeFrame("second")
	f.Subscribe.Duplex = wire.Service_DUPLEX.Enum()
	f.Subscribe.ReceiveStreamIds = []uint32{0, 5}
	f.Subscribe.SendStreams = append(f.Subscribe.SendStreams,
		&wire.Stream{MediaType: wire.Media_VIDEO.Enum(), MaxBitrateKbps: proto.Uint32(300), Framerate: proto.Uint32(15)},
		&wire.Stream{MediaType: wire.Media_VIDEO.Enum(), MaxBitrateKbps: proto.Uint32(0)})
	f.Subscribe.VideoSubscriptions = []*wire.VideoSubscription{{Mid: proto.String("2"), GroupId: proto.Uint32(4), Priority: proto.Uint32(9), TargetBitrateKbps: proto.Uint32(600)}}
	c.send(f)
	ack := c.expect(wire.Frame_SUBSCRIBE_ACK)
	a := ack.GetSubscribeAck()
	if ack.GetError().GetStatus() != 206 || a.GetDuplex() != wire.Service_DUPLEX || a.GetSdpAnswer() != "answer to second" {
		t.Errorf("ack %v", ack)
	}
	if len(a.GetAllocations()) != 2 || a.GetAllocations()[1].GetStreamId() != 12 || a.GetAllocations()[1].GetGroupId() != 10 {
		t.Errorf("allocations %v", a.GetAllocations())
	}
	if tr := a.GetTracks(); len(tr) != 1 || tr[0].GetStreamId() != 5 || tr[0].GetSsrc() != 99 || tr[0].GetTrackLabel() != "v_2" {
		t.Errorf("tracks %v", tr)
	}
	var o media.Offer
	c.peer.with(func(p *fakePeer) { o = p.offers[1] })
	wantVideo := []media.VideoDescriptor{{MaxKbps: 300, Framerate: 15}, {}}
	if !o.Duplex || !slices.Equal(o.SendVideo, wantVideo) || !slices.Equal(o.ReceiveStreamIDs, []uint32{0, 5}) ||
		len(o.Subscriptions) != 1 || o.Subscriptions[0] != (media.VideoSubscription{Mid: "2", GroupID: 4, Priority: 9, TargetKbps: 600}) {
		t.Errorf("offer given to media: %+v", o)
	}
}

// TestCompression plays a client that compresses its offers and keeps the
// previous answer for inflating the next.
func TestCompression(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.open("ada")
	f := joinFrame(c.session)
	f.Join.WantsCompressedSdp = proto.Bool(true)
	before := v.media.count()
	c.send(f)
	if !c.expect(wire.Frame_JOIN_ACK).GetJoinAck().GetWantsCompressedSdp() {
		t.Fatal("compression declined")
	}
	c.peer = v.media.after(t, before)
	previous := ""
	for i := range 3 {
		offer := strings.Repeat("a=candidate and so on\r\n", 100) + fmt.Sprint("offer ", i)
		var packed bytes.Buffer
		w, _ := flate.NewWriter(&packed, 6)
		io.WriteString(w, offer)
		w.Close()
		f := subscribeFrame("")
		f.Subscribe.CompressedSdpOffer = packed.Bytes()
		c.send(f)
		ack := c.expect(wire.Frame_SUBSCRIBE_ACK).GetSubscribeAck()
		answer, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(ack.GetCompressedSdpAnswer()), []byte(previous)))
		if err != nil || string(answer) != "answer to "+offer || ack.SdpAnswer != nil {
			t.Fatalf("answer %d: %d bytes, %v", i, len(answer), err)
		}
		previous = string(answer)
	}
	f = subscribeFrame("")
	f.Subscribe.CompressedSdpOffer = []byte("not deflate")
	c.send(f)
	if ack := c.expect(wire.Frame_SUBSCRIBE_ACK); ack.GetError().GetStatus() != 400 {
		t.Errorf("broken offer: %v", ack)
	}
}

func TestOffersRefused(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.join("ada")
	for err, want := range map[error]uint32{fmt.Errorf("x: %w", media.ErrBadOffer): 400, media.ErrClosed: 500} {
		c.peer.with(func(p *fakePeer) { p.err = err })
		c.send(subscribeFrame("offer"))
		if ack := c.expect(wire.Frame_SUBSCRIBE_ACK); ack.GetError().GetStatus() != want || ack.GetSubscribeAck() == nil {
			t.Errorf("%v: %v", err, ack)
		}
	}
}

func TestVideoControl(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.join("ada")
	c.send(&wire.Frame{Type: wire.Frame_PAUSE.Enum(), Pause: &wire.PauseResume{StreamIds: []uint32{4, 5}}})
	c.send(&wire.Frame{Type: wire.Frame_RESUME.Enum(), Pause: &wire.PauseResume{StreamIds: []uint32{5}}})
	c.send(&wire.Frame{Type: wire.Frame_REMOTE_VIDEO_UPDATE.Enum(), VideoUpdate: &wire.VideoUpdate{
		Changed: []*wire.VideoSubscription{{Mid: proto.String("3"), StreamId: proto.Uint32(8)}}, RemovedMids: []string{"4"},
	}})
	c.peer.called(t, "pause [4 5]")
	c.peer.called(t, "resume [5]")
	c.peer.called(t, fmt.Sprintf("update %+v [4]", []media.VideoSubscription{{Mid: "3", StreamID: 8}}))

	c.peer.event(func(e media.PeerEvents) {
		e.Paused([]uint32{6})
		e.Resumed([]uint32{6})
		e.Bitrates([]media.StreamBitrate{{StreamID: 7, AvgBps: 800_000}}, 2500)
	})
	if f := c.expect(wire.Frame_PAUSE); !slices.Equal(f.GetPause().GetGroupIds(), []uint32{6}) {
		t.Errorf("PAUSE %v", f)
	}
	if f := c.expect(wire.Frame_RESUME); !slices.Equal(f.GetPause().GetGroupIds(), []uint32{6}) {
		t.Errorf("RESUME %v", f)
	}
	b := c.expect(wire.Frame_BITRATES).GetBitrates()
	if b.GetAvailableKbps() != 2500 || len(b.GetBitrates()) != 1 || b.GetBitrates()[0].GetAvgBitrateBps() != 800_000 {
		t.Errorf("BITRATES %v", b)
	}
}

func TestVideoFacts(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	ada, share := p.join("ada"), p.join("ada#content")
	ada.peer.event(media.PeerEvents.VideoStarted)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined, meeting.VideoStarted)
	if c := v.server.Counts(); c.Video != 1 || c.Attendees != 1 || c.Content != 1 {
		t.Errorf("counts %+v", c)
	}
	ada.peer.event(media.PeerEvents.VideoStopped)
	ada.peer.event(media.PeerEvents.VideoStopped)
	share.peer.event(media.PeerEvents.VideoStarted)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined, meeting.VideoStarted, meeting.VideoStopped, meeting.ContentVideoStarted)
	share.send(leaveFrame()) // with its video still on
	share.expect(wire.Frame_LEAVE_ACK)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.ContentJoined, meeting.VideoStarted, meeting.VideoStopped,
		meeting.ContentVideoStarted, meeting.ContentVideoStopped, meeting.ContentLeft)
}

func TestServerPing(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	c := p.join("ada")
	f := c.get("PING", func(f *wire.Frame) bool { return f.GetPingPong().GetType() == wire.PingPong_PING })
	c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PONG.Enum(), PingId: proto.Uint32(f.GetPingPong().GetPingId())}})
	eventually(t, func() bool {
		s := v.server.Sessions(p.id)
		return len(s) == 1 && s[0].RTT > 0
	}, func() string { return "the round trip was not measured" })
}

// TestSilentSocketsArePinged: one that answers stays, one that does not goes.
func TestSilentSocketsArePinged(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.Timers.KeepAlive, c.Timers.Pong = 20*time.Millisecond, 200*time.Millisecond })
	p := v.meet("ada", "bob")
	ada, bob := p.open("ada"), p.open("bob")
	bob.stopReading() // and so does not answer pings
	eventually(t, func() bool { return v.server.Counts().Sockets == 1 }, func() string { return "the silent socket stays" })
	p.joinWith(ada, "ada")
}
