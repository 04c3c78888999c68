package media

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

func TestMain(m *testing.M) {
	if os.Getenv(generatorVariable) != "" {
		if err := generate(); err != nil {
			fmt.Fprintln(os.Stderr, "generator:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

// newNode starts a node on loopback for one test.
func newNode(tb testing.TB, change func(*Config)) *Node {
	tb.Helper()
	cfg := Config{
		UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0", Loopback: true, Timeout: 12 * time.Second,
		MaxVideoSenders: 25, MaxContentShares: 2, MaxSubscriptions: 25,
	}
	if change != nil {
		change(&cfg)
	}
	n, err := NewNode(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := n.Close(); err != nil {
			tb.Error(err)
		}
	})
	return n
}

// AllPermissions allows everything.
func AllPermissions() Permissions {
	return Permissions{true, true, true, true, true}
}

// recorder keeps a peer's events.
type recorder struct {
	mu      sync.Mutex
	seen    []string
	failure error
	paused  []uint32
	resumed []uint32
	rates   []StreamBitrate
	kbps    int
	changed chan struct{}
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{}, 1000)} }

func (r *recorder) note(event string) {
	r.mu.Lock()
	r.seen = append(r.seen, event)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *recorder) count(event string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.seen {
		if e == event {
			n++
		}
	}
	return n
}

func (r *recorder) Connected()      { r.note("connected") }
func (r *recorder) AudioStarted()   { r.note("audio") }
func (r *recorder) VideoStarted()   { r.note("video started") }
func (r *recorder) VideoStopped()   { r.note("video stopped") }
func (r *recorder) SourcesChanged() { r.note("sources") }
func (r *recorder) Failed(err error) {
	r.mu.Lock()
	r.failure = err
	r.mu.Unlock()
	r.note("failed")
}

func (r *recorder) Paused(groups []uint32) {
	r.mu.Lock()
	r.paused = append(r.paused, groups...)
	r.mu.Unlock()
	r.note("paused")
}

func (r *recorder) Resumed(groups []uint32) {
	r.mu.Lock()
	r.resumed = append(r.resumed, groups...)
	r.mu.Unlock()
	r.note("resumed")
}

func (r *recorder) Bitrates(rates []StreamBitrate, kbps int) {
	r.mu.Lock()
	r.rates, r.kbps = rates, kbps
	r.mu.Unlock()
	r.note("bitrates")
}

func (r *recorder) StepDone(step string, _ time.Time) { r.note("step " + step) }

// wait waits until an event has come n times.
func (r *recorder) wait(tb testing.TB, event string, n int) {
	tb.Helper()
	timeout := time.After(patience)
	for r.count(event) < n {
		select {
		case <-r.changed:
		case <-timeout:
			r.mu.Lock()
			defer r.mu.Unlock()
			tb.Fatalf("no %d of event %q; seen: %q", n, event, r.seen)
		}
	}
}

// person is a scripted attendee: Pion playing the browser's part.
type person struct {
	tb     testing.TB
	room   *Room
	peer   *Peer
	events *recorder
	pc     *webrtc.PeerConnection
	mic    *webrtc.TrackLocalStaticRTP
	camera *webrtc.RTPTransceiver
	tracks chan *received
	muted  bool
	sends  []VideoDescriptor
	wants  map[*webrtc.RTPTransceiver]uint32 // by receiving section
	subs   []VideoSubscription
	order  []*webrtc.RTPTransceiver
}

// received is a track that the client gets.
type received struct {
	*webrtc.TrackRemote
	receiver *webrtc.RTPReceiver
	packets  chan *rtp.Packet
}

// clientOption changes a client before it joins.
type clientOption func(*setup)

type setup struct {
	settings webrtc.SettingEngine
	peer     PeerConfig
	without  []string // codecs the client lacks
}

// as gives a peer a different configuration.
func as(change func(*PeerConfig)) clientOption {
	return func(s *setup) { change(&s.peer) }
}

// withoutCodecs takes codecs from the client.
func withoutCodecs(names ...string) clientOption {
	return func(s *setup) { s.without = names }
}

func newAPI(tb testing.TB, s *setup) *webrtc.API {
	tb.Helper()
	m := &webrtc.MediaEngine{}
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	check(m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}}, webrtc.RTPCodecTypeAudio))
	for i, v := range []struct{ mime, parameters string }{
		{webrtc.MimeTypeVP8, ""}, {webrtc.MimeTypeVP9, "profile-id=0"}, {webrtc.MimeTypeAV1, ""},
		{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	} {
		if slices.Contains(s.without, strings.TrimPrefix(v.mime, "video/")) {
			continue
		}
		pt := webrtc.PayloadType(96 + 2*i)
		check(m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: v.mime, ClockRate: 90000, SDPFmtpLine: v.parameters,
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}},
		}}, webrtc.RTPCodecTypeVideo))
		check(m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: pt + 1, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", pt),
		}}, webrtc.RTPCodecTypeVideo))
	}
	for _, uri := range []string{sdp.ExtMid, sdp.ExtRID, sdp.ExtRepairedRID} {
		check(m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	check(m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.ExtLevel}, webrtc.RTPCodecTypeAudio))
	i := &interceptor.Registry{}
	check(webrtc.RegisterDefaultInterceptors(m, i))
	s.settings.SetIncludeLoopbackCandidate(true)
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(i), webrtc.WithSettingEngine(s.settings))
}

// join brings a client into a room, with sound and an idle camera section.
func join(tb testing.TB, room *Room, id string, options ...clientOption) *person {
	tb.Helper()
	c, _ := prepare(tb, room, id, options...)
	c.negotiate()
	c.events.wait(tb, "connected", 1)
	return c
}

// prepare makes a client that has not offered yet.
func prepare(tb testing.TB, room *Room, id string, options ...clientOption) (*person, *setup) {
	tb.Helper()
	c := &person{
		tb: tb, room: room, events: newRecorder(),
		tracks: make(chan *received, 16), wants: make(map[*webrtc.RTPTransceiver]uint32),
	}
	var set setup
	set.peer = PeerConfig{
		AttendeeID: id, Owner: strings.TrimSuffix(id, "#content"), Content: strings.HasSuffix(id, "#content"),
		ExternalUserID: "ext-" + id, AudioStreamID: nextAudioID(), Permissions: AllPermissions(), Events: c.events,
	}
	for _, o := range options {
		o(&set)
	}
	pc, err := newAPI(tb, &set).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		tb.Fatal(err)
	}
	c.pc = pc
	tb.Cleanup(func() { _ = pc.Close() })
	c.peer, err = room.Join(set.peer)
	if err != nil {
		tb.Fatal(err)
	}
	pc.OnTrack(c.onTrack)
	c.mic, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mic", "mic")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := pc.AddTransceiverFromTrack(c.mic, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}); err != nil {
		tb.Fatal(err)
	}
	c.camera, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	if err != nil {
		tb.Fatal(err)
	}
	return c, &set
}

// replaceFingerprint makes an offer claim another certificate.
func replaceFingerprint(text string) string {
	before, after, _ := strings.Cut(text, "a=fingerprint:sha-256 ")
	_, rest, _ := strings.Cut(after, "\r\n")
	other := strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	return before + "a=fingerprint:sha-256 " + other + "\r\n" + rest
}

var audioIDs struct {
	sync.Mutex
	n uint32
}

func nextAudioID() uint32 {
	audioIDs.Lock()
	defer audioIDs.Unlock()
	audioIDs.n++
	return audioIDs.n
}

func (c *person) onTrack(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	rec := &received{t, r, make(chan *rtp.Packet, 5000)}
	go func() {
		defer close(rec.packets)
		for {
			p, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			select {
			case rec.packets <- p:
			default:
			}
		}
	}()
	go func() {
		buf := make([]byte, 1500)
		for {
			if _, _, err := r.Read(buf); err != nil {
				return
			}
		}
	}()
	c.tracks <- rec
}

// offer makes the next offer as the client's frame has it.
func (c *person) offer() Offer {
	c.tb.Helper()
	o, err := c.pc.CreateOffer(nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	if err := c.pc.SetLocalDescription(o); err != nil {
		c.tb.Fatal(err)
	}
	out := Offer{SDP: o.SDP, SendVideo: c.sends, Duplex: len(c.sends) > 0, Muted: c.muted, Subscriptions: c.subs}
	byMid := make(map[string]uint32)
	for t, id := range c.wants {
		byMid[t.Mid()] = id
	}
	if len(c.sends) == 0 {
		out.SDP = c.idleCamera(o.SDP)
	}
	parsed, err := sdp.Parse(o.SDP)
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, s := range parsed.Sections {
		if s.Kind == sdp.Video {
			out.ReceiveStreamIDs = append(out.ReceiveStreamIDs, byMid[s.Mid])
		}
	}
	return out
}

// idleCamera makes the camera section inactive, as browsers offer it; Pion has
// no such transceivers.
func (c *person) idleCamera(text string) string {
	sections := strings.Split(text, "m=")
	for i, s := range sections {
		if strings.Contains(s, "a=mid:"+c.camera.Mid()+"\r\n") {
			for _, d := range []string{"sendrecv", "sendonly", "recvonly"} {
				s = strings.ReplaceAll(s, "a="+d+"\r\n", "a=inactive\r\n")
			}
			sections[i] = s
		}
	}
	return strings.Join(sections, "m=")
}

func (c *person) negotiate() Answer {
	c.tb.Helper()
	a, err := c.peer.Subscribe(context.Background(), c.offer())
	if err != nil {
		c.tb.Fatal(err)
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: a.SDP}); err != nil {
		c.tb.Fatalf("%v\n%s", err, a.SDP)
	}
	return a
}

// receive adds a receiving section for each stream and negotiates.
func (c *person) receive(streams ...uint32) Answer {
	c.tb.Helper()
	for _, id := range streams {
		t, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			c.tb.Fatal(err)
		}
		c.wants[t] = id
		c.order = append(c.order, t)
	}
	return c.negotiate()
}

// next waits for the next incoming track.
func (c *person) next() *received {
	c.tb.Helper()
	select {
	case t := <-c.tracks:
		return t
	case <-time.After(patience):
		c.tb.Fatal("no track")
		return nil
	}
}

// nextVideo waits for the next incoming video.
func (c *person) nextVideo() *received {
	c.tb.Helper()
	for {
		if t := c.next(); t.Kind() == webrtc.RTPCodecTypeVideo {
			return t
		}
	}
}

// read waits for a track's next packet.
func (r *received) read(tb testing.TB) *rtp.Packet {
	tb.Helper()
	select {
	case p, ok := <-r.packets:
		if !ok {
			tb.Fatal("track ended")
		}
		return p
	case <-time.After(patience):
		tb.Fatal("no packet")
		return nil
	}
}

// cameraOn starts a camera with the given codec.
func (c *person) cameraOn(mime string) *webrtc.TrackLocalStaticRTP {
	c.tb.Helper()
	t, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, "camera", "camera")
	if err != nil {
		c.tb.Fatal(err)
	}
	if c.camera.Sender() != nil {
		if err := c.camera.Sender().ReplaceTrack(t); err != nil {
			c.tb.Fatal(err)
		}
	} else if s, err := c.pc.AddTrack(t); err != nil {
		c.tb.Fatal(err)
	} else {
		go drainRTCP(s)
	}
	c.sends = []VideoDescriptor{{MaxKbps: 1500, Framerate: 15}}
	return t
}

func drainRTCP(s *webrtc.RTPSender) {
	buf := make([]byte, 1500)
	for {
		if _, _, err := s.Read(buf); err != nil {
			return
		}
	}
}

// vp8 makes one VP8 packet that is a whole frame.
func vp8(seq uint16, ts uint32, key bool, body string) *rtp.Packet {
	frame := []byte{0x10, 0x01} // start of partition 0; an inter frame
	if key {
		frame = []byte{0x10, 0x00, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}
	}
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: seq, Timestamp: ts},
		Payload: append(frame, body...),
	}
}

// every calls fn at an interval until it is stopped, fails, or the test ends. Calls
// that are late are made up for, so that time stamps keep pace with the clock.
func every(tb testing.TB, interval time.Duration, fn func(i int) error) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		begun := time.Now()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-timer.C:
			}
			if err := fn(i); err != nil {
				tb.Error(err)
				return
			}
			timer.Reset(time.Until(begun.Add(time.Duration(i+1) * interval)))
		}
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			close(done)
			<-ended
		})
	}
	tb.Cleanup(stop)
	return stop
}

// stream sends frames on a track until stopped, a key frame every tenth.
func stream(tb testing.TB, t *webrtc.TrackLocalStaticRTP, interval time.Duration) (stop func()) {
	return every(tb, interval, func(i int) error {
		return t.WriteRTP(vp8(uint16(i), uint32(i)*3000, i%10 == 0, fmt.Sprintf("frame %d", i)))
	})
}
