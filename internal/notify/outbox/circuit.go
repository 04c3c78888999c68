package outbox

import "time"

// openAfter is how many failures in a row, of any lanes, open the circuit.
const openAfter = 10

// failLocked counts a failure that passes by itself.
func (d *Destination) failLocked(l *Lane) {
	if d.ramp > 0 {
		d.ramp = 1
	}
	if d.failures++; d.open || d.failures < openAfter {
		return
	}
	d.open, d.since, d.prober = true, time.Now(), l
	d.cfg.Logger.Warn("a destination of events takes nothing any more: one event is tried on, the others wait",
		"destination", d.cfg.Name, "why", d.trouble, "waiting", d.items.Len())
	d.holdLocked()
}

// turnOffLocked stops everything, because the endpoint has asked for it.
func (d *Destination) turnOffLocked() {
	if !d.off {
		d.off, d.since = true, time.Now()
		d.cfg.Logger.Warn("a destination of events wants no more of them: what is for it waits until an operator resumes it",
			"destination", d.cfg.Name, "why", d.trouble, "waiting", d.items.Len())
	}
	d.open, d.prober = false, nil
	d.holdLocked()
}

// holdLocked takes lanes from their timers: none is tried until there is a
// success. Those that have a dead letter to bury go on.
func (d *Destination) holdLocked() {
	for l := range d.timed {
		if l.queue[0].doom == "" && l != d.prober {
			l.timer.Stop()
			delete(d.timed, l)
			d.nextLocked(l)
		}
	}
}

// probeLocked sees to it that one lane tries on while the circuit is open.
func (d *Destination) probeLocked() {
	for d.open && !d.off && d.prober == nil && len(d.ready) > 0 {
		l := d.ready[0]
		d.ready = d.ready[1:]
		if l.state == ready {
			d.prober = l
			d.timeLocked(l, wait(d.cfg.Waits, l.queue[0].attempts, 0))
		}
	}
}

// succeedLocked closes the circuit, or lets more lanes go on after it was open.
func (d *Destination) succeedLocked() {
	switch {
	case d.open:
		d.cfg.Logger.Info("a destination of events takes them again", "destination", d.cfg.Name, "waiting", d.items.Len(),
			"after", time.Since(d.since).Round(time.Second))
		d.closeCircuitLocked()
	case d.ramp > 0:
		if d.ramp *= 2; d.ramp >= d.cfg.Width {
			d.ramp = 0
		}
	}
	d.pumpLocked()
}

// closeCircuitLocked lets lanes go on, one at first.
func (d *Destination) closeCircuitLocked() {
	d.open, d.failures, d.ramp, d.since = false, 0, 1, time.Time{}
	if l := d.prober; l != nil && l.state == timed {
		l.timer.Stop()
		delete(d.timed, l)
		d.prober = nil
		d.nextLocked(l)
	}
	d.prober = nil
}

// doomOldLocked gives up what has become too old while nothing is tried.
func (d *Destination) doomOldLocked() {
	for place := d.items.Front(); place != nil; {
		it := place.Value.(*item)
		place = place.Next()
		if time.Since(it.since) < d.cfg.GiveUp {
			return
		}
		if it.lane.state != busy || it.lane.queue[0] != it {
			d.doomLocked(it, d.trouble)
		}
	}
}
