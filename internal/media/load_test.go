package media

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// The load benchmarks run the clients in a process of their own, so that the
// processor time of this one is the server's. The two speak JSON lines: the
// generator sends offers and is sent answers.

// generatorVariable holds the scenario when this program is the generator.
const generatorVariable = "MEDIA_LOAD_GENERATOR"

// scenario says what the clients do.
type scenario struct {
	Rooms, Members, Talkers, Viewers int
	VideoKbps                        int
	Seconds                          int
	Quiet                            bool // silent members send nothing
}

// message is one line between the processes.
type message struct {
	Room, Member int
	Offer        string   `json:",omitempty"`
	Camera       bool     `json:",omitempty"`
	Watch        bool     `json:",omitempty"`
	Answer       string   `json:",omitempty"`
	Begin, End   bool     `json:",omitempty"`
	Result       *results `json:",omitempty"`
	Error        string   `json:",omitempty"`
}

// results is what the generator saw during the measured seconds.
type results struct {
	AudioIn, AudioOut, VideoIn, VideoOut uint64
	FirstMedia                           []float64 // ms from the offer
}

// generate is the generator's main.
func generate() error {
	var s scenario
	if err := json.Unmarshal([]byte(os.Getenv(generatorVariable)), &s); err != nil {
		return err
	}
	g := &generator{scenario: s, out: json.NewEncoder(os.Stdout), answers: make(map[[2]int]chan string)}
	return g.run()
}

type generator struct {
	scenario
	outMu   sync.Mutex
	out     *json.Encoder
	answers map[[2]int]chan string
	mu      sync.Mutex

	audioIn, audioOut, videoIn, videoOut atomic.Uint64
	clients                              []*client.Client
	speech                               [][]byte
}

func (g *generator) say(m message) {
	g.outMu.Lock()
	defer g.outMu.Unlock()
	_ = g.out.Encode(m)
}

func (g *generator) run() error {
	go g.listen()
	if err := g.record(); err != nil {
		return err
	}
	first, err := g.joinAll()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { g.talk(done) })
	if g.VideoKbps > 0 {
		wg.Go(func() { g.film(done) })
		time.Sleep(300 * time.Millisecond)
		for i := 1; i <= g.Viewers; i++ {
			g.say(message{Member: i, Offer: g.clients[i].Offer(false, 1), Watch: true})
			<-g.answer(0, i)
		}
	}
	result := g.watch()
	close(done)
	wg.Wait()
	result.FirstMedia = first
	g.say(message{Result: &result})
	for _, c := range g.clients {
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

// joinAll connects everybody and returns each one's milliseconds to first media.
func (g *generator) joinAll() (first []float64, err error) {
	cert, err := client.NewCertificate()
	if err != nil {
		return nil, err
	}
	for room := range g.Rooms {
		for member := range g.Members {
			c, err := client.New(cert)
			if err != nil {
				return nil, err
			}
			took, err := g.join(c, room, member)
			if err != nil {
				return nil, fmt.Errorf("room %d member %d: %w", room, member, err)
			}
			first = append(first, took)
			g.clients = append(g.clients, c)
		}
	}
	return first, nil
}

// watch lets jitter buffers and estimates settle and counts for the measured
// seconds.
func (g *generator) watch() results {
	time.Sleep(2 * time.Second)
	before := g.counts()
	g.say(message{Begin: true})
	time.Sleep(time.Duration(g.Seconds) * time.Second)
	g.say(message{End: true})
	after := g.counts()
	after.AudioIn -= before.AudioIn
	after.AudioOut -= before.AudioOut
	after.VideoIn -= before.VideoIn
	after.VideoOut -= before.VideoOut
	return after
}

func (g *generator) counts() results {
	return results{AudioIn: g.audioIn.Load(), AudioOut: g.audioOut.Load(), VideoIn: g.videoIn.Load(), VideoOut: g.videoOut.Load()}
}

func (g *generator) answer(room, member int) chan string {
	g.mu.Lock()
	defer g.mu.Unlock()
	ch := g.answers[[2]int{room, member}]
	if ch == nil {
		ch = make(chan string, 1)
		g.answers[[2]int{room, member}] = ch
	}
	return ch
}

func (g *generator) listen() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var m message
		if json.Unmarshal(in.Bytes(), &m) == nil {
			g.answer(m.Room, m.Member) <- m.Answer
		}
	}
}

// join connects one client and returns the milliseconds to its first media.
func (g *generator) join(c *client.Client, room, member int) (float64, error) {
	c.OnRTP = func(h *rtpx.Header, _ []byte, _ time.Time) {
		if h.PayloadType == client.OpusType {
			g.audioIn.Add(1)
		} else {
			g.videoIn.Add(1)
		}
	}
	camera := g.VideoKbps > 0 && member == 0
	begin := time.Now()
	g.say(message{Room: room, Member: member, Offer: c.Offer(camera, 0), Camera: camera})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := c.Connect(ctx, <-g.answer(room, member)); err != nil {
		return 0, err
	}
	select {
	case <-c.First():
	case <-ctx.Done():
		return 0, fmt.Errorf("no media")
	}
	return float64(time.Since(begin).Microseconds()) / 1000, nil
}

// record encodes a second of sound that rises and falls like a voice.
func (g *generator) record() error {
	enc, err := opus.NewEncoder(opus.EncoderConfig{Bitrate: 32000})
	if err != nil {
		return err
	}
	for i := range 50 {
		pcm := make([]float32, opus.FrameSamples)
		for j := range pcm {
			n := i*len(pcm) + j
			pcm[j] = float32((n%(180+n/480%40)))/900 - 0.1
		}
		packet := make([]byte, opus.MaxPacket)
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			return err
		}
		g.speech = append(g.speech, packet[:n])
	}
	return nil
}

// talk sends everybody's sound, 50 packets a second each, spread over the 20 ms.
func (g *generator) talk(done chan struct{}) {
	const slots = 10
	begin := time.Now()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-time.After(time.Until(begin.Add(time.Duration(i) * 20 * time.Millisecond / slots))):
		}
		for n := i % slots; n < len(g.clients); n += slots {
			if n%g.Members < g.Talkers {
				g.clients[n].SendAudio(g.speech[(i/slots+n)%len(g.speech)], 0x80|20)
			} else if !g.Quiet {
				g.clients[n].SendAudio([]byte{0xF8, 0xFF, 0xFE}, 127)
			} else {
				continue
			}
			g.audioOut.Add(1)
		}
	}
}

// film sends the first client's video: 30 frames a second.
func (g *generator) film(done chan struct{}) {
	begin := time.Now()
	perFrame := g.VideoKbps * 1000 / 8 / 30
	seq := uint16(0)
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-time.After(time.Until(begin.Add(time.Duration(i) * time.Second / 30))):
		}
		for left := perFrame; left > 0; left -= 1100 {
			g.clients[0].SendRTP(g.frame(seq, uint32(i)*3000, i%60 == 0 && left == perFrame, left <= 1100, min(max(left, 20), 1100)))
			seq++
			g.videoOut.Add(1)
		}
	}
}

// frame makes one packet of a VP8 frame.
func (g *generator) frame(seq uint16, ts uint32, key, marker bool, size int) []byte {
	b := make([]byte, 1400)
	n := rtpx.PutHeader(b, rtpx.Header{PayloadType: client.VP8Type, Seq: seq, TS: ts, SSRC: g.clients[0].VideoSSRC(), Marker: marker})
	if key {
		copy(b[n:], []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00})
	} else {
		copy(b[n:], []byte{0x00, 0x01})
	}
	return b[:n+size]
}

// measured is what a run cost the server.
type measured struct {
	results
	cores       float64
	joinCPU     float64 // ms each
	heapPerPeer float64 // MiB, resident growth
}

// measure runs a scenario against a node of this process.
func measure(b *testing.B, s scenario) measured {
	b.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), generatorVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	t := &trial{
		b: b, scenario: s, node: newNode(b, nil), peers: make(map[[2]int]*Peer), reply: json.NewEncoder(in),
		rss: residentMiB(), cpu: cpuTime(),
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			b.Fatal(err)
		}
		t.handle(m)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return t.measured
}

// trial is the server's side of a run.
type trial struct {
	scenario
	measured
	b     *testing.B
	node  *Node
	peers map[[2]int]*Peer
	reply *json.Encoder
	rss   float64
	cpu   time.Duration
	begun time.Time
}

func (t *trial) handle(m message) {
	switch {
	case m.Offer != "":
		answer := serveOffer(t.b, t.node, t.peers, m)
		if err := t.reply.Encode(message{Room: m.Room, Member: m.Member, Answer: answer}); err != nil {
			t.b.Fatal(err)
		}
		if len(t.peers) == t.Rooms*t.Members && t.joinCPU == 0 {
			t.joinCPU = float64((cpuTime() - t.cpu).Microseconds()) / 1000 / float64(len(t.peers))
		}
	case m.Begin:
		t.heapPerPeer = (residentMiB() - t.rss) / float64(len(t.peers))
		t.begun, t.cpu = time.Now(), cpuTime()
	case m.End:
		t.cores = float64(cpuTime()-t.cpu) / float64(time.Since(t.begun))
	case m.Result != nil:
		t.results = *m.Result
	}
}

// serveOffer plays the signaling door.
func serveOffer(b *testing.B, n *Node, peers map[[2]int]*Peer, msg message) string {
	b.Helper()
	room := n.Room(fmt.Sprint(msg.Room))
	id := [2]int{msg.Room, msg.Member}
	p := peers[id]
	if p == nil {
		var err error
		p, err = room.Join(PeerConfig{AttendeeID: fmt.Sprint(msg.Member), AudioStreamID: uint32(msg.Member + 1), Permissions: AllPermissions()})
		if err != nil {
			b.Fatal(err)
		}
		peers[id] = p
	}
	offer := Offer{SDP: msg.Offer}
	if msg.Camera {
		offer.Duplex, offer.SendVideo = true, []VideoDescriptor{{MaxKbps: 1500}}
	}
	if msg.Watch {
		sources := p.Index().Sources
		if len(sources) == 0 {
			b.Fatal("nothing to watch")
		}
		offer.ReceiveStreamIDs = []uint32{0, sources[0].StreamID}
	}
	a, err := p.Subscribe(context.Background(), offer)
	if err != nil {
		b.Fatal(err)
	}
	return a.SDP
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func residentMiB() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident float64
	_, _ = fmt.Sscan(string(text), &size, &resident)
	return resident * float64(os.Getpagesize()) / (1 << 20)
}

// BenchmarkLoad measures whole scenarios over loopback sockets. Run with
// -benchtime 1x: one run takes several seconds.
func BenchmarkLoad(b *testing.B) {
	for _, bm := range []struct {
		name string
		s    scenario
	}{
		{"20 all talking", scenario{Rooms: 1, Members: 20, Talkers: 20}},
		{"50 all talking", scenario{Rooms: 1, Members: 50, Talkers: 50}},
		{"one voice to 100", scenario{Rooms: 1, Members: 101, Talkers: 1, Quiet: true}},
		{"one voice to 100, listeners send silence", scenario{Rooms: 1, Members: 101, Talkers: 1}},
		{"250 with 5 talking", scenario{Rooms: 1, Members: 250, Talkers: 5}},
		{"video to 50", scenario{Rooms: 1, Members: 51, Viewers: 50, VideoKbps: 1500, Quiet: true}},
		{"300 rooms of one", scenario{Rooms: 300, Members: 1}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				bm.s.Seconds = 6
				m := measure(b, bm.s)
				packets := float64(m.AudioIn+m.AudioOut+m.VideoIn+m.VideoOut) / float64(bm.s.Seconds)
				expected := float64(bm.s.Rooms * bm.s.Members * 50 * bm.s.Seconds)
				slices.Sort(m.FirstMedia)
				b.ReportMetric(m.cores, "cores")
				b.ReportMetric(1e6*m.cores/packets, "us/packet")
				b.ReportMetric(100*float64(m.AudioIn)/expected, "%audio")
				if m.VideoOut > 0 {
					b.ReportMetric(100*float64(m.VideoIn)/float64(m.VideoOut)/float64(bm.s.Viewers), "%video")
				}
				b.ReportMetric(m.joinCPU, "ms-cpu/join")
				b.ReportMetric(m.FirstMedia[len(m.FirstMedia)/2], "ms-first-media")
				b.ReportMetric(m.heapPerPeer, "MiB/peer")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}
