package meeting

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

const (
	patience   = 20 * time.Second // for any answer of the server
	maxWatched = 25               // videos a client receives at most
)

// role is what an attendee does.
type role int

const (
	listening role = iota
	talking
	filming
)

// counts are packets since the run began.
type counts struct{ audioSent, audioHeard, videoSent, videoSeen atomic.Uint64 }

// attendee is one scripted attendee. join, watch and leave are called by one
// goroutine at a time.
type attendee struct {
	role    role
	url     string
	token   string
	session uint64
	cert    tls.Certificate
	total   *counts
	ear     *ear // nil for all but one
	offset  int  // where in the speech it begins

	door   *door.Door
	camera *camera
	mu     sync.Mutex
	client *client.Client // nil while not connected
	since  time.Time      // of the connection
	// here is how long it has been connected before since.
	here  time.Duration
	shown []uint32 // videos there are
	news  chan struct{}
}

func newAttendee(kind role, url, token string, cert tls.Certificate, total *counts, offset int) *attendee {
	return &attendee{role: kind, url: url, token: token, session: rand.Uint64(), cert: cert, total: total, offset: offset, news: make(chan struct{}, 1)}
}

// joined is what joining took, from before the socket is opened.
type joined struct{ answered, media time.Duration }

// join goes through a client's start: socket, JOIN, SUBSCRIBE, ICE, DTLS, first
// packet. It then waits neither for others nor for their video.
func (a *attendee) join(ctx context.Context) (j joined, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	end, err := client.New(a.cert)
	if err != nil {
		return j, err
	}
	end.OnRTP = a.receive
	if a.role == filming {
		a.camera = &camera{}
		end.OnRTCP = a.camera.rtcp
	}
	begin := time.Now()
	if a.door, err = door.Dial(ctx, nil, a.url, a.token, a.index); err != nil {
		_ = end.Close()
		return j, err
	}
	if err = a.enter(ctx, end, begin, &j); err != nil {
		a.door.Close()
		_ = end.Close()
		return j, err
	}
	a.mu.Lock()
	a.client, a.since = end, time.Now()
	a.mu.Unlock()
	return j, nil
}

// enter does what follows the open socket.
func (a *attendee) enter(ctx context.Context, end *client.Client, begin time.Time, j *joined) error {
	if err := a.door.Send(ctx, door.Ping(wire.PingPong_PING, 1)); err != nil {
		return err
	}
	answer, err := a.door.Enter(ctx, a.session, end.Offer(false, 0), a.role != talking)
	if err != nil {
		return err
	}
	j.answered = time.Since(begin)
	if err := end.Connect(ctx, answer); err != nil {
		return err
	}
	select {
	case <-end.First():
		j.media = time.Since(begin)
	case <-ctx.Done():
		return fmt.Errorf("no media: %w", ctx.Err())
	}
	return nil
}

// index notes what there is to watch.
func (a *attendee) index(x *wire.Index) {
	var streams []uint32
	for _, s := range x.GetSources() {
		streams = append(streams, s.GetStreamId())
	}
	a.mu.Lock()
	a.shown = streams
	a.mu.Unlock()
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// show starts the camera with another SUBSCRIBE.
func (a *attendee) show(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ack, err := a.door.Ask(ctx, door.Subscribe(a.client.Offer(true, 0), true, a.filmed(), nil), wire.Frame_SUBSCRIBE_ACK)
	if err == nil && len(ack.GetSubscribeAck().GetAllocations()) != 1 {
		err = fmt.Errorf("camera refused: %v", ack.GetError())
	}
	return err
}

// filmed is what its camera announces; nil when it has none.
func (a *attendee) filmed() *door.Camera {
	if a.role != filming {
		return nil
	}
	return &door.Camera{Kbps: videoKbps, Rate: videoRate}
}

// watch waits until n videos are listed and subscribes to them.
func (a *attendee) watch(ctx context.Context, n int) error {
	n = min(n, maxWatched)
	if n <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var streams []uint32
	for {
		a.mu.Lock()
		streams = slices.Clone(a.shown)
		a.mu.Unlock()
		if len(streams) >= n {
			break
		}
		select {
		case <-a.news:
		case <-a.door.Done():
			return fmt.Errorf("waiting for video: connection ended: %w", a.door.Err())
		case <-ctx.Done():
			return fmt.Errorf("waiting for video: %d of %d listed: %w", len(streams), n, ctx.Err())
		}
	}
	f := door.Subscribe(a.client.Offer(a.role == filming, n), a.role != talking, a.filmed(), streams[:n])
	_, err := a.door.Ask(ctx, f, wire.Frame_SUBSCRIBE_ACK)
	return err
}

// receive counts a packet; it runs on the connection's goroutine.
func (a *attendee) receive(h *rtpx.Header, pkt []byte, at time.Time) {
	if h.PayloadType != client.OpusType {
		a.total.videoSeen.Add(1)
		return
	}
	a.total.audioHeard.Add(1)
	if a.ear != nil {
		a.ear.hear(h, pkt, at)
	}
}

// say sends one frame of sound, if connected.
func (a *attendee) say(s sound) bool {
	a.mu.Lock()
	client := a.client
	a.mu.Unlock()
	if client == nil {
		return false
	}
	client.SendAudio(s.packet, s.level)
	a.total.audioSent.Add(1)
	return true
}

// film sends one picture, if connected.
func (a *attendee) film() {
	a.mu.Lock()
	client := a.client
	a.mu.Unlock()
	if client != nil {
		a.total.videoSent.Add(uint64(a.camera.shoot(client)))
	}
}

// connected is how long it has been connected in all, until now.
func (a *attendee) connected(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil {
		return a.here
	}
	return a.here + now.Sub(a.since)
}

// gone returns why the signaling connection ended by itself, nil if it did not.
func (a *attendee) gone() error {
	if a.door == nil {
		return nil
	}
	return a.door.Err()
}

// leave ends the connection, politely or by cutting it.
func (a *attendee) leave(ctx context.Context, politely bool) {
	a.mu.Lock()
	end := a.client
	a.client = nil
	if end != nil {
		a.here += time.Since(a.since)
	}
	a.shown = nil
	a.mu.Unlock()
	if end == nil {
		return
	}
	if politely {
		ctx, cancel := context.WithTimeout(ctx, patience)
		_, _ = a.door.Ask(ctx, door.Leave(), wire.Frame_LEAVE_ACK) // gone in any case
		cancel()
		_ = end.Shut()
	}
	a.door.Close()
	a.door = nil
	_ = end.Close()
}

// silence is what a muted browser sends.
func silence() sound { return sound{packet: opus.Silence(), level: 127} }
