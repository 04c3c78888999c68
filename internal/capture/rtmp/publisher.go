package rtmp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Config says where to publish.
type Config struct {
	Target meeting.StreamTarget
	// Dial opens a connection to the target's address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  *tls.Config // for rtmps; nil trusts the system's authorities
	// Again says that the stream was published before, by a process that is gone.
	Again bool
	// Published is called when the server has taken the stream, for the first time
	// or again; Lost when it has not or takes it no longer, once for each attempt.
	// Both are called by Run.
	Published func()
	Lost      func(err error)
}

// Times of a publisher.
const (
	// FirstWithin is for the server to take the stream in the first place.
	FirstWithin = 60 * time.Second
	// AgainWithin is for it to take the stream again.
	AgainWithin = 5 * time.Minute
	firstRetry  = time.Second
	lastRetry   = 30 * time.Second
	// backlog is how much of the stream waits for a slow server. What is more is
	// dropped, up to a key frame.
	backlog = 5 * time.Second
)

// Errors of Run.
var (
	ErrNever = errors.New("the RTMP server did not take the stream")
	ErrLost  = errors.New("the connection to the RTMP server was lost and did not come back")
)

// Publisher publishes one stream. Its methods are safe for concurrent use.
type Publisher struct {
	cfg  Config
	wake chan struct{} // receives when there is something to send

	mu      sync.Mutex
	heads   map[flv.Kind]flv.Tag // what a decoder must be told first
	waiting []flv.Tag            // begins with a key frame; grows only while open
	open    bool                 // there is a connection
	synced  bool                 // a key frame has come since it was opened, or since something was dropped
}

// New returns a publisher of a stream that has not begun.
func New(cfg Config) *Publisher {
	return &Publisher{cfg: cfg, wake: make(chan struct{}, 1), heads: make(map[flv.Kind]flv.Tag)}
}

// Write takes the next tag of the stream. It never blocks. The tag must not be
// changed after.
func (p *Publisher) Write(t flv.Tag) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.Kind == flv.Script || t.Header() {
		p.heads[t.Kind] = t
		if !p.synced {
			return // sent when it begins
		}
	}
	if !p.open {
		return
	}
	if p.synced && len(p.waiting) > 0 && t.At-p.waiting[0].At > backlog {
		p.waiting, p.synced = nil, false
	}
	if !p.synced {
		if !t.Key() {
			return
		}
		p.synced = true
		p.waiting = append(p.waiting, p.beginningLocked(t.At)...)
	}
	p.waiting = append(p.waiting, t)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// beginningLocked is what is sent before the first key frame.
func (p *Publisher) beginningLocked(at time.Duration) (list []flv.Tag) {
	for _, k := range []flv.Kind{flv.Script, flv.Video, flv.Audio} {
		if t, ok := p.heads[k]; ok {
			t.At = at
			list = append(list, t)
		}
	}
	return list
}

// Run publishes until ctx ends, or until the server did not take the stream for
// too long: ErrNever, ErrLost.
func (p *Publisher) Run(ctx context.Context) error {
	since, limit, failed := time.Now(), FirstWithin, ErrNever
	if p.cfg.Again {
		limit, failed = AgainWithin, ErrLost
	}
	wait := firstRetry
	for {
		published, err := p.once(ctx, time.Until(since.Add(limit)))
		if ctx.Err() != nil {
			return nil
		}
		if published {
			since, limit, failed, wait = time.Now(), AgainWithin, ErrLost, firstRetry
		}
		p.cfg.Lost(err)
		left := time.Until(since.Add(limit))
		if left <= 0 {
			return failed
		}
		timer := time.NewTimer(min(wait, left))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		wait = min(2*wait, lastRetry)
	}
}

// once makes one connection, at the latest after so long, and publishes on it
// until it ends.
func (p *Publisher) once(ctx context.Context, within time.Duration) (published bool, err error) {
	dialing, stop := context.WithTimeout(ctx, within)
	defer stop()
	raw, err := p.cfg.Dial(dialing, "tcp", p.cfg.Target.Address)
	if err != nil {
		return false, err
	}
	c, err := open(dialing, raw, p.cfg.Target, p.cfg.TLS)
	if err != nil {
		return false, err
	}
	stop()
	p.cfg.Published()
	return true, p.pump(ctx, c)
}

// pump sends what is written until the connection or ctx ends.
func (p *Publisher) pump(ctx context.Context, c *conn) error {
	ended := make(chan error, 1)
	var listening sync.WaitGroup
	listening.Go(func() { ended <- c.listen() })
	p.setOpen(true)
	err := p.send(ctx, c, ended)
	p.setOpen(false)
	_ = c.Close()
	listening.Wait()
	return err
}

func (p *Publisher) setOpen(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open, p.synced, p.waiting = open, false, nil
}

func (p *Publisher) send(ctx context.Context, c *conn, ended <-chan error) error {
	var begun bool
	var base time.Duration
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return err
		case <-p.wake:
		}
		p.mu.Lock()
		batch := p.waiting
		p.waiting = nil
		p.mu.Unlock()
		for i := range batch {
			if !begun {
				begun, base = true, batch[i].At
			}
			c.send(&batch[i], max(batch[i].At-base, 0))
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
}
