package forward

import "time"

const (
	// calm is how long no congestion must have shown before a probe, and the
	// least time between two.
	calm = 4 * time.Second
	// lastPause is how long the pauses between probes that find nothing grow.
	lastPause = 32 * time.Second
	// padInterval is how often Pad is called.
	padInterval = 20 * time.Millisecond
	// surplus is how much more than the wanted rate a probe sends.
	surplus = 1.05
)

// probing is when probes for more bandwidth are sent. Guarded by Downlink.mu.
type probing struct {
	began time.Time     // when the last one did
	pause time.Duration // from it to the next
}

// probeLocked begins to look for more bandwidth where somebody could use it.
func (d *Downlink) probeLocked(demands []demand, now time.Time) {
	p := &d.adaptation.probing
	target := probeKbps(demands)
	d.sending.Lock()
	defer d.sending.Unlock()
	bps, known := d.est.Estimate(now)
	switch {
	case target == 0 || !known || int(bps/1000) >= target:
		p.pause = calm
	case now.Sub(p.began) < max(p.pause, calm) || now.Sub(d.est.LoweredAt()) < calm:
		// Not yet.
	default:
		p.began, p.pause = now, min(2*max(p.pause, calm), lastPause)
		d.est.Probe(now)
	}
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
	need, first := missing(demands)
	switch {
	case need == 0:
		return 0
	case first:
		return inUse(demands) + need + 1
	}
	return int(float64(inUse(demands)+need)/headroom) + 1
}

// Pad sends the padding that is due for a probe; call it every 20 ms.
func (d *Downlink) Pad(now time.Time) {
	d.sending.Lock()
	probing := d.est.Probing(now)
	d.sending.Unlock()
	if !probing {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, demands := d.demandsLocked(now)
	target := probeKbps(demands)
	if target == 0 {
		return
	}
	for _, s := range d.sortedLocked() {
		if s.track.padable() {
			kbps := max(0, surplus*float64(target)-float64(inUse(demands)))
			bytes := int(kbps * 1000 / 8 * padInterval.Seconds())
			for range bytes/paddingPacket + 1 {
				s.track.pad(now)
			}
			return
		}
	}
}
