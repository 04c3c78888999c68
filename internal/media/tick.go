package media

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/forward"
)

const (
	adaptInterval   = 200 * time.Millisecond
	bitrateInterval = 2 * time.Second
	// reports go out this often to peers with video, and to those without.
	videoReports = time.Second
	audioReports = 4 * time.Second
)

// due says whether an interval has passed since last, and if so moves last.
func due(last *time.Time, interval time.Duration, now time.Time) bool {
	if now.Sub(*last) < interval {
		return false
	}
	*last = now
	return true
}

// tickVideo serves a peer with video, every fastTick.
func (p *Peer) tickVideo(now time.Time) {
	p.up.Tick(now, forward.TickOptions{
		RTT:          time.Duration(p.rtt.Load()),
		PeriodicKeys: !p.cfg.NoPeriodicKeyFrames,
		CapBps:       p.capBps.Load(),
	})
	p.down.Pad(now)
	p.mu.Lock()
	adapt := due(&p.timers.adapt, adaptInterval, now)
	rates := due(&p.timers.bitrates, bitrateInterval, now)
	p.mu.Unlock()
	if adapt {
		p.capBps.Store(p.uplinkCap(now))
		paused, resumed := p.down.Tick(now)
		if len(paused) > 0 {
			p.post(func(e PeerEvents) { e.Paused(paused) })
		}
		if len(resumed) > 0 {
			p.post(func(e PeerEvents) { e.Resumed(resumed) })
		}
	}
	if rates && p.down.Watching() > 0 {
		p.reportBitrates(now)
	}
}

// reportBitrates tells the owner what flows.
func (p *Peer) reportBitrates(now time.Time) {
	available := int(p.down.Estimate(now) / 1000)
	p.post(func(e PeerEvents) {
		var rates []StreamBitrate
		for _, s := range p.Index().Sources {
			rates = append(rates, StreamBitrate{s.StreamID, s.AvgBps})
		}
		e.Bitrates(rates, available)
	})
}

// uplinkCap is what the peer may usefully send in bits per second, 0 for as much
// as it likes. Where two talk to each other and no layers can be chosen from,
// the only way not to flood the receiver is that the sender sends less.
func (p *Peer) uplinkCap(now time.Time) uint64 {
	pub := p.up.Publication()
	if pub == nil || len(pub.Layers()) != 1 {
		return 0
	}
	var viewer *Peer
	for _, o := range p.room.members() {
		if o.cfg.Owner == p.cfg.Owner || o.cfg.Content {
			continue
		}
		if viewer != nil {
			return 0
		}
		viewer = o
	}
	if viewer == nil || viewer.down.Watching() != 1 {
		return 0
	}
	return viewer.down.Congested(now)
}

// tick serves every peer, every slowTick.
func (p *Peer) tick(now time.Time) {
	interval := audioReports
	pub := p.up.Publication()
	if pub != nil || p.down.Watching() > 0 {
		interval = videoReports
	}
	stalled := pub != nil && pub.Stalled(now)
	p.mu.Lock()
	report := p.conn.IsConnected() && due(&p.timers.reports, interval, now)
	turned := stalled != p.stalled
	p.stalled = stalled
	p.mu.Unlock()
	if report {
		p.sendReports(now)
	}
	if turned {
		p.room.changed()
	}
}
