package forward

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	// transportInterval is how often arrival times are reported to the client,
	// whose estimate of its bandwidth lives on them.
	transportInterval = 80 * time.Millisecond
	// periodicKey is how often shared content is asked for a key frame unasked.
	periodicKey = 10 * time.Second
	// capRefresh is how often a bandwidth limit is repeated.
	capRefresh = time.Second
)

// TickOptions is what an Uplink must know for a tick.
type TickOptions struct {
	// RTT to the client, 0 if unknown.
	RTT time.Duration
	// PeriodicKeys asks for key frames of shared content every ten seconds.
	PeriodicKeys bool
	// CapBps limits what the client may send in bits per second, 0 does not.
	CapBps uint64
}

// Tick sends the feedback that is due: requests for missing packets and key
// frames, arrival times, a bandwidth limit. Call it every 20 ms while video
// comes in.
func (u *Uplink) Tick(now time.Time, o TickOptions) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if o.RTT == 0 {
		o.RTT = 80 * time.Millisecond
	}
	u.tickNACKLocked(now, o.RTT)
	if u.recorded && now.Sub(u.lastSent) >= transportInterval {
		u.recorded, u.lastSent = false, now
		for _, p := range u.recorder.BuildFeedbackPacket() {
			u.send(p)
		}
	}
	if u.pub == nil {
		return
	}
	for _, l := range u.pub.layers {
		l.tick(now)
	}
	u.tickPeriodicLocked(now, o.PeriodicKeys)
	u.tickCapLocked(now, o.CapBps)
}

// tickNACKLocked asks for missing packets of layers that somebody watches.
func (u *Uplink) tickNACKLocked(now time.Time, rtt time.Duration) {
	for slot, s := range u.bySlot {
		if s == nil || s.Missing() == 0 {
			continue
		}
		u.scratch = s.Due(u.scratch[:0], now, rtt)
		if len(u.scratch) == 0 || u.pub == nil || slot >= len(u.pub.layers) || !u.pub.layers[slot].watched() {
			continue
		}
		u.nacks.Add(uint64(len(u.scratch)))
		u.send(&rtcp.TransportLayerNack{
			SenderSSRC: u.ssrc, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(u.scratch),
		})
	}
}

// tickPeriodicLocked asks for a key frame of watched content now and then, so that a
// viewer whose own request was lost is helped, as the real service does.
func (u *Uplink) tickPeriodicLocked(now time.Time, wanted bool) {
	if !wanted || !u.pub.Content || now.Sub(u.keyAt) < periodicKey {
		return
	}
	u.keyAt = now
	for _, l := range u.pub.layers {
		if l.watched() && l.keyAge(now) >= periodicKey {
			l.RequestKeyFrame(now)
		}
	}
}

// tickCapLocked tells the client of a limit (REMB), and when it is lifted.
func (u *Uplink) tickCapLocked(now time.Time, bps uint64) {
	const unlimited = 1 << 40
	switch {
	case bps == 0 && u.capped == 0:
		return
	case bps == u.capped && now.Sub(u.cappedAt) < capRefresh:
		return
	case bps != 0 && u.capped != 0 && now.Sub(u.cappedAt) < capRefresh/4:
		return
	}
	u.capped, u.cappedAt = bps, now
	limit := float32(bps)
	if bps == 0 {
		limit = unlimited
	}
	var ssrcs []uint32
	for _, s := range u.bySlot {
		if s != nil {
			ssrcs = append(ssrcs, s.ssrc)
		}
	}
	if len(ssrcs) > 0 {
		u.send(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: u.ssrc, Bitrate: limit, SSRCs: ssrcs})
	}
}

// requestKeyFrame asks for a key frame of a layer; false if its stream is not
// known yet. It takes no lock, as viewers call it from anywhere.
func (u *Uplink) requestKeyFrame(slot int) bool {
	ssrc := u.ssrcs[slot].Load()
	if ssrc == 0 {
		return false
	}
	u.plis.Add(1)
	u.send(&rtcp.PictureLossIndication{SenderSSRC: u.ssrc, MediaSSRC: ssrc})
	return true
}

func (u *Uplink) send(p rtcp.Packet) {
	if raw, err := p.Marshal(); err == nil {
		u.control.SendRTCP(raw)
	}
}

// UplinkStats is a snapshot.
type UplinkStats struct {
	Kbps        int     // now
	Loss        float64 // worst stream in the last report interval, 0..1
	NACKs, PLIs uint64  // sent
}

// Stats is a snapshot.
func (u *Uplink) Stats(now time.Time) UplinkStats {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := UplinkStats{Kbps: int(u.bits.PerSecond(now) / 1000), NACKs: u.nacks.Load(), PLIs: u.plis.Load()}
	for _, primary := range u.bySlot {
		if primary != nil {
			s.Loss = max(s.Loss, primary.Lost())
		}
	}
	return s
}
