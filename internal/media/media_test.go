package media

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

func TestJoinHearsSilence(t *testing.T) {
	n := newNode(t, nil)
	c := join(t, n.Room("m"), "a")
	in := c.next()
	first := in.read(t)
	second := in.read(t)
	if string(first.Payload) != "\xf8\xff\xfe" {
		t.Errorf("first payload % x, want the silence frame", first.Payload)
	}
	if second.SequenceNumber != first.SequenceNumber+1 || second.Timestamp != first.Timestamp+960 {
		t.Errorf("packets %v then %v are not consecutive", first, second)
	}
	for _, s := range []string{StepICE, StepDTLS, StepFirstAudioOut} {
		c.events.wait(t, "step "+s, 1)
	}
}

func TestCameraReachesOthers(t *testing.T) {
	n := newNode(t, nil)
	room := n.Room("m")
	alice, bob := join(t, room, "alice"), join(t, room, "bob")
	camera := alice.cameraOn(webrtc.MimeTypeVP8)
	a := alice.negotiate()
	if len(a.Allocations) != 1 || a.Allocations[0].StreamID == 0 || a.Allocations[0].GroupID == 0 || a.VideoRefused {
		t.Fatalf("allocations %+v refused %v", a.Allocations, a.VideoRefused)
	}
	if len(bob.peer.Index().Sources) != 0 {
		t.Fatal("listed before the first packet")
	}
	stream(t, camera, 20*time.Millisecond)
	alice.events.wait(t, "video started", 1)
	bob.events.wait(t, "sources", 1)
	sources := waitSources(t, bob, 1)
	s := sources[0]
	if s.AttendeeID != "alice" || s.ExternalUserID != "ext-alice" || s.StreamID != a.Allocations[0].StreamID ||
		s.GroupID != a.Allocations[0].GroupID || s.MaxKbps != 1500 {
		t.Errorf("source %+v", s)
	}
	if own := alice.peer.Index().Sources; len(own) != 0 {
		t.Errorf("alice sees herself: %+v", own)
	}
	ack := bob.receive(s.StreamID)
	v := bob.nextVideo()
	if len(ack.Tracks) != 1 || ack.Tracks[0].SSRC != uint32(v.SSRC()) || ack.Tracks[0].StreamID != s.StreamID || ack.Tracks[0].Label != v.StreamID() {
		t.Errorf("tracks %+v for ssrc %d stream %q", ack.Tracks, v.SSRC(), v.StreamID())
	}
	first := v.read(t)
	if first.Payload[1]&1 != 0 {
		t.Error("the first packet is no key frame")
	}
	continuous(t, v, first, 30)
}

// continuous reads n packets and checks that their numbers follow each other.
func continuous(t *testing.T, v *received, last *rtp.Packet, n int) *rtp.Packet {
	t.Helper()
	for range n {
		p := v.read(t)
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("sequence number %d after %d", p.SequenceNumber, last.SequenceNumber)
		}
		if int32(p.Timestamp-last.Timestamp) <= 0 {
			t.Fatalf("timestamp %d after %d", p.Timestamp, last.Timestamp)
		}
		last = p
	}
	return last
}

func waitSources(t *testing.T, c *person, n int) []Source {
	t.Helper()
	timeout := time.After(patience)
	for {
		if s := c.peer.Index().Sources; len(s) == n {
			return s
		}
		select {
		case <-c.events.changed:
		case <-timeout:
			t.Fatalf("index %+v, want %d sources", c.peer.Index(), n)
		}
	}
}

func TestBadOffersChangeNothing(t *testing.T) {
	n := newNode(t, nil)
	c := join(t, n.Room("m"), "a")
	before := c.peer.version
	for _, text := range []string{"", "v=0", strings.Repeat("x", 100), "v=0\r\nm=audio"} {
		if _, err := c.peer.Subscribe(t.Context(), Offer{SDP: text}); err == nil {
			t.Errorf("offer %q was answered", text)
		}
	}
	if c.peer.version != before {
		t.Error("a refused offer counts")
	}
	c.negotiate() // and the next good one works
}
