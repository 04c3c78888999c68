package signal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// newRealEnv has a real media node behind the door.
func newRealEnv(t testing.TB) *env {
	t.Helper()
	n, err := media.NewNode(media.Config{
		UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0", Loopback: true, Timeout: 12 * time.Second,
		MaxVideoSenders: 25, MaxContentShares: 2, MaxSubscriptions: 25,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return newEnv(t, func(c *Config) { c.Room = RoomsOf(n) })
}

// levelURI names the header extension with the sound level (RFC 6464).
const levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

// caller is a client with Pion in the place of the browser's media.
type caller struct {
	*client
	pc     *webrtc.PeerConnection
	mic    *webrtc.TrackLocalStaticRTP
	camera *webrtc.RTPTransceiver
	heard  chan *rtp.Packet
	seen   chan *rtp.Packet
	wants  map[string]uint32 // stream id by mid
}

// call joins with real media.
func (p *party) call(user string) *caller {
	t := p.v.t
	t.Helper()
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	c := &caller{
		client: p.open(user), pc: pc, heard: make(chan *rtp.Packet, 1000), seen: make(chan *rtp.Packet, 1000), wants: make(map[string]uint32),
	}
	if c.mic, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mic", "mic"); err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTransceiverFromTrack(c.mic); err != nil {
		t.Fatal(err)
	}
	if c.camera, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}); err != nil {
		t.Fatal(err)
	}
	pc.OnTrack(c.onTrack)
	c.send(joinFrame(c.session))
	if ack := c.expect(wire.Frame_JOIN_ACK); ack.GetError() != nil {
		t.Fatalf("refused: %v", ack)
	}
	c.expect(wire.Frame_INDEX)
	c.negotiate(false)
	c.first = c.expect(wire.Frame_AUDIO_STREAM_ID_INFO).GetRoster().GetStreams()
	c.found(p.wire(user))
	return c
}

func (c *caller) onTrack(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	to := c.heard
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		to = c.seen
	}
	go func() {
		for {
			p, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			select {
			case to <- p:
			default:
			}
		}
	}()
}

// negotiate goes through one SUBSCRIBE.
func (c *caller) negotiate(camera bool) *wire.SubscribeAck {
	c.t.Helper()
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.pc.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	f := subscribeFrame(offer.SDP)
	f.Subscribe.ReceiveStreamIds = nil
	for _, section := range strings.Split(offer.SDP, "m=")[1:] {
		if !strings.HasPrefix(section, "video") {
			continue
		}
		_, mid, _ := strings.Cut(section, "a=mid:")
		mid, _, _ = strings.Cut(mid, "\r\n")
		f.Subscribe.ReceiveStreamIds = append(f.Subscribe.ReceiveStreamIds, c.wants[mid])
	}
	if camera {
		f.Subscribe.Duplex = wire.Service_DUPLEX.Enum()
		f.Subscribe.SendStreams = append(f.Subscribe.SendStreams, &wire.Stream{
			MediaType: wire.Media_VIDEO.Enum(), MaxBitrateKbps: proto.Uint32(1500), Framerate: proto.Uint32(15),
		})
	} else {
		f.Subscribe.SdpOffer = proto.String(c.idle(offer.SDP))
	}
	c.send(f)
	ack := c.expect(wire.Frame_SUBSCRIBE_ACK)
	if ack.GetError() != nil {
		c.t.Fatalf("offer refused: %v", ack.GetError())
	}
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: ack.GetSubscribeAck().GetSdpAnswer()}
	if err := c.pc.SetRemoteDescription(answer); err != nil {
		c.t.Fatalf("%v\n%s", err, answer.SDP)
	}
	return ack.GetSubscribeAck()
}

// idle makes the camera section inactive, as browsers offer it until the
// camera is on. Pion has no such sections.
func (c *caller) idle(sdp string) string {
	head, rest, _ := strings.Cut(sdp, "m=video")
	section, more, found := strings.Cut(rest, "m=")
	section = strings.Replace(section, "a=sendrecv\r\n", "a=inactive\r\n", 1)
	if found {
		section += "m=" + more
	}
	return head + "m=video" + section
}

// feed sends packets made by next on a track until the test ends or stop is
// called.
func feed(t testing.TB, track *webrtc.TrackLocalStaticRTP, every time.Duration, next func(i int) *rtp.Packet) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				_ = track.WriteRTP(next(i)) // fails once the test closes the connection
			case <-ctx.Done():
				return
			}
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// talk sends sound of the level, in dB below full scale.
func (c *caller) talk(level uint8) (stop func()) {
	return feed(c.t, c.mic, 20*time.Millisecond, func(i int) *rtp.Packet {
		h := rtp.Header{Version: 2, SequenceNumber: uint16(i), Timestamp: uint32(i) * 960, Marker: i == 0}
		_ = h.SetExtension(1, []byte{0x80 | level})
		return &rtp.Packet{Header: h, Payload: []byte{0xf8, 0xff, 0xfe}}
	})
}

// packets waits for n packets.
func packets(t testing.TB, what string, from chan *rtp.Packet, n int) {
	t.Helper()
	deadline := time.After(patience)
	for i := range n {
		select {
		case <-from:
		case <-deadline:
			t.Fatalf("%d of %d packets of %s", i, n, what)
		}
	}
}

func TestRealCall(t *testing.T) {
	v := newRealEnv(t)
	p := v.meet("ada", "bob")
	ada, bob := p.call("ada"), p.call("bob")
	ada.sees(p.wire("bob"))
	id := bob.found(p.wire("ada")).GetAudioStreamId()

	ada.talk(20)
	packets(t, "sound", bob.heard, 25)
	packets(t, "silence", ada.heard, 25)
	levelsOf(bob.client, "ada speaking", func(rows map[uint32]*wire.AudioLevel) bool { return rows[id].GetVolume() == 20 })
	eventually(t, func() bool {
		s := v.server.Sessions(p.id)
		var names []string
		for _, step := range s[0].Steps {
			names = append(names, step.Name)
		}
		return slices.Equal(names, observe.StepNames()) && s[0].Now != nil && s[0].Now.Stats.PacketsIn > 0
	}, func() string { return fmt.Sprintf("shown as %+v", v.server.Sessions(p.id)) })

	stop := ada.cameraOn()
	x := bob.get("ada's video", func(f *wire.Frame) bool { return len(f.GetIndex().GetSources()) == 1 }).GetIndex().GetSources()[0]
	if x.GetAttendeeId() != p.wire("ada") || x.GetExternalUserId() != "ada" || x.GetMediaType() != wire.Media_VIDEO {
		t.Errorf("source %v", x)
	}
	ack := bob.watch(x.GetStreamId())
	if tr := ack.GetTracks(); len(tr) != 1 || tr[0].GetStreamId() != x.GetStreamId() || !strings.HasPrefix(tr[0].GetTrackLabel(), "v_") {
		t.Errorf("tracks %v", tr)
	}
	packets(t, "video", bob.seen, 10)
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.VideoStarted)

	p.setCaps("ada", caps(meeting.Receive, meeting.Receive, meeting.Receive))
	bob.get("no video", func(f *wire.Frame) bool {
		return f.GetType() == wire.Frame_INDEX && len(f.GetIndex().GetSources()) == 0
	})
	ada.get("view only", func(f *wire.Frame) bool { return f.GetError().GetStatus() == 206 })
	p.facts("ada", meeting.Authorized, meeting.Joined, meeting.VideoStarted, meeting.VideoStopped)
	stop()

	p.remove("ada")
	ada.status(411)
	bob.seesGone(id)
	p.end()
	bob.status(410)
}

// cameraOn starts a camera.
func (c *caller) cameraOn() (stop func()) {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "camera", "camera")
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.camera.Sender().ReplaceTrack(track); err != nil {
		c.t.Fatal(err)
	}
	if ack := c.negotiate(true); len(ack.GetAllocations()) != 1 {
		c.t.Fatalf("allocations %v", ack.GetAllocations())
	}
	return feed(c.t, track, 30*time.Millisecond, func(i int) *rtp.Packet {
		payload := []byte{0x10, 0x01, 'x'} // an inter frame
		if i%10 == 0 {
			payload = []byte{0x10, 0x00, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 'x'} // a key frame
		}
		return &rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SequenceNumber: uint16(i), Timestamp: uint32(i) * 2700}, Payload: payload}
	})
}

// watch subscribes to a stream.
func (c *caller) watch(stream uint32) *wire.SubscribeAck {
	c.t.Helper()
	_, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	if err != nil {
		c.t.Fatal(err)
	}
	offer, err := c.pc.CreateOffer(nil) // settles the new section's mid
	if err != nil {
		c.t.Fatal(err)
	}
	last := offer.SDP[strings.LastIndex(offer.SDP, "a=mid:")+len("a=mid:"):]
	mid, _, _ := strings.Cut(last, "\r\n")
	c.wants[mid] = stream
	return c.negotiate(false)
}
