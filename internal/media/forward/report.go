package forward

import (
	"time"

	"github.com/pion/rtcp"
)

// SenderReports describes what is being sent, for the subscriber's clock and
// round trip.
func (d *Downlink) SenderReports(now time.Time, ntp uint64) []*rtcp.SenderReport {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*rtcp.SenderReport
	for _, s := range d.subs {
		if r := s.track.report(now, ntp); r != nil {
			out = append(out, r)
		}
	}
	return out
}

func (t *Track) report(now time.Time, ntp uint64) *rtcp.SenderReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.packets == 0 || t.current == nil {
		return nil
	}
	return &rtcp.SenderReport{
		SSRC: t.cfg.SSRC, NTPTime: ntp,
		RTPTime:     t.lastTS + uint32(now.Sub(t.lastAt).Seconds()*videoClock),
		PacketCount: uint32(t.packets), OctetCount: uint32(t.octets),
	}
}

// DownlinkStats is a snapshot.
type DownlinkStats struct {
	Kbps          int // now
	Watching      int // sections that show something
	Retransmitted uint64
	AvailableKbps int // estimate, 0 unknown
}

// Stats is a snapshot of what goes to the subscriber.
func (d *Downlink) Stats(now time.Time) DownlinkStats {
	s := DownlinkStats{Watching: d.Watching(), AvailableKbps: int(d.Estimate(now) / 1000)}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sub := range d.subs {
		t := sub.track
		t.mu.Lock()
		s.Kbps += int(t.sentBits.PerSecond(now) / 1000)
		s.Retransmitted += t.resends
		t.mu.Unlock()
	}
	return s
}
