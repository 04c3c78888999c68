package capture

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// clapper is a client that clicks and flashes at the same moment, again and
// again, and whose camera needs long to encode.
type clapper struct {
	t       *testing.T
	client  *client.Client
	began   time.Time
	enc     opus.Encoder
	pcm     [rtpx.FrameSamples]float32
	packet  [opus.MaxPacket]byte
	shades  map[bool][]byte // a picture for each: lit or not
	sounds  int             // frames sent
	shots   int             // pictures sent
	reports int
}

const (
	clapEvery = 1500 * time.Millisecond
	clapFor   = 150 * time.Millisecond
	// slowest is how long the camera needs for a picture, at most.
	slowest = 350 * time.Millisecond
)

// claps reports whether it clicks and flashes then, since it began.
func claps(at time.Duration) bool { return at%clapEvery < clapFor }

// newClapper joins a room.
func newClapper(t *testing.T, room *media.Room, attendee string) *clapper {
	t.Helper()
	cert, err := client.NewCertificate()
	must(t, err)
	c := &clapper{t: t, shades: map[bool][]byte{false: shade(t, "black"), true: shade(t, "white")}}
	c.client, err = client.New(cert)
	must(t, err)
	peer, err := room.Join(media.PeerConfig{
		AttendeeID: attendee, AudioStreamID: 1, Permissions: media.Permissions{AudioSend: true, AudioReceive: true, VideoSend: true, VideoReceive: true},
	})
	must(t, err)
	t.Cleanup(func() {
		must(t, c.client.Close())
		peer.Close()
	})
	answer, err := peer.Subscribe(t.Context(), media.Offer{SDP: c.client.Offer(true, 0), Duplex: true, SendVideo: []media.VideoDescriptor{{MaxKbps: 1500, Framerate: 30}}})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, c.client.Connect(ctx, answer.SDP))
	c.enc, err = opus.NewEncoder(opus.EncoderConfig{Channels: opus.Mono})
	must(t, err)
	return c
}

// shade is a picture of one colour, in VP8.
func shade(t *testing.T, colour string) []byte {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color="+colour+":s=320x180", "-frames:v", "1", "-c:v", "libvpx", "-f", "ivf", "-").Output()
	if err != nil {
		t.Fatal("this test needs Debian's ffmpeg:", err)
	}
	const fileHeader, frameHeader = 32, 12
	return out[fileHeader+frameHeader:]
}

// run sends until ctx ends.
func (c *clapper) run(ctx context.Context) {
	c.began = time.Now()
	for ctx.Err() == nil {
		now := time.Since(c.began)
		for ; soundFrame*time.Duration(c.sounds+1) <= now; c.sounds++ {
			c.say()
		}
		for ; c.ready(c.shots) <= now; c.shots++ {
			c.show(c.captured(c.shots))
		}
		for ; time.Duration(c.reports)*500*time.Millisecond <= now; c.reports++ {
			c.report()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *clapper) captured(n int) time.Duration { return time.Duration(n) * time.Second / 30 }

// ready returns when a picture has been encoded.
func (c *clapper) ready(n int) time.Duration {
	return c.captured(n) + slowest - time.Duration(n*7919%100)*time.Millisecond
}

// say sends the next 20 ms of sound.
func (c *clapper) say() {
	for i := range c.pcm {
		at := c.sounds*rtpx.FrameSamples + i
		loud := 0.02 // heard all the time
		if claps(time.Duration(at) * time.Second / rtpx.SampleRate) {
			loud = 0.5
		}
		c.pcm[i] = float32(loud * math.Sin(2*math.Pi*1000*float64(at)/rtpx.SampleRate))
	}
	n, err := c.enc.Encode(c.pcm[:], c.packet[:])
	if err != nil {
		c.t.Error(err)
	}
	c.client.SendAudio(c.packet[:n], 20)
}

// show sends the picture that was captured then.
func (c *clapper) show(at time.Duration) {
	var b [1400]byte
	h := rtpx.Header{
		PayloadType: client.VP8Type, Seq: uint16(c.shots), TS: c.videoTime(at), SSRC: c.client.VideoSSRC(), Marker: true,
	}
	n := rtpx.PutHeader(b[:], h)
	b[n] = 0x10 // the beginning of a partition (RFC 7741 §4.2)
	n += 1 + copy(b[n+1:], c.shades[claps(at)])
	c.client.SendRTP(b[:n])
}

// videoTime is an RTP time of the camera, which runs over soon.
func (c *clapper) videoTime(at time.Duration) uint32 {
	return uint32(at*90/time.Millisecond) - 200_000
}

// report sends sender reports, by a clock that is two hours ahead of ours.
func (c *clapper) report() {
	at := time.Since(c.began)
	wall := c.began.Add(at + 2*time.Hour)
	ntp := uint64(wall.Unix()+2208988800)<<32 | uint64(wall.Nanosecond())<<32/1e9
	for _, r := range []*rtcp.SenderReport{
		{SSRC: c.client.AudioSSRC(), NTPTime: ntp, RTPTime: uint32(at * 48 / time.Millisecond)},
		{SSRC: c.client.VideoSSRC(), NTPTime: ntp, RTPTime: c.videoTime(at)},
	} {
		raw, err := r.Marshal()
		if err != nil {
			c.t.Error(err)
		}
		c.client.SendRTCP(raw)
	}
}

// together is how far apart a click and a flash may be that were sent together.
const together = 80 * time.Millisecond

func TestSoundAndPictureAreInStep(t *testing.T) {
	dir := t.TempDir()
	h := newHouse(t, Directory(dir), nil)
	m := h.meeting()
	c := newClapper(t, h.node.Room(m.ID.String()), "ann")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	defer func() { cancel(); <-done }()
	p := h.recordWith(m, meeting.PipelineSettings{Artifacts: meeting.Artifacts{Audio: true, Video: true}, ActiveSpeakerVideo: true})
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	for until := time.Now().Add(12 * time.Second); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		h.listener(m.ID).Speaking("ann", time.Now())
	}
	h.stop(p.ID)
	h.untilStatus(p.ID, meeting.PipelineStopped)
	pieces, all := 0, []time.Duration(nil)
	for _, path := range mp4sIn(t, filepath.Join(dir, "bucket", "p", audioFolder)) {
		if offs := offsets(clicks(t, path), flashes(t, path)); len(offs) > 0 {
			pieces++
			all = append(all, offs...)
		}
	}
	checkStep(t, "the pieces", all)
	if pieces < 2 {
		t.Errorf("%d pieces with clicks and flashes", pieces)
	}
	join := h.joinAll(p)
	h.untilStatus(join.ID, meeting.PipelineStopped)
	whole := filepath.Join(dir, "bucket", "joined", audioFolder, join.ID.String()+".mp4")
	camera := filepath.Join(dir, "bucket", "joined", videoFolder, join.ID.String()+".mp4")
	for _, path := range []string{whole, camera} {
		offs := offsets(clicks(t, whole), flashes(t, path))
		if len(offs) < 5 {
			t.Errorf("%s: only %d flashes with a click", path, len(offs))
		}
		checkStep(t, path, offs)
	}
}

// checkStep looks at how long after each click its flash is. One may be off: a
// machine that stood still for a moment cannot do better.
func checkStep(t *testing.T, path string, offs []time.Duration) {
	t.Helper()
	t.Logf("%s: flashes are %v behind clicks", filepath.Base(path), offs)
	if len(offs) == 0 {
		return
	}
	slices.Sort(offs)
	if middle := offs[len(offs)/2]; middle.Abs() > together {
		t.Errorf("%s: flashes are %s behind clicks", path, middle)
	}
}

// offsets returns by how much each flash comes after the click next to it.
func offsets(clicks, flashes []time.Duration) (offs []time.Duration) {
	for _, f := range flashes {
		for _, c := range clicks {
			if off := f - c; off.Abs() < clapEvery/2 {
				offs = append(offs, off)
			}
		}
	}
	return offs
}

func mp4sIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	for _, name := range files(t, dir) {
		if strings.HasSuffix(name, ".mp4") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}

// decode has ffmpeg decode a file into raw data, with the times that are in it.
func decode(t *testing.T, path string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-copyts", "-i", path}, args...), "-")...).Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	return out
}

// clicks returns when a file begins to be loud, in steps of 5 ms.
func clicks(t *testing.T, path string) []time.Duration {
	pcm := decode(t, path, "-map", "0:a", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "8000", "-f", "s16le")
	const step = 40 * 2
	return onsets(len(pcm)/step, 5*time.Millisecond, func(i int) bool {
		for at := i * step; at < (i+1)*step; at += 2 {
			if s := int16(binary.LittleEndian.Uint16(pcm[at:])); s > 6000 || s < -6000 {
				return true
			}
		}
		return false
	})
}

// flashes returns when a file begins to be bright, in steps of 5 ms; nothing
// without pictures.
func flashes(t *testing.T, path string) []time.Duration {
	if got, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=index", "-of", "csv=p=0", path).Output(); err != nil || len(got) == 0 {
		return nil
	}
	grey := decode(t, path, "-map", "0:v", "-vf", "fps=200:start_time=0,scale=1:1,format=gray", "-f", "rawvideo")
	return onsets(len(grey), 5*time.Millisecond, func(i int) bool { return grey[i] > 128 })
}

// onsets returns the beginnings of what lasts, but for one at the very beginning.
func onsets(n int, step time.Duration, on func(i int) bool) (list []time.Duration) {
	last := -time.Second
	if n > 0 && on(0) {
		last = 0
	}
	for i := range n {
		if !on(i) {
			continue
		}
		at := time.Duration(i) * step
		if at-last > clapEvery/2 {
			list = append(list, at)
		}
		last = at
	}
	return list
}

// joinAll concatenates everything of a capture.
func (h *house) joinAll(source *meeting.Pipeline) *meeting.Pipeline {
	h.t.Helper()
	p, err := h.plane.CreatePipeline(context.Background(), meeting.NewPipeline{
		Kind: meeting.ConcatenationPipeline, Owner: recorders, ClientRequestToken: fmt.Sprint("all", source.ID),
		Settings: meeting.PipelineSettings{Bucket: "bucket", Prefix: "joined", Source: source.ID, Artifacts: meeting.Artifacts{Audio: true, Video: true, Content: true, MeetingEvents: true}},
	}, func(context.Context) error { return nil })
	must(h.t, err)
	return p
}

// recordWith begins to record a meeting as the settings say.
func (h *house) recordWith(m meeting.Summary, s meeting.PipelineSettings) *meeting.Pipeline {
	h.t.Helper()
	s.Bucket, s.Prefix = "bucket", "p"
	n := meeting.NewPipeline{Kind: meeting.CapturePipeline, Owner: recorders, ClientRequestToken: m.ID.String(), Meeting: m.ID, Settings: s}
	p, err := h.plane.CreatePipeline(context.Background(), n, func(ctx context.Context) error { return h.service.Ready(ctx, &n) })
	must(h.t, err)
	return p
}
