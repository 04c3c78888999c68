package compose

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// hall is a room whose cameras send pictures of one colour each, all of them key
// frames. The package sees what a listener of a real room hands it: packets.
type hall struct {
	mu     sync.Mutex
	videos []media.Video
	coded  map[uint32][]byte // by group: the picture
	sinks  map[uint32]func(*media.VideoPacket)
}

func (h *hall) Videos() []media.Video {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.videos)
}

func (h *hall) Take(v media.Video, sink func(*media.VideoPacket)) *media.VideoTap {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sinks[v.GroupID] = sink
	return nil
}

// enter switches a video on: that of an attendee, or with "#content" a share.
func (h *hall) enter(attendee string, coded []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	group := uint32(len(h.videos) + 1)
	h.videos = append(h.videos, media.Video{GroupID: group, AttendeeID: attendee, Content: strings.HasSuffix(attendee, meeting.ContentSuffix)})
	h.coded[group] = coded
}

// send sends the picture of each video once.
func (h *hall) send(seq uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for group, sink := range h.sinks {
		const begins = 0x10 // a payload descriptor with S set (RFC 7741 §4.2)
		sink(&media.VideoPacket{
			StreamID: group, Codec: rtpx.VP8, Seq: seq, TS: uint32(seq) * 9000, Marker: true, At: time.Now(),
			Payload: append([]byte{begins}, h.coded[group]...), Info: rtpx.Info{Key: true},
		})
	}
}

// keyFrame codes one picture of a colour.
func keyFrame(t *testing.T, width, height int, name string) []byte {
	t.Helper()
	cmd := exec.Command(program(t), strings.Fields(fmt.Sprintf("-v error -f rawvideo -pix_fmt yuv420p -s %dx%d -i - -c:v libvpx -b:v 2M -f ivf -", width, height))...)
	cmd.Stdin = bytes.NewReader(painted(width, height, colourNamed(name)).data)
	out, err := cmd.Output()
	if err != nil || len(out) < 44 {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	return out[44:] // behind the heads of the file and of the picture
}

// film gathers what a Show makes.
type film struct {
	mu     sync.Mutex
	track  mp4.Track
	stream []byte // the pictures since the last key frame, as a byte stream
	sound  int    // tags of sound
}

func (f *film) take(tag flv.Tag) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case tag.Kind == flv.Audio:
		f.sound++
	case tag.Kind != flv.Video:
	case tag.Header():
		f.track.Config = slices.Clone(tag.Picture())
	case len(tag.Picture()) > 4:
		if tag.Key() {
			f.stream = nil
		}
		f.stream = append(f.stream, byteStream(&frame.Picture{Data: tag.Picture(), Key: tag.Key(), Track: f.track})...)
	}
}

// last decodes the last picture; nil if there is none yet.
func (f *film) last(t *testing.T, width, height int) *Picture {
	f.mu.Lock()
	stream := slices.Clone(f.stream)
	f.mu.Unlock()
	cmd := exec.Command(program(t), "-v", "quiet", "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	cmd.Stdin = bytes.NewReader(stream)
	out, _ := cmd.Output() // what cannot be decoded yet is no picture
	size := pictureBytes(width, height)
	if len(out) < size || len(out)%size != 0 {
		return nil
	}
	return &Picture{Width: width, Height: height, data: out[len(out)-size:]}
}

// wrong says which points of a picture, "x,y", do not have the colours that are
// named for them.
func wrong(p *Picture, want map[string]string) (list []string) {
	if p == nil {
		return []string{"there is no picture"}
	}
	const near = 16 // what coding may change
	for at, name := range want {
		xText, yText, _ := strings.Cut(at, ",")
		x, _ := strconv.Atoi(xText)
		y, _ := strconv.Atoi(yText)
		got, c := p.at(x, y), colourNamed(name)
		for i := range c {
			if d := int(got[i]) - int(c[i]); d > near || d < -near {
				list = append(list, fmt.Sprintf("%s is %v, want %s", at, got, name))
				break
			}
		}
	}
	slices.Sort(list)
	return list
}

// layout is one case of TestEveryTileStandsWhereItsLayoutSays.
type layout struct {
	name     string
	change   func(*meeting.Composition)
	alone    bool // who is speaking is shown, and nothing else
	videos   []string
	speaking string
	want     map[string]string // colours of points
}

// Of the videos, ann's is red, bob's green, eve's blue, and what is shared yellow.
// Cameras are 4:3 and the share 16:9, so that one sees what is cropped and what is
// whole: where a tile is 16:9 a camera that is whole has black beside it.
var layouts = []layout{
	{
		name: "a grid of three", videos: []string{"ann", "bob", "eve"},
		want: map[string]string{
			"90,10": "Red", "550,350": "Red", "40,180": "Black", "600,180": "Black",
			"730,10": "Green", "1190,350": "Green", "410,370": "Blue", "870,710": "Blue", "200,540": "Black", "1100,540": "Black",
		},
	},
	{
		name: "a grid on an upright canvas of 1080 by 1920", videos: []string{"ann", "bob"},
		change: func(c *meeting.Composition) { c.CanvasOrientation, c.Resolution = "Portrait", "FHD" },
		want:   map[string]string{"10,480": "Red", "1070,480": "Red", "540,20": "Black", "10,1440": "Green", "1070,1440": "Green", "540,1900": "Black"},
	},
	{
		name: "the presenter in a corner", videos: []string{"ann", "bob", "bob#content", "eve"},
		change: func(c *meeting.Composition) { c.PresenterPosition = "BottomLeft" },
		want: map[string]string{
			"5,5": "Yellow", "1275,5": "Yellow", "1275,715": "Yellow", "5,715": "Yellow", "640,360": "Yellow",
			"44,504": "Green", "356,504": "Green", "44,676": "Green", "356,676": "Green", "370,600": "Yellow", "200,490": "Yellow",
		},
	},
	{
		name: "who spoke last in a corner", videos: []string{"ann", "bob", "ann#content", "eve"}, speaking: "eve",
		change: func(c *meeting.Composition) { c.ContentShareLayout = "ActiveSpeakerOnly" },
		want:   map[string]string{"5,5": "Yellow", "1275,715": "Yellow", "924,44": "Blue", "1236,44": "Blue", "924,216": "Blue", "1236,216": "Blue", "910,100": "Yellow"},
	},
	{
		name: "a row below, the presenter first", videos: []string{"ann", "bob", "bob#content", "eve"},
		change: func(c *meeting.Composition) { c.ContentShareLayout = "Horizontal" },
		want: map[string]string{
			"640,10": "Yellow", "170,270": "Yellow", "1110,530": "Yellow", "100,270": "Black",
			"164,544": "Green", "476,716": "Green", "484,544": "Red", "796,716": "Red", "804,544": "Blue", "1116,716": "Blue", "80,630": "Black", "1200,630": "Black",
		},
	},
	{
		name: "a row on top, by who spoke last", videos: []string{"ann", "bob", "eve", "ann#content"}, speaking: "eve",
		change: func(c *meeting.Composition) {
			c.ContentShareLayout = "Horizontal"
			c.Horizontal = meeting.TileLayout{Position: "Top", Order: "SpeakerSequence", Count: 3, AspectRatio: "16/9"}
			c.Attribute = meeting.VideoAttribute{HighlightColor: "White", BorderThickness: 8}
		},
		want: map[string]string{
			"640,480": "Yellow", "220,110": "Red", "640,110": "Blue", "1060,110": "Green", // ann is the presenter
			"640,3": "White", "220,10": "Red",
		},
	},
	{
		name: "a column on the left", videos: []string{"ann", "bob", "ann#content"},
		change: func(c *meeting.Composition) {
			c.ContentShareLayout = "Vertical"
			c.Vertical = meeting.TileLayout{Position: "Left", Count: 2, AspectRatio: "9/16"}
		},
		want: map[string]string{"4,4": "Red", "196,356": "Red", "4,364": "Green", "196,716": "Green", "740,360": "Yellow", "220,360": "Yellow", "1270,360": "Yellow"},
	},
	{
		name: "a column on the right of four places", videos: []string{"ann", "bob", "bob#content"},
		change: func(c *meeting.Composition) { c.ContentShareLayout = "Vertical" },
		want:   map[string]string{"1260,184": "Green", "1260,356": "Green", "1260,364": "Red", "1260,536": "Red", "1260,100": "Black", "600,360": "Yellow"},
	},
	{
		name: "a share without cameras", videos: []string{"ann#content"},
		want: map[string]string{"5,5": "Yellow", "1275,715": "Yellow"},
	},
	{
		name: "who is speaking", videos: []string{"ann", "bob", "ann#content"}, speaking: "bob", alone: true,
		want: map[string]string{"170,5": "Green", "1110,715": "Green", "640,360": "Green", "80,360": "Black", "1200,360": "Black"},
	},
	{
		name: "nobody", want: map[string]string{"5,5": "Black", "640,360": "Black", "1275,715": "Black"},
	},
}

// Real pictures go through real decoders and the real encoder, and the points of what
// comes out have the colours of those who are to be there.
func TestEveryTileStandsWhereItsLayoutSays(t *testing.T) {
	coded := map[string][]byte{
		"ann": keyFrame(t, 320, 240, "Red"), "bob": keyFrame(t, 320, 240, "Green"), "eve": keyFrame(t, 320, 240, "Blue"), "content": keyFrame(t, 640, 360, "Yellow"),
	}
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			room := &hall{coded: map[uint32][]byte{}, sinks: map[uint32]func(*media.VideoPacket){}}
			var out film
			show, err := New(Config{
				FFmpeg: program(t), Film: Film{Rate: 5, KeyEvery: 5, Sound: &Sound{1, 48000}}, Composition: *composition(c.change), SpeakerOnly: c.alone, Out: out.take,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer show.Close()
			for _, who := range c.videos {
				name, content := strings.CutSuffix(who, meeting.ContentSuffix)
				if content {
					name = "content"
				}
				room.enter(who, coded[name])
				show.Review(room)
			}
			show.Speaking(c.speaking)
			defer play(show, room)()
			width, height := composition(c.change).Size()
			var bad []string
			for deadline := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
				if bad = wrong(out.last(t, width, height), c.want); bad == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal(strings.Join(bad, "\n"))
				}
			}
			out.mu.Lock()
			defer out.mu.Unlock()
			if out.sound == 0 {
				t.Error("there is no sound")
			}
		})
	}
}

// play has the room send, and its mix be heard, until the returned function is
// called.
func play(show *Show, room *hall) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			if n%5 == 0 {
				room.send(uint16(n / 5))
			}
			show.WriteFrame(opus.Silence(), uint32(n*rtpx.FrameSamples), false)
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
