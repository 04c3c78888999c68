package media

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// What the client's audio profiles write into its offer.
const (
	profileNone        = "minptime=10;useinbandfec=1"
	profileMusicMono   = profileNone + ";maxaveragebitrate=64000"
	profileMusicStereo = profileNone + ";maxaveragebitrate=128000;stereo=1;sprop-stereo=1"
)

// light is a light client: it speaks and hears Opus in one or two channels.
type light struct {
	*client.Client
	t       *testing.T
	peer    *Peer
	answer  string
	packets chan heardPacket
	dec     opus.Decoder
}

// heardPacket is one RTP packet of the mix.
type heardPacket struct {
	rtpx.Header
	payload []byte
}

// joinLight lets somebody join whose offer has the given Opus parameters.
func joinLight(t *testing.T, room *Room, id, parameters string, red bool) *light {
	t.Helper()
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := opus.NewDecoder(opus.Stereo)
	if err != nil {
		t.Fatal(err)
	}
	l := &light{Client: c, t: t, packets: make(chan heardPacket, 1000), dec: dec}
	c.OpusParameters, c.RED = parameters, red
	c.OnRTP = func(h *rtpx.Header, pkt []byte, _ time.Time) {
		select {
		case l.packets <- heardPacket{*h, bytes.Clone(h.Payload(pkt))}:
		default: // nobody listens
		}
	}
	l.peer, err = room.Join(PeerConfig{
		AttendeeID: id, Owner: strings.TrimSuffix(id, "#content"), Content: strings.HasSuffix(id, "#content"),
		AudioStreamID: nextAudioID(), Permissions: AllPermissions(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.peer.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	l.negotiate()
	if err := c.Connect(t.Context(), l.answer); err != nil {
		t.Fatal(err)
	}
	<-c.First()
	return l
}

// negotiate sends an offer.
func (l *light) negotiate() {
	l.t.Helper()
	a, err := l.peer.Subscribe(l.t.Context(), Offer{SDP: l.Offer(false, 0)})
	if err != nil {
		l.t.Fatal(err)
	}
	l.answer = a.SDP
}

// parameters are those of Opus in the answer.
func (l *light) parameters() string {
	_, rest, _ := strings.Cut(l.answer, fmt.Sprintf("a=fmtp:%d ", client.OpusType))
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// play sends a tone in each channel until the end of the test. The tones must be
// multiples of 50 Hz: a second of them is encoded beforehand and sent over and over,
// so that a busy machine can keep up.
func (l *light) play(left, right float64) {
	l.t.Helper()
	enc, err := opus.NewEncoder(opus.EncoderConfig{Channels: opus.Stereo, Bitrate: 128000})
	if err != nil {
		l.t.Fatal(err)
	}
	pcm := make([]float32, 2*opus.FrameSamples)
	for k := range opus.FrameSamples {
		at := 2 * math.Pi * float64(k) / opus.SampleRate
		pcm[2*k], pcm[2*k+1] = float32(0.25*math.Sin(left*at)), float32(0.25*math.Sin(right*at))
	}
	var tape [50][]byte
	for i := range tape {
		packet := make([]byte, opus.MaxPacket)
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			l.t.Fatal(err)
		}
		tape[i] = packet[:n]
	}
	every(l.t, 20*time.Millisecond, func(i int) error {
		l.SendAudio(tape[i%len(tape)], 0x80|15)
		return nil
	})
}

// next is the next packet of the mix.
func (l *light) next() heardPacket {
	l.t.Helper()
	select {
	case p := <-l.packets:
		return p
	case <-time.After(patience):
		l.t.Fatal("no sound comes")
		panic("unreachable")
	}
}

// ears are the amplitudes of tones in each channel, and the bitrate.
type ears struct {
	left, right map[float64]float64
	bitrate     int
}

// listen decodes what comes for a while and measures tones in it.
func (l *light) listen(frames int, tones ...float64) ears {
	l.t.Helper()
	for len(l.packets) > 0 {
		<-l.packets
	}
	e := ears{left: map[float64]float64{}, right: map[float64]float64{}}
	pcm := make([]float32, 2*opus.MaxSamples)
	channels := [2][]float32{make([]float32, opus.FrameSamples), make([]float32, opus.FrameSamples)}
	for i := range frames + 10 {
		p := l.next()
		n, err := l.dec.Decode(p.payload, pcm)
		if err != nil || n != opus.FrameSamples {
			l.t.Fatalf("%d samples, %v", n, err)
		}
		if i < 10 {
			continue // the decoder finds its feet
		}
		e.bitrate += len(p.payload) * 8 * 50 / frames
		for k := range n {
			channels[0][k], channels[1][k] = pcm[2*k], pcm[2*k+1]
		}
		for _, hz := range tones {
			e.left[hz] += amplitude(channels[0], hz) / float64(frames)
			e.right[hz] += amplitude(channels[1], hz) / float64(frames)
		}
	}
	return e
}

// until listens again and again until what is heard is right: a change takes its
// time to reach the listener.
func (l *light) until(what string, right func(ears) bool, tones ...float64) {
	l.t.Helper()
	var e ears
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if e = l.listen(25, tones...); right(e) {
			return
		}
	}
	l.t.Errorf("%s: still %+v", what, e)
}

// apart: each tone in its own channel. centred: both tones in both.
func apart(left, right float64) func(ears) bool {
	return func(e ears) bool {
		return e.left[left] > heard && e.right[right] > heard && e.left[right] < unheard && e.right[left] < unheard
	}
}

func centred(left, right float64) func(ears) bool {
	return func(e ears) bool {
		return e.left[left] > heard && e.right[right] > heard && math.Abs(e.left[left]-e.right[left]) < unheard && math.Abs(e.left[right]-e.right[right]) < unheard
	}
}

func TestStereoMicrophoneAndContent(t *testing.T) {
	room := newNode(t, nil).Room("m")
	alice := joinLight(t, room, "alice", profileMusicStereo, false)
	bob := joinLight(t, room, "bob", profileMusicStereo, false)
	carol := joinLight(t, room, "carol", profileNone, false)
	alice.play(450, 900)
	bob.until("the microphone in stereo", apart(450, 900), 450, 900)
	carol.until("the microphone in mono", centred(450, 900), 450, 900)
	share := joinLight(t, room, "alice#content", profileMusicStereo, false)
	share.play(600, 1200)
	bob.until("the content in stereo", apart(600, 1200), 600, 1200)
	bob.until("the microphone beside it", apart(450, 900), 450, 900)
	carol.until("the content in mono", centred(600, 1200), 600, 1200)
	alice.until("alice hears her own share", func(e ears) bool { return e.left[600]+e.right[1200] < unheard }, 600, 1200)
}

func TestAnswersSpeakOfStereoToThoseWhoAsked(t *testing.T) {
	room := newNode(t, nil).Room("m")
	for _, tc := range []struct{ offered, want string }{
		{"", profileNone},
		{profileNone, profileNone},
		{profileMusicMono, profileMusicMono},
		{profileMusicStereo, profileNone + ";stereo=1;sprop-stereo=1;maxaveragebitrate=128000"},
		{"stereo=1;useinbandfec=1", profileNone + ";sprop-stereo=1"}, // Firefox, always
		{"maxaveragebitrate=510000", profileNone + ";maxaveragebitrate=128000"},
		{"maxaveragebitrate=600000", profileNone},
	} {
		if got := joinLight(t, room, "x", tc.offered, false).parameters(); got != tc.want {
			t.Errorf("%q is answered with %q, want %q", tc.offered, got, tc.want)
		}
	}
}

func TestTheProfileMayChangeDuringTheCall(t *testing.T) {
	room := newNode(t, nil).Room("m")
	alice := joinLight(t, room, "alice", profileMusicStereo, false)
	bob := joinLight(t, room, "bob", profileNone, false)
	alice.play(450, 900)
	for _, step := range []struct {
		profile string
		right   func(ears) bool
		bitrate int
	}{
		{profileNone, centred(450, 900), 48000},
		{profileMusicStereo, apart(450, 900), 128000},
		{profileMusicMono, centred(450, 900), 64000},
	} {
		bob.OpusParameters = step.profile
		bob.negotiate()
		bob.until(step.profile, func(e ears) bool {
			return step.right(e) && math.Abs(float64(e.bitrate-step.bitrate)) < 0.15*float64(step.bitrate)
		}, 450, 900)
	}
}

// Stereo has no in-band FEC. Who loses some of it gets each packet twice, if its
// client takes redundant audio.
func TestLostStereoIsSentTwice(t *testing.T) {
	room := newNode(t, nil).Room("m")
	alice := joinLight(t, room, "alice", profileMusicStereo, false)
	bob := joinLight(t, room, "bob", profileMusicStereo, true)
	mono := joinLight(t, room, "mono", profileNone, true)
	alice.play(450, 900)
	bob.until("stereo", apart(450, 900), 450, 900)
	for _, l := range []*light{bob, mono} {
		report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: l.AudioSSRC(), Reports: []rtcp.ReceptionReport{{SSRC: l.peer.audio.ssrc, FractionLost: 26}}}})
		if err != nil {
			t.Fatal(err)
		}
		l.SendRTCP(report)
	}
	var last, lastTS = []byte(nil), uint32(0)
	twice := 0
	for end := time.Now().Add(patience); twice < 50 && time.Now().Before(end); {
		p := bob.next()
		primary := p.payload
		if p.PayloadType == client.REDType {
			blocks, err := rtpx.UnwrapRED(p.payload, nil)
			if err != nil || len(blocks) != 2 || blocks[0].PayloadType != client.OpusType || blocks[1].PayloadType != client.OpusType {
				t.Fatalf("%d blocks, %v", len(blocks), err)
			}
			primary = blocks[1].Payload
			if lastTS == p.TS-rtpx.FrameSamples && (blocks[0].TSOffset != rtpx.FrameSamples || !bytes.Equal(blocks[0].Payload, last)) {
				t.Fatal("the copy is not the packet before")
			}
			twice++
		}
		last, lastTS = primary, p.TS
	}
	if twice < 50 {
		t.Errorf("%d packets held a copy", twice)
	}
	mono.until("mono is protected inside Opus", func(ears) bool {
		p := mono.next()
		return p.PayloadType == client.OpusType && p.payload[0]>>3 < 16
	})
}

// A copy goes along only where it is of use and the packet stays small enough.
func TestCopiesAreLeftOut(t *testing.T) {
	var a audio
	dst := make([]byte, 2*maxWithCopy+100)
	for i, tc := range []struct {
		size    int
		ts      uint32
		twice   bool
		because string
	}{
		{100, 960, false, "nothing was sent before"},
		{100, 1920, true, "the packet before is known"},
		{900, 2880, false, "the two are as long as they may be together"},
		{899, 3840, false, "the one before is long"},
		{100, 4800, true, "the two are a little shorter"},
		{100, 7680, false, "there was a gap"},
	} {
		n := a.putWithCopy(dst, rtpx.Header{PayloadType: 111, TS: tc.ts}, 63, make([]byte, tc.size))
		a.out.lastTS = tc.ts
		if twice := dst[1] == 63; twice != tc.twice || !twice && n != rtpx.HeaderSize+tc.size {
			t.Errorf("packet %d of %d bytes is sent with payload type %d and %d bytes: %s", i, tc.size, dst[1], n, tc.because)
		}
	}
}
