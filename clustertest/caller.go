package clustertest

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

const (
	joinWithin = 15 * time.Second
	// silenceMost is after how long without a packet a caller gives its
	// connection up, as browsers do after some seconds.
	silenceMost = 4 * time.Second
	// soundLeast is the size of a packet that has somebody's voice in it, in
	// bytes: silence takes three.
	soundLeast = 12
)

// Caller is an attendee who talks all the time, listens, and comes back whenever
// the connection ends, until it is told that it must not.
type Caller struct {
	// Meeting is the id of the meeting.
	Meeting string

	url, token string
	through    *http.Client
	cert       tls.Certificate
	session    uint64
	verdict    *Verdict

	heard  atomic.Int64 // when a packet with sound came last, ns since the epoch
	packet atomic.Int64 // when any packet came last

	mu   sync.Mutex
	line *client.Client // guarded by mu; nil while not connected
	why  error          // guarded by mu; the last failure
}

// Heard is when the caller heard somebody last.
func (c *Caller) Heard() time.Time { return time.Unix(0, c.heard.Load()) }

// Err is why the caller's last connection ended or did not come about.
func (c *Caller) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// Run takes part until ctx ends.
func (c *Caller) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := c.visit(ctx)
		if ctx.Err() != nil {
			return
		}
		c.mu.Lock()
		c.why = err
		c.mu.Unlock()
		c.verdict.Count("reconnections")
		if final(err) {
			c.verdict.Find(Stranded, "a caller of meeting %s is refused for good: %v", c.Meeting, err)
			return
		}
		select { // amazon-chime-sdk-js waits up to a second before its first attempt
		case <-ctx.Done():
		case <-time.After(rand.N(time.Second)):
		}
	}
}

// visit joins, and returns why the connection ended.
func (c *Caller) visit(ctx context.Context) error {
	line, err := client.New(c.cert)
	if err != nil {
		return err
	}
	defer func() { _ = line.Close() }()
	line.OnRTP = c.receive
	d, err := c.join(ctx, line)
	if err != nil {
		return err
	}
	defer d.Close()
	c.mu.Lock()
	c.line = line
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.line = nil
		c.mu.Unlock()
	}()
	c.packet.Store(time.Now().UnixNano())
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.Done():
			return d.Err()
		case <-look.C:
			if quiet := time.Since(time.Unix(0, c.packet.Load())); quiet > silenceMost {
				return fmt.Errorf("nothing heard for %v", quiet)
			}
		}
	}
}

// join goes through a browser's start.
func (c *Caller) join(ctx context.Context, line *client.Client) (d *door.Door, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	opened, err := door.Dial(ctx, c.through, c.url, c.token, func(*wire.Index) {})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	answer, err := opened.Enter(ctx, c.session, line.Offer(false, 0), false)
	if err != nil {
		return nil, err
	}
	return opened, line.Connect(ctx, answer)
}

// receive runs on the connection's goroutine.
func (c *Caller) receive(h *rtpx.Header, pkt []byte, at time.Time) {
	c.packet.Store(at.UnixNano())
	if len(h.Payload(pkt)) >= soundLeast {
		c.heard.Store(at.UnixNano())
	}
}

func (c *Caller) say(packet []byte) {
	c.mu.Lock()
	line := c.line
	c.mu.Unlock()
	if line != nil {
		const voiceAt20 = 0x80 | 20 // RFC 6464: voice, 20 dB below full scale
		line.SendAudio(packet, voiceAt20)
	}
}

// Party is meetings with callers, all of whom talk.
type Party struct {
	// Callers are all of them, those of a meeting together.
	Callers []*Caller

	stop    context.CancelFunc
	running sync.WaitGroup
}

// callersEach is how many callers a meeting has: each hears the other.
const callersEach = 2

// NewParty makes meetings with two callers each through the balancer and lets
// them come.
func NewParty(c *Cluster, v *Verdict, meetings int) (*Party, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Party{stop: cancel}
	cert, err := client.NewCertificate()
	if err == nil {
		err = p.invite(ctx, c, v, meetings, cert)
	}
	var speech [][]byte
	if err == nil {
		speech, err = hum()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	for _, x := range p.Callers {
		p.running.Go(func() { x.Run(ctx) })
	}
	p.running.Go(func() { p.talk(ctx, speech) })
	return p, nil
}

func (p *Party) invite(ctx context.Context, c *Cluster, v *Verdict, meetings int, cert tls.Certificate) error {
	api := newAPI(c.Balancer.Client(), stockAttempts)
	for i := range meetings {
		name := fmt.Sprintf("party-%08x-%d", rand.Uint32(), i)
		out, err := api.CreateMeeting(ctx, &sdk.CreateMeetingInput{
			ClientRequestToken: &name, ExternalMeetingId: &name, MediaRegion: aws.String("us-east-1"),
		})
		if err != nil {
			return err
		}
		id := aws.ToString(out.Meeting.MeetingId)
		made, err := invite(ctx, api, id, []string{"ada", "bob"}[:callersEach])
		if err != nil {
			return err
		}
		for _, a := range made {
			p.Callers = append(p.Callers, &Caller{
				Meeting: id, url: aws.ToString(out.Meeting.MediaPlacement.SignalingUrl), token: a.token,
				through: c.Balancer.Client(), cert: cert, session: rand.Uint64(), verdict: v,
			})
		}
	}
	return nil
}

// talk sends everybody's sound, 50 packets a second each.
func (p *Party) talk(ctx context.Context, speech [][]byte) {
	begun := time.Now()
	for frame := 0; ctx.Err() == nil; frame++ {
		for _, c := range p.Callers {
			c.say(speech[frame%len(speech)])
		}
		const frameTime = 20 * time.Millisecond
		time.Sleep(time.Until(begun.Add(time.Duration(frame+1) * frameTime)))
	}
}

// Close lets everybody go.
func (p *Party) Close() {
	p.stop()
	p.running.Wait()
}

// HeardSince returns the callers who have heard nobody since the time.
func (p *Party) HeardSince(t time.Time) (deaf []*Caller) {
	for _, c := range p.Callers {
		if !c.Heard().After(t) {
			deaf = append(deaf, c)
		}
	}
	return deaf
}

// WaitHeard waits until all callers have heard somebody after the time, and
// returns those who have not.
func (p *Party) WaitHeard(t time.Time, within time.Duration) (deaf []*Caller) {
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		if deaf = p.HeardSince(t); len(deaf) == 0 || time.Now().After(end) {
			return deaf
		}
	}
}

// hum returns a second of a tone, encoded.
func hum() ([][]byte, error) {
	enc, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		return nil, err
	}
	var packets [][]byte
	pcm := make([]float32, opus.FrameSamples)
	for frame := range 50 {
		for i := range pcm {
			pcm[i] = float32(0.3 * math.Sin(2*math.Pi*440*float64(frame*len(pcm)+i)/opus.SampleRate))
		}
		packet := make([]byte, opus.MaxPacket)
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			return nil, err
		}
		packets = append(packets, packet[:n])
	}
	return packets, nil
}
