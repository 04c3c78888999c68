package media

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

func TestCameraOffAndOn(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	first := alice.negotiate().Allocations[0]
	stop := stream(t, camera, 20*time.Millisecond)
	old := waitSources(t, bob, 1)[0]
	bob.receive(old.StreamID)
	v := bob.nextVideo()
	v.read(t)

	stop()
	alice.sends = nil
	if a := alice.negotiate(); len(a.Allocations) != 0 {
		t.Errorf("allocations %+v with the camera off", a.Allocations)
	}
	alice.events.wait(t, "video stopped", 1)
	waitSources(t, bob, 0)
	bob.wants[bob.order[0]] = 0
	if a := bob.negotiate(); len(a.Tracks) != 0 {
		t.Errorf("tracks %+v of nothing", a.Tracks)
	}

	camera = alice.cameraOn(webrtc.MimeTypeVP8)
	second := alice.negotiate().Allocations[0]
	if second.GroupID <= first.GroupID || second.StreamID <= first.StreamID {
		t.Errorf("second publication %+v after %+v: ids must grow", second, first)
	}
	stream(t, camera, 20*time.Millisecond)
	alice.events.wait(t, "video started", 2)
	again := waitSources(t, bob, 1)[0]
	if again.GroupID != second.GroupID {
		t.Errorf("listed %+v, want %+v", again, second)
	}
	ack := bob.receive(again.StreamID)
	if ack.Tracks[0].SSRC == uint32(v.SSRC()) {
		t.Error("a new section has the old section's SSRC")
	}
	w := bob.nextVideo()
	continuous(t, w, w.read(t), 10)
}

func TestALateJoinerGetsTwoVideosAtOnce(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	for _, id := range []string{"alice", "bob"} {
		c := join(t, room, id)
		camera := c.cameraOn(webrtc.MimeTypeVP8)
		c.negotiate()
		stream(t, camera, 20*time.Millisecond)
		c.events.wait(t, "video started", 1)
	}
	carol := join(t, room, "carol")
	s := waitSources(t, carol, 2)
	if s[0].GroupID >= s[1].GroupID {
		t.Errorf("groups %d, %d: want the oldest first", s[0].GroupID, s[1].GroupID)
	}
	ack := carol.receive(s[0].StreamID, s[1].StreamID)
	if len(ack.Tracks) != 2 {
		t.Fatalf("tracks %+v", ack.Tracks)
	}
	for range 2 {
		v := carol.nextVideo()
		i := slices.IndexFunc(ack.Tracks, func(m TrackMapping) bool { return m.SSRC == uint32(v.SSRC()) })
		if i < 0 || ack.Tracks[i].Label != v.StreamID() {
			t.Errorf("track %s with ssrc %d is not in %+v", v.StreamID(), v.SSRC(), ack.Tracks)
		}
		continuous(t, v, v.read(t), 5)
	}
	// Every later answer has the rows of all sections, unchanged.
	again := carol.negotiate()
	if !slices.Equal(again.Tracks, ack.Tracks) {
		t.Errorf("tracks %+v, then %+v", ack.Tracks, again.Tracks)
	}
}

func TestOnlySoManyCameras(t *testing.T) {
	n := newNode(t, func(c *Config) { c.MaxVideoSenders = 1 })
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	if !bob.peer.Index().AtCapacity || alice.peer.Index().AtCapacity {
		t.Error("the second camera finds room, or the first does not")
	}
	bob.cameraOn(webrtc.MimeTypeVP8)
	a := bob.negotiate()
	if !a.VideoRefused || len(a.Allocations) != 0 {
		t.Errorf("answer %+v, want a refusal", a)
	}
	if !strings.Contains(section(a.SDP, bob.camera.Mid()), "a=inactive") {
		t.Error("the refused camera is not answered inactive")
	}
	changes := bob.events.count("sources")
	alice.sends = nil
	alice.negotiate()
	bob.events.wait(t, "sources", changes+1)
	if bob.peer.Index().AtCapacity {
		t.Error("still at capacity with no camera on")
	}
	if a := bob.negotiate(); a.VideoRefused || len(a.Allocations) != 1 {
		t.Errorf("answer %+v once there is room", a)
	}
}

// section cuts one section out of a description.
func section(text, mid string) string {
	for s := range strings.SplitSeq(text, "m=") {
		if strings.Contains(s, "a=mid:"+mid+"\r\n") {
			return s
		}
	}
	return ""
}

func TestPermissionsChangeLive(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stream(t, camera, 20*time.Millisecond)
	s := waitSources(t, bob, 1)
	bob.receive(s[0].StreamID)
	v := bob.nextVideo()
	v.read(t)

	perms := AllPermissions()
	perms.VideoReceive = false
	bob.peer.SetPermissions(perms)
	waitSources(t, bob, 0)
	silent(t, v)
	bob.peer.SetPermissions(AllPermissions())
	s = waitSources(t, bob, 1)
	bob.negotiate()
	v.read(t)

	perms = AllPermissions()
	perms.VideoSend = false
	alice.peer.SetPermissions(perms)
	alice.events.wait(t, "video stopped", 1)
	waitSources(t, bob, 0)
	silent(t, v)
	if !alice.peer.Index().AtCapacity {
		t.Error("who may not send video is told that she can")
	}
	if a := alice.negotiate(); !a.VideoRefused {
		t.Error("video is accepted without permission")
	}
	alice.peer.SetPermissions(AllPermissions())
	if a := alice.negotiate(); a.VideoRefused || a.Allocations[0].GroupID <= s[0].GroupID {
		t.Errorf("answer %+v with permission again", a)
	}
	waitSources(t, bob, 1)
}

// silent drains a track and checks that nothing more comes for a while.
func silent(t *testing.T, v *received) {
	t.Helper()
	quiet := time.NewTimer(300 * time.Millisecond)
	deadline := time.After(patience)
	for {
		select {
		case <-v.packets:
			quiet.Reset(300 * time.Millisecond)
		case <-quiet.C:
			return
		case <-deadline:
			t.Fatal("packets keep coming")
		}
	}
}

func TestContentShare(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	share := join(t, room, "alice#content")
	screen := share.cameraOn(webrtc.MimeTypeVP8)
	share.negotiate()
	stream(t, screen, 20*time.Millisecond)
	s := waitSources(t, bob, 1)[0]
	if s.AttendeeID != "alice#content" || s.ExternalUserID != "ext-alice#content" {
		t.Errorf("source %+v", s)
	}
	if len(alice.peer.Index().Sources) != 0 || len(share.peer.Index().Sources) != 0 {
		t.Error("alice sees her own share")
	}
	bob.receive(s.StreamID)
	bob.nextVideo().read(t)

	perms := AllPermissions()
	perms.ContentReceive = false
	bob.peer.SetPermissions(perms)
	waitSources(t, bob, 0)

	join(t, room, "bob#content")
	if _, err := room.Join(PeerConfig{AttendeeID: "carol#content", Owner: "carol", Content: true}); err != ErrContentFull {
		t.Errorf("a third share: %v, want ErrContentFull", err)
	}
	// Who reconnects does not count twice.
	p, err := room.Join(PeerConfig{AttendeeID: "alice#content", Owner: "alice", Content: true})
	if err != nil {
		t.Errorf("alice's share again: %v", err)
	} else {
		p.Close()
	}
}

func TestOnlySoManySubscriptions(t *testing.T) {
	n := newNode(t, func(c *Config) { c.MaxSubscriptions = 1 })
	room := n.Room("m")
	var streams []uint32
	for _, id := range []string{"alice", "bob"} {
		c := join(t, room, id)
		camera := c.cameraOn(webrtc.MimeTypeVP8)
		streams = append(streams, c.negotiate().Allocations[0].StreamID)
		stream(t, camera, 20*time.Millisecond)
		c.events.wait(t, "video started", 1)
	}
	carol := join(t, room, "carol")
	if a := carol.receive(streams...); len(a.Tracks) != 1 || a.Tracks[0].StreamID != streams[0] {
		t.Errorf("tracks %+v, want one", a.Tracks)
	}
}

func TestUnsubscribingFreesTheSection(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stream(t, camera, 20*time.Millisecond)
	s := waitSources(t, bob, 1)[0]
	bob.receive(s.StreamID)
	bob.nextVideo().read(t)
	if err := bob.order[0].Stop(); err != nil {
		t.Fatal(err)
	}
	delete(bob.wants, bob.order[0])
	if a := bob.negotiate(); len(a.Tracks) != 0 || bob.peer.Stats().Watching != 0 {
		t.Errorf("tracks %+v, watching %d after unsubscribing", a.Tracks, bob.peer.Stats().Watching)
	}
	bob.receive(s.StreamID) // the section is recycled with another mid
	v := bob.nextVideo()
	continuous(t, v, v.read(t), 5)
}

func TestSimulcast(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	rids := []string{"low", "hi"}
	var layers []*webrtc.TrackLocalStaticRTP
	for _, rid := range rids {
		l, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "camera", "camera", webrtc.WithRTPStreamID(rid))
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	sender, err := alice.pc.AddTrack(layers[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.AddEncoding(layers[1]); err != nil {
		t.Fatal(err)
	}
	alice.sends = []VideoDescriptor{{MaxKbps: 300}, {MaxKbps: 1200}}
	ack := alice.negotiate()
	if len(ack.Allocations) != 2 || ack.Allocations[0].GroupID != ack.Allocations[1].GroupID || ack.Allocations[0].StreamID >= ack.Allocations[1].StreamID {
		t.Fatalf("allocations %+v, want two streams of one group, growing", ack.Allocations)
	}
	if !strings.Contains(ack.SDP, "a=simulcast:recv low;hi\r\n") {
		t.Error("simulcast is not answered")
	}
	stopLow := named(t, sender, layers[0], "low", 20*time.Millisecond)
	named(t, sender, layers[1], "hi", 20*time.Millisecond)
	s := waitSources(t, bob, 2)
	if s[0].GroupID != s[1].GroupID || s[0].MaxKbps != 300 || s[1].MaxKbps != 1200 {
		t.Fatalf("sources %+v", s)
	}
	bob.receive(s[0].StreamID)
	v := bob.nextVideo()
	last := v.read(t)
	if !strings.Contains(string(last.Payload), "low") {
		t.Errorf("payload %q, want the low layer", last.Payload)
	}
	mid := bob.order[0].Mid()
	bob.peer.UpdateVideo([]VideoSubscription{{Mid: mid, StreamID: s[1].StreamID}}, nil)
	last = until(t, v, last, "hi")
	bob.peer.UpdateVideo([]VideoSubscription{{Mid: mid, StreamID: s[0].StreamID}}, nil)
	last = until(t, v, last, "low")
	stopLow() // the layer ceases: the other one steps in
	until(t, v, last, "hi")
	bob.peer.UpdateVideo(nil, []string{mid})
	silent(t, v)
}

// until reads on, checking the numbers, until a payload contains a word.
func until(t *testing.T, v *received, last *rtp.Packet, word string) *rtp.Packet {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		p := continuous(t, v, last, 1)
		if last = p; strings.Contains(string(p.Payload), word) {
			return last
		}
	}
	t.Fatalf("no packet of layer %q", word)
	return nil
}

// named streams key frames that say their layer's name, with its rid on every
// packet.
func named(t *testing.T, s *webrtc.RTPSender, track *webrtc.TrackLocalStaticRTP, name string, interval time.Duration) (stop func()) {
	t.Helper()
	id := uint8(0)
	for _, e := range s.GetParameters().HeaderExtensions {
		if e.URI == sdp.ExtRID {
			id = uint8(e.ID)
		}
	}
	return every(t, interval, func(i int) error {
		p := vp8(uint16(i), uint32(i)*3000, true, name)
		if err := p.SetExtension(id, []byte(name)); err != nil {
			return err
		}
		return track.WriteRTP(p)
	})
}

func TestCodecsEverybodyDecodes(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice := join(t, room, "alice")
	all := alice.peer.Index().Codecs
	for _, c := range []Codec{CodecVP8, CodecVP9, CodecH264, CodecAV1} {
		if !slices.Contains(all, c) {
			t.Errorf("%v is missing in %v", c, all)
		}
	}
	changes := alice.events.count("sources")
	bob := join(t, room, "bob", withoutCodecs("H264", "AV1"))
	alice.events.wait(t, "sources", changes+1)
	if got := alice.peer.Index().Codecs; !slices.Equal(got, []Codec{CodecVP9, CodecVP8}) {
		t.Errorf("codecs %v with bob, want VP9 and VP8", got)
	}
	bob.peer.Close()
	if got := alice.peer.Index().Codecs; !slices.Equal(got, all) {
		t.Errorf("codecs %v without bob, want %v", got, all)
	}
}

func TestH264ReachesAnotherPayloadType(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeH264)
	alice.negotiate()
	every(t, 20*time.Millisecond, func(i int) error {
		return camera.WriteRTP(&rtp.Packet{
			Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: uint16(i), Timestamp: uint32(i) * 3000},
			Payload: []byte{0x67, 0x42, 0xe0, 0x1f, 1, 2, 3},
		})
	})
	s := waitSources(t, bob, 1)
	bob.receive(s[0].StreamID)
	v := bob.nextVideo()
	if p := v.read(t); v.Codec().MimeType != webrtc.MimeTypeH264 {
		t.Errorf("codec %s of packet %v", v.Codec().MimeType, p)
	}
}

func TestPauseAndResume(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	alice.negotiate()
	stream(t, camera, 20*time.Millisecond)
	s := waitSources(t, bob, 1)
	bob.receive(s[0].StreamID)
	v := bob.nextVideo()
	v.read(t)
	bob.peer.Pause([]uint32{s[0].StreamID})
	silent(t, v)
	bob.peer.Resume([]uint32{s[0].StreamID})
	if p := v.read(t); p.Payload[1]&1 != 0 {
		t.Error("resumes without a key frame")
	}
	bob.events.wait(t, "bitrates", 1)
	bob.events.mu.Lock()
	defer bob.events.mu.Unlock()
	if len(bob.events.rates) != 1 || bob.events.rates[0].StreamID != s[0].StreamID || bob.events.rates[0].AvgBps == 0 {
		t.Errorf("bitrates %+v", bob.events.rates)
	}
}

func TestLimits(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	off := join(t, room, "off", as(func(c *PeerConfig) { c.MaxVideo.Off = true }))
	off.cameraOn(webrtc.MimeTypeVP8)
	if a := off.negotiate(); !a.VideoRefused || !off.peer.Index().AtCapacity {
		t.Error("video is accepted where the meeting has none")
	}
	low := join(t, room, "low", as(func(c *PeerConfig) { c.MaxVideo = VideoLimit{Height: 1080, MaxKbps: 700} }))
	low.cameraOn(webrtc.MimeTypeVP8)
	a := low.negotiate()
	camera := section(a.SDP, low.camera.Mid())
	if !strings.Contains(camera, "b=AS:700\r\n") || !strings.Contains(camera, "profile-level-id=42e028") {
		t.Errorf("limits are not in the answer:\n%s", camera)
	}
}
