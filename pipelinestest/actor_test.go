package pipelinestest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// actors take part in a meeting with real pictures and a real sound, which can be
// recognised in what becomes of them: each shows one colour, and hums.

const (
	filmRate     = 15 // pictures a second
	packetBytes  = 1100
	humming      = 440 // Hz
	hummingLevel = 20  // dB below full scale
	silentLevel  = 127
)

// stage is a meeting with actors.
type stage struct {
	t    *testing.T
	id   string
	url  string
	api  *chimesdkmeetings.Client
	done context.Context

	acting sync.WaitGroup
	exits  []func()
}

func (sc *scene) stage() *stage {
	sc.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stage{t: sc.t, done: ctx, api: chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: "us-east-1", BaseEndpoint: &sc.server.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})}
	sc.t.Cleanup(func() {
		cancel()
		s.acting.Wait()
		for _, exit := range s.exits {
			exit()
		}
	})
	out, err := s.api.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("token"), ExternalMeetingId: aws.String("meeting"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		sc.t.Fatal(err)
	}
	s.id, s.url = *out.Meeting.MeetingId, *out.Meeting.MediaPlacement.SignalingUrl
	return s
}

// enter has an actor join who shows a colour, as ffmpeg names it, and hums when
// loud.
func (s *stage) enter(name, colour string, loud bool) {
	s.t.Helper()
	made, err := s.api.CreateAttendee(s.done, &chimesdkmeetings.CreateAttendeeInput{MeetingId: &s.id, ExternalUserId: &name})
	if err != nil {
		s.t.Fatal(err)
	}
	cert, err := client.NewCertificate()
	if err != nil {
		s.t.Fatal(err)
	}
	end, err := client.New(cert)
	if err != nil {
		s.t.Fatal(err)
	}
	end.OnRTP = func(*rtpx.Header, []byte, time.Time) {}
	d, err := door.Dial(s.done, nil, s.url, *made.Attendee.JoinToken, func(*wire.Index) {})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := d.Send(s.done, door.Ping(wire.PingPong_PING, 1)); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.done, patience)
	defer cancel()
	answer, err := d.Enter(ctx, rand.Uint64(), end.Offer(false, 0), false)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := end.Connect(ctx, answer); err != nil {
		s.t.Fatal(err)
	}
	s.ask(d, door.Subscribe(end.Offer(true, 0), false, &door.Camera{Kbps: 500, Rate: filmRate}, nil), wire.Frame_SUBSCRIBE_ACK)
	pictures, sound := filmOf(s.t, colour), hum(s.t, loud)
	s.exits = append(s.exits, func() { d.Close(); _ = end.Close() })
	s.acting.Go(func() { every(s.done, 20*time.Millisecond, func(i int) { sound(end, i) }) })
	s.acting.Go(func() {
		c := camera{to: end}
		every(s.done, time.Second/filmRate, func(i int) { c.shoot(pictures[i%len(pictures)]) })
	})
}

func (s *stage) ask(d *door.Door, f *wire.Frame, want wire.Frame_Type) *wire.Frame {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.done, patience)
	defer cancel()
	answer, err := d.Ask(ctx, f, want)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// every calls tick at each interval until ctx ends, and catches up when it was
// late.
func every(ctx context.Context, interval time.Duration, tick func(i int)) {
	begin := time.Now()
	for i := 0; ; i++ {
		tick(i)
		timer := time.NewTimer(time.Until(begin.Add(time.Duration(i+1) * interval)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// filmOf returns a film of one colour in VP8, each of whose pictures is a key
// frame.
func filmOf(t *testing.T, colour string) (pictures [][]byte) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("color=c=%s:size=320x180:rate=%d", colour, filmRate), "-frames:v", "15",
		"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-g", "1", "-f", "ivf", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	const head, pictureHead = 32, 12
	for out = out[head:]; len(out) >= pictureHead; {
		n := int(binary.LittleEndian.Uint32(out))
		pictures = append(pictures, out[pictureHead:pictureHead+n])
		out = out[pictureHead+n:]
	}
	return pictures
}

// camera sends pictures in packets (RFC 7741).
type camera struct {
	to      *client.Client
	seq     uint16
	picture int
}

func (c *camera) shoot(data []byte) {
	for first := true; len(data) > 0; first = false {
		part := data[:min(packetBytes, len(data))]
		data = data[len(part):]
		var b [1400]byte
		h := rtpx.Header{PayloadType: client.VP8Type, Seq: c.seq, TS: uint32(c.picture) * 90000 / filmRate, SSRC: c.to.VideoSSRC(), Marker: len(data) == 0}
		n := rtpx.PutHeader(b[:], h)
		b[n] = 0 // payload descriptor
		if first {
			b[n] = 0x10
		}
		n += 1 + copy(b[n+1:], part)
		c.to.SendRTP(b[:n])
		c.seq++
	}
	c.picture++
}

// hum returns what sends the i-th packet of a sound, or of silence.
func hum(t *testing.T, loud bool) func(to *client.Client, i int) {
	t.Helper()
	if !loud {
		return func(to *client.Client, _ int) { to.SendAudio(opus.Silence(), silentLevel) }
	}
	encoder, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	pcm, packet := make([]float32, opus.FrameSamples), make([]byte, opus.MaxPacket)
	return func(to *client.Client, i int) {
		for k := range pcm {
			pcm[k] = float32(0.2 * math.Sin(2*math.Pi*humming*float64(i*opus.FrameSamples+k)/opus.SampleRate))
		}
		n, err := encoder.Encode(pcm, packet)
		if err != nil {
			t.Error(err)
		}
		to.SendAudio(packet[:n], 0x80|hummingLevel)
	}
}

func meetingToDelete(id string) *chimesdkmeetings.DeleteMeetingInput {
	return &chimesdkmeetings.DeleteMeetingInput{MeetingId: &id}
}
