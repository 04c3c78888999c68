package signal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media"
)

// fakeMedia is media without packets: its peers do what the test says.
type fakeMedia struct {
	mu      sync.Mutex
	rooms   map[string]*fakeRoom
	peers   []*fakePeer
	full    bool   // content shares are refused
	hold    func() // called once, by the next join, while it is under way
	events  chan func()
	stopped chan struct{}
}

func newFakeMedia() *fakeMedia {
	m := &fakeMedia{rooms: make(map[string]*fakeRoom), events: make(chan func(), 1024), stopped: make(chan struct{})}
	go func() {
		defer close(m.stopped)
		for fn := range m.events {
			fn()
		}
	}()
	return m
}

func (m *fakeMedia) stop() {
	close(m.events)
	<-m.stopped
}

func (m *fakeMedia) Room(id string) Room {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[id]
	if r == nil {
		r = &fakeRoom{media: m}
		m.rooms[id] = r
	}
	return r
}

func (m *fakeMedia) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peers)
}

// after returns the first peer made after so many.
func (m *fakeMedia) after(t testing.TB, before int) *fakePeer {
	t.Helper()
	eventually(t, func() bool { return m.count() > before }, func() string { return "no peer was made" })
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[len(m.peers)-1]
}

type fakeRoom struct {
	media  *fakeMedia
	closed atomic.Bool
	ears   media.VoiceSink // guarded by media.mu
}

func (r *fakeRoom) Close() { r.closed.Store(true) }

func (r *fakeRoom) Hear(sink media.VoiceSink) {
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	r.ears = sink
}

// listening returns who has the voices.
func (r *fakeRoom) listening() media.VoiceSink {
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	return r.ears
}

func (r *fakeRoom) Join(cfg media.PeerConfig) (Peer, error) {
	r.media.mu.Lock()
	hold := r.media.hold
	r.media.hold = nil
	r.media.mu.Unlock()
	if hold != nil {
		hold()
	}
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	if cfg.Content && r.media.full {
		return nil, media.ErrContentFull
	}
	p := &fakePeer{room: r, cfg: cfg, perms: cfg.Permissions, level: 127, signal: 2}
	r.media.peers = append(r.media.peers, p)
	return p, nil
}

func (r *fakeRoom) Levels(to []media.Level) []media.Level {
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	for _, p := range r.media.peers {
		if p.room == r && !p.closed {
			to = append(to, media.Level{AudioStreamID: p.cfg.AudioStreamID, Level: p.level, Muted: p.muted, Signal: p.signal})
		}
	}
	return to
}

// fakePeer's fields are guarded by the media's mu.
type fakePeer struct {
	room   *fakeRoom
	cfg    media.PeerConfig
	perms  media.Permissions
	offers []media.Offer
	index  media.Index
	err    error // of Subscribe
	answer media.Answer
	level  uint8
	signal uint8
	muted  bool
	closed bool
	calls  []string
}

// with runs fn with the peer's fields at hand.
func (p *fakePeer) with(fn func(p *fakePeer)) {
	p.room.media.mu.Lock()
	defer p.room.media.mu.Unlock()
	fn(p)
}

// event has the media's goroutine call one of the peer's events.
func (p *fakePeer) event(fn func(media.PeerEvents)) {
	p.room.media.events <- func() {
		var gone bool
		p.with(func(p *fakePeer) { gone = p.closed })
		if !gone {
			fn(p.cfg.Events)
		}
	}
}

func (p *fakePeer) Subscribe(_ context.Context, o media.Offer) (media.Answer, error) {
	var err error
	var answer media.Answer
	p.with(func(p *fakePeer) {
		err, answer = p.err, p.answer
		p.offers = append(p.offers, o)
	})
	if err != nil {
		return media.Answer{}, err
	}
	answer.SDP = "answer to " + o.SDP
	return answer, nil
}

func (p *fakePeer) Index() (x media.Index) {
	p.with(func(p *fakePeer) { x = p.index })
	return x
}

func (p *fakePeer) note(format string, args ...any) {
	p.with(func(p *fakePeer) { p.calls = append(p.calls, fmt.Sprintf(format, args...)) })
}

func (p *fakePeer) UpdateVideo(u []media.VideoSubscription, removed []string) {
	p.note("update %+v %v", u, removed)
}

func (p *fakePeer) Pause(ids []uint32) { p.note("pause %v", ids) }

func (p *fakePeer) Resume(ids []uint32) { p.note("resume %v", ids) }

func (p *fakePeer) SetMuted(m bool) { p.with(func(p *fakePeer) { p.muted = m }) }

func (p *fakePeer) SetPermissions(perms media.Permissions) {
	p.with(func(p *fakePeer) { p.perms = perms })
}

func (p *fakePeer) Stats() media.PeerStats { return media.PeerStats{PacketsIn: 7, UplinkLoss: 1.5} }

func (p *fakePeer) Close() { p.with(func(p *fakePeer) { p.closed = true }) }

// up has the peer's media come up, as it does once the client has the answer.
func (p *fakePeer) up() {
	p.event(func(e media.PeerEvents) {
		e.StepDone(media.StepICE, time.Now())
		e.StepDone(media.StepDTLS, time.Now())
		e.Connected()
		e.AudioStarted()
		e.StepDone(media.StepFirstAudioIn, time.Now())
	})
}

// isClosed waits until the peer has been closed.
func (p *fakePeer) isClosed(t testing.TB) {
	t.Helper()
	eventually(t, func() (closed bool) {
		p.with(func(p *fakePeer) { closed = p.closed })
		return closed
	}, func() string { return "media goes on" })
}

// called waits until the peer has got this call.
func (p *fakePeer) called(t testing.TB, want string) {
	t.Helper()
	var calls []string
	eventually(t, func() bool {
		p.with(func(p *fakePeer) { calls = append([]string(nil), p.calls...) })
		for _, c := range calls {
			if c == want {
				return true
			}
		}
		return false
	}, func() string { return fmt.Sprintf("calls %q, want %q", calls, want) })
}
