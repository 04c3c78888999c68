package forward

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// headroom is the share of the estimate that may be divided upwards; what is
	// in use may exceed it a little, as both are measured. Sound needs no share:
	// it is not part of what the estimate is made from.
	headroom, overrun = 0.85, 1.05
	// firstHold is how long the choice stays before it goes up; it doubles each
	// time a rise led straight back to congestion, up to lastHold.
	firstHold = 3 * time.Second
	lastHold  = 24 * time.Second
	// calm is how long no congestion must have shown before a probe, and the
	// least time between two.
	calm = 4 * time.Second
	// lastPause is how long the pauses between probes that find nothing grow.
	lastPause = 32 * time.Second
	// patience is how long a track waits for a key frame before it asks again.
	patience = time.Second
)

// Tick renews the choice of layers; call it about five times a second. It
// returns the groups that were paused and resumed for want of bandwidth.
func (d *Downlink) Tick(now time.Time) (pausedGroups, resumedGroups []uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.adaptive {
		pausedGroups, resumedGroups = d.adapt(now)
	} else {
		for _, s := range d.subs {
			s.apply(false, now)
		}
	}
	for _, s := range d.subs {
		s.remind(now)
	}
	return pausedGroups, resumedGroups
}

// remind asks again for a key frame that does not come.
func (s *subscription) remind(now time.Time) {
	current, wanted := s.track.layers()
	if wanted == nil || wanted == current {
		s.asked = now
		return
	}
	if now.Sub(s.asked) >= patience && wanted.Info(now).Flowing {
		s.asked = now
		wanted.RequestKeyFrame(now)
	}
}

// adapt divides the bandwidth anew. The caller holds mu.
func (d *Downlink) adapt(now time.Time) (pausedGroups, resumedGroups []uint32) {
	subs, demands := d.demands(now)
	bps, known := d.est.estimate(now)
	if !known {
		bps = maxBps // nothing speaks against it yet
	}
	budget := float64(bps) / 1000
	down := allocate(int(budget*overrun), demands)
	choice := make([]int, len(demands))
	fell := false
	for i := range demands {
		choice[i] = min(demands[i].current, down[i])
		fell = fell || choice[i] < demands[i].current
	}
	if d.holdUp == 0 {
		d.holdUp = firstHold
	}
	switch {
	case fell:
		d.back(now)
	case now.Sub(d.stable) >= d.holdUp || !d.known:
		d.rise(int(budget*headroom), demands, choice, now)
	}
	d.known = len(subs) > 0
	for i, s := range subs {
		was := s.serverPaused
		s.settle(demands[i].options, choice[i], now)
		switch {
		case s.serverPaused && !was:
			pausedGroups = append(pausedGroups, s.Pub.GroupID)
		case was && !s.serverPaused:
			resumedGroups = append(resumedGroups, s.Pub.GroupID)
		}
	}
	d.probe(demands, now)
	return pausedGroups, resumedGroups
}

// back notes that the choice had to go down: if that was soon after it went up,
// the next rise waits longer.
func (d *Downlink) back(now time.Time) {
	if !d.raised.IsZero() && now.Sub(d.raised) < 2*d.holdUp {
		d.holdUp = min(2*d.holdUp, lastHold)
	} else {
		d.holdUp = firstHold
	}
	d.stable = now
}

// rise lifts the choice as far as the budget goes.
func (d *Downlink) rise(budget int, demands []demand, choice []int, now time.Time) {
	up := allocate(budget, demands)
	rose := false
	for i := range demands {
		if up[i] > choice[i] {
			choice[i], rose = up[i], true
		}
	}
	if rose {
		d.stable, d.raised = now, now
	}
}

// demands lists what wants bandwidth: subscriptions of publications that flow.
func (d *Downlink) demands(now time.Time) (subs []*subscription, demands []demand) {
	for _, s := range d.subs {
		if s.Pub == nil || s.userPaused {
			continue
		}
		dem := s.demand(now)
		if len(dem.rates) == 0 {
			s.apply(true, now)
			continue
		}
		subs, demands = append(subs, s), append(demands, dem)
	}
	return subs, demands
}

// demand puts together what a subscription may take and what it takes. The
// layers of simulcast are its steps, or else those inside a single encoding.
func (s *subscription) demand(now time.Time) demand {
	dem := demand{priority: s.Priority, target: int(s.TargetKbps), current: paused}
	for _, l := range s.Pub.layers {
		dem.options = append(dem.options, l.options(len(s.Pub.layers) == 1, now)...)
	}
	taken, cut := s.track.taken()
	for i, o := range dem.options {
		dem.rates = append(dem.rates, o.kbps)
		dem.nominal = append(dem.nominal, o.nominal)
		if !s.serverPaused && o.layer == taken && (dem.current == paused || !below(cut, o.cut)) {
			dem.current = i
		}
	}
	if dem.current == paused && !s.serverPaused {
		dem.current = 0 // its layer has ceased: begin with the lowest
	}
	dem.current = min(dem.current, dem.best()) // less may be wanted than before
	return dem
}

// below says whether a point holds less than another.
func below(a, b point) bool { return a.sid < b.sid || a.tid < b.tid }

// settle carries out the choice of an option.
func (s *subscription) settle(options []option, choice int, now time.Time) {
	s.serverPaused = choice == paused
	if s.serverPaused {
		s.track.choose(nil, now)
		return
	}
	s.track.take(options[choice], now)
}

// probe begins to look for more bandwidth where somebody could use it.
func (d *Downlink) probe(demands []demand, now time.Time) {
	target := probeKbps(demands)
	have := int(d.Estimate(now) / 1000)
	if target == 0 || have == 0 || have >= target {
		d.pause = calm
		return
	}
	if now.Sub(d.probed) < max(d.pause, calm) || now.Sub(d.est.congestedAt()) < calm {
		return
	}
	d.probed, d.pause = now, min(2*max(d.pause, calm), lastPause)
	d.est.mu.Lock()
	d.est.probe.start(now)
	d.est.mu.Unlock()
}

// inUse is what the demands take now, in kbit/s.
func inUse(demands []demand) (kbps int) {
	for i := range demands {
		if c := demands[i].current; c >= 0 {
			kbps += demands[i].rates[c]
		}
	}
	return kbps
}

// probeKbps is the estimate that would allow the next step up, 0 if nobody wants
// one.
func probeKbps(demands []demand) int {
	need := missing(demands)
	if need == 0 {
		return 0
	}
	return int(float64(inUse(demands)+need)/headroom) + 1
}

// padding is the size of a probing packet's padding, in bytes: the most that one
// byte can count.
const padding = 255

// Pad sends the padding that is due for a probe; call it every 20 ms.
func (d *Downlink) Pad(now time.Time) {
	d.est.mu.Lock()
	running := d.est.probe.running(now)
	d.est.mu.Unlock()
	if !running {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, demands := d.demands(now)
	target := probeKbps(demands)
	if target == 0 {
		return
	}
	for _, s := range d.subs {
		if s.track.padable() {
			// A little more than the target, in this tick's share of a second.
			missing := max(0, target*21/20-inUse(demands))
			for range missing*1000/8*20/1000/(padding+stampSize+rtpx.HeaderSize) + 1 {
				s.track.pad(now)
			}
			return
		}
	}
}

// padable says whether padding can be sent: on the stream for retransmissions,
// where it disturbs nothing.
func (t *Track) padable() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cfg.RTX != 0 && t.stamp != 0 && t.rtxFormat() != 0
}

// rtxFormat is any payload type for retransmissions. The caller holds mu.
func (t *Track) rtxFormat() uint8 {
	for _, f := range t.formats {
		if f.RTX != 0 {
			return f.RTX
		}
	}
	return 0
}

// pad sends one packet of padding.
func (t *Track) pad(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := netio.Get()
	n, stamp := t.putHeader(b, rtpx.Header{
		PayloadType: t.rtxFormat(), Seq: t.rtxSeq, TS: t.lastTS, SSRC: t.cfg.RTX,
	})
	t.rtxSeq++
	b.B[0] |= 0x20
	clear(b.B[n : n+padding])
	b.B[n+padding-1] = padding
	b.N = n + padding
	t.down.send(b, stamp, now)
}

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
		RTPTime:     t.lastTS + uint32(now.Sub(t.lastAt).Seconds()*90000),
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

// Stats is a snapshot.
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
