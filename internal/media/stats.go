package media

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/media/mix"
	"github.com/carillon-meetings/carillon/internal/media/netio"
)

// signal grades the connection: 0 nothing arrives, 1 weak, 2 good.
func (p *Peer) signal(now time.Time) uint8 {
	const (
		gone     = 3 * time.Second
		hopeless = 50 // percent lost
		weak     = 8
	)
	if !p.conn.IsConnected() {
		return 0
	}
	if last := p.audio.last.Load(); last != 0 && now.Sub(time.Unix(0, last)) > gone {
		return 0
	}
	switch lost := max(100*p.audio.loss(), float64(p.lossDown.Load())); {
	case lost >= hopeless:
		return 0
	case lost >= weak:
		return 1
	}
	return 2
}

// NodeStats is a snapshot of what a node has done since its start.
type NodeStats struct {
	Mixer mix.Stats
	UDP   netio.Counters
}

// Stats is a snapshot of the node's counters.
func (n *Node) Stats() NodeStats {
	return NodeStats{Mixer: n.engine.Stats(), UDP: n.listener.Counters()}
}

// Stats is a snapshot of the peer's counters.
func (p *Peer) Stats() PeerStats {
	now := p.room.node.now()
	c := p.conn.Counters()
	up, down := p.up.Stats(now), p.down.Stats(now)
	s := PeerStats{
		Connected: p.conn.IsConnected(),
		PacketsIn: c.PacketsIn, PacketsOut: c.PacketsOut,
		BytesIn: c.BytesIn, BytesOut: c.BytesOut, Discarded: c.Discarded,
		UplinkLoss:   100 * max(p.audio.loss(), up.Loss),
		DownlinkLoss: float64(p.lossDown.Load()),
		RTTMillis:    int(time.Duration(p.rtt.Load()).Milliseconds()),
		VideoKbpsIn:  up.Kbps, VideoKbpsOut: down.Kbps,
		NACKsIn: p.counts.nacksIn.Load(), NACKsOut: up.NACKs,
		PLIsIn: p.counts.plisIn.Load(), PLIsOut: up.PLIs,
		Retransmitted: down.Retransmitted, AvailableKbps: down.AvailableKbps, Watching: down.Watching,
	}
	if addr, tcp, ok := p.conn.Remote(); ok {
		s.Protocol, s.Remote = "udp", addr.String()
		if tcp {
			s.Protocol = "tcp"
		}
	}
	s.AudioLevel, _ = p.loudness()
	if member := p.member.Load(); member != nil {
		a := member.Stats()
		s.AudioConcealed, s.AudioLate, s.AudioBuffered = a.Concealed, a.Late, int(a.Delay.Milliseconds())
	}
	return s
}
