package media

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/mix"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/transport"
)

// Peer is one client connection. All methods are safe for concurrent use.
type Peer struct {
	room *Room
	cfg  PeerConfig
	conn *transport.Conn
	up   *forward.Uplink
	down *forward.Downlink

	audio      audio
	member     atomic.Pointer[mix.Member] // nil while not connected or without sound
	rtt        atomic.Int64               // nanoseconds, 0 unknown
	lossDown   atomic.Uint32
	capBps     atomic.Uint64 // what it may usefully send, see uplinkCap
	counts     rtcpCounts
	indexDirty atomic.Bool
	closed     atomic.Bool
	seenVideo  atomic.Bool

	// negotiation serialises Subscribe; it is taken before all other locks.
	negotiation sync.Mutex
	session     uint64
	version     uint64 // answers given
	camera      string // mid of the sending section, once known

	mu      sync.Mutex // guards what follows
	perms   Permissions
	muted   bool
	decoder codecMask // codecs the client decodes, 0 unknown
	stalled bool      // own video has been reported as not arriving
	timers  timers
}

// timers say when periodic work was last done.
type timers struct {
	adapt, bitrates, reports time.Time
}

func newPeer(r *Room, cfg PeerConfig) (*Peer, error) {
	p := &Peer{room: r, cfg: cfg, perms: cfg.Permissions, session: rand.Uint64() >> 2}
	conn, err := r.node.listener.Open(p)
	if err != nil {
		return nil, err
	}
	p.conn = conn
	p.audio.init(p)
	p.up = forward.NewUplink(p.audio.ssrc, conn, p.videoLive)
	p.down = forward.NewDownlink(conn, cfg.ServerSideAdaption)
	return p, nil
}

// post delivers an event, unless the peer has been closed by then.
func (p *Peer) post(fn func(PeerEvents)) {
	if p.cfg.Events == nil {
		return
	}
	p.room.node.events.Push(func() {
		if !p.closed.Load() {
			fn(p.cfg.Events)
		}
	})
}

func (p *Peer) step(name string, at time.Time) {
	p.post(func(e PeerEvents) { e.StepDone(name, at) })
}

// Checked implements transport.Handler.
func (p *Peer) Checked(at time.Time) { p.step(StepICE, at) }

// Connected implements transport.Handler.
func (p *Peer) Connected(at time.Time) {
	p.step(StepDTLS, at)
	p.post(func(e PeerEvents) { e.Connected() })
	p.joinSound()
}

// Failed implements transport.Handler.
func (p *Peer) Failed(err error) {
	p.leaveSound()
	p.unpublish()
	p.room.node.setVideo(p, false)
	reason := ErrHandshake
	switch {
	case errors.Is(err, transport.ErrTimeout):
		reason = ErrTimeout
	case errors.Is(err, transport.ErrPeerClosed):
		reason = ErrClosedByClient
	}
	p.post(func(e PeerEvents) { e.Failed(errors.Join(reason, err)) })
}

// RTP implements transport.Handler.
func (p *Peer) RTP(h *rtpx.Header, pkt []byte, at time.Time) {
	if p.audio.receive(h, pkt, at) {
		return
	}
	if p.up.RTP(h, pkt, at) && !p.seenVideo.Load() && !p.seenVideo.Swap(true) {
		p.step(StepFirstVideoIn, at)
	}
}

// videoLive is called when the first packet of a layer has come; first says that
// it is the publication's first.
func (p *Peer) videoLive(pub *forward.Publication, first bool) {
	p.room.node.events.Push(func() {
		if p.up.Publication() != pub {
			return
		}
		if first {
			p.post(func(e PeerEvents) { e.VideoStarted() })
		}
		p.room.changed()
	})
}

// unpublish ends the peer's own video.
func (p *Peer) unpublish() {
	pub := p.up.Unpublish()
	if pub == nil {
		return
	}
	if pub.Live() {
		p.post(func(e PeerEvents) { e.VideoStopped() })
	}
	p.updateVideo()
	p.room.ended()
}

// updateVideo enters the peer among those with video, or takes it out.
func (p *Peer) updateVideo() {
	has := !p.closed.Load() && (p.up.Publication() != nil || p.down.Watching() > 0)
	p.room.node.setVideo(p, has)
}

// refresh gives up watching what is over or not permitted any more. A publication
// that publishers does not know yet was begun, and permitted, after it was made.
func (p *Peer) refresh(publishers map[*forward.Publication]*Peer) {
	p.down.Refresh(func(pub *forward.Publication) bool {
		owner := publishers[pub]
		return !pub.Ended() && (owner == nil || p.sees(owner))
	})
	p.updateVideo()
}

func (p *Peer) permissions() Permissions {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.perms
}

func (p *Peer) decodes() codecMask {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.decoder
}

// SetMuted says whether the client is muted; a muted peer is not mixed.
func (p *Peer) SetMuted(muted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted = muted
	if member := p.member.Load(); member != nil {
		member.SetMuted(muted)
	}
}

// SetPermissions changes what the peer may do, at once and in both directions.
// Video it may no longer send is no longer published.
func (p *Peer) SetPermissions(permissions Permissions) {
	p.mu.Lock()
	old := p.perms
	p.perms = permissions
	if member := p.member.Load(); member != nil {
		member.SetSend(permissions.AudioSend)
		member.SetReceive(permissions.AudioReceive && !p.cfg.Content)
	}
	p.mu.Unlock()
	if !permissions.VideoSend {
		p.unpublish()
	}
	p.refresh(p.room.publishers())
	if old != permissions {
		p.indexChanged()
	}
}

// Pause stops sending these streams to the peer until Resume.
func (p *Peer) Pause(streamIDs []uint32) { p.down.SetPaused(streamIDs, true, p.room.node.now()) }

// Resume takes up again what Pause stopped.
func (p *Peer) Resume(streamIDs []uint32) {
	p.down.SetPaused(streamIDs, false, p.room.node.now())
	p.room.node.listener.Flush()
}

// Close ends the connection. When it returns no media of the peer's goes
// anywhere and none goes to it.
func (p *Peer) Close() {
	if p.closed.Swap(true) {
		return
	}
	p.conn.Close()
	p.leaveSound()
	p.room.remove(p)
	p.unpublish()
	p.down.Close()
	p.room.node.setVideo(p, false)
	p.room.changed()
}
