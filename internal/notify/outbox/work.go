package outbox

import (
	"errors"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// ErrNoRoom is what Bury answers when there is no room for dead letters.
var ErrNoRoom = errors.New("no room for dead letters")

// doomedLeast is how many events at least may wait to be buried; as many as may
// wait for the receiver, if that is more. Those beyond are lost: memory is
// bounded, too.
const doomedLeast = 10_000

// buryAgain is how long to wait when a dead letter could not be written.
const buryAgain = time.Second

// nextLocked finds out what the lane has to wait for.
func (d *Destination) nextLocked(l *Lane) {
	switch {
	case len(l.queue) == 0:
		l.state = idle
	case l.queue[0].doom != "":
		l.state = urgent
		d.now = append(d.now, l)
	default:
		l.state = ready
		d.ready = append(d.ready, l)
		d.probeLocked()
	}
}

// pumpLocked starts workers for what may be done now.
func (d *Destination) pumpLocked() {
	for !d.closed && d.running < d.cfg.Width && (len(d.now) > 0 || len(d.ready) > 0 && d.running < d.widthLocked()) {
		d.running++
		d.workers.Go(d.work)
	}
}

// widthLocked is how many attempts the circuit lets happen at the same time.
func (d *Destination) widthLocked() int {
	switch {
	case d.open || d.off:
		return 0
	case d.ramp > 0:
		return min(d.ramp, d.cfg.Width)
	}
	return d.cfg.Width
}

// takeLocked returns a lane to be worked on, or nil.
func (d *Destination) takeLocked() *Lane {
	for len(d.now) > 0 {
		l := d.now[0]
		d.now = d.now[1:]
		if l.state == urgent {
			return l
		}
	}
	for len(d.ready) > 0 && d.running <= d.widthLocked() {
		l := d.ready[0]
		d.ready = d.ready[1:]
		if l.state == ready {
			return l
		}
	}
	return nil
}

// work serves lanes, one event each, as long as there are any.
func (d *Destination) work() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.closed {
		l := d.takeLocked()
		if l == nil {
			break
		}
		l.state = busy
		it := l.queue[0]
		if more := d.companyLocked(l); more != nil {
			d.sendManyLocked(append(more, l))
			continue
		}
		d.mu.Unlock()
		var err error
		switch {
		case it.doom == "":
			err = d.cfg.Send(l.ctx, it.event, it.attempts+1)
		case it.lost:
			err = ErrNoRoom
		default:
			err = d.cfg.Bury(l.ctx, it.letter(d))
		}
		d.mu.Lock()
		if l.state != busy || d.closed {
			continue // dropped meanwhile
		}
		if it.doom == "" {
			d.sentLocked(l, it, err, true)
		} else {
			d.buriedLocked(l, it, err)
		}
	}
	d.running--
	d.pumpLocked()
}

func (it *item) letter(d *Destination) Letter {
	e := *it.event
	p := e.Meeting
	e.Meeting = &meeting.Profile{ID: p.ID, Owner: p.Owner, ExternalMeetingID: p.ExternalMeetingID, MediaRegion: p.MediaRegion}
	return Letter{
		Destination: d.cfg.Name, Kind: d.cfg.Kind, Event: &e, First: it.first, Last: it.last, Attempts: it.attempts, Reason: it.doom,
	}
}

// sentLocked draws the consequences of an attempt. Of those that failed with one
// request, one counts as a failure of the destination.
func (d *Destination) sentLocked(l *Lane, it *item, err error, counts bool) {
	now := time.Now()
	if it.attempts++; it.first.IsZero() {
		it.first = now
	}
	it.last = now
	if err == nil {
		d.tellLocked(it, OK, "")
		d.popLocked(l, it, true)
		d.failures = 0
		d.succeedLocked()
		d.nextLocked(l)
		return
	}
	r := refusalOf(err)
	d.trouble = r.Code
	if r.Class == Missing && it.missing.IsZero() {
		it.missing = now
	} else if r.Class != Missing {
		it.missing = time.Time{}
	}
	switch {
	case r.Class == Permanent,
		r.Class == Missing && now.Sub(it.missing) >= d.cfg.GiveUpNew,
		now.Sub(it.since) >= d.cfg.GiveUp:
		if d.prober == l {
			d.prober = nil
		}
		d.doomLocked(it, r.Code)
		d.nextLocked(l)
		return
	}
	d.tellLocked(it, Retry, r.Code)
	d.againLocked(l, it, r, counts)
}

func (d *Destination) tellLocked(it *item, result Result, code string) {
	o := Outcome{Destination: d.cfg.Name, Kind: d.cfg.Kind, Event: it.event, Result: result, Attempts: it.attempts, Last: it.last, Code: code}
	if result == OK {
		o.Lag = it.last.Sub(it.event.Time)
	}
	d.cfg.Observe(o)
}

// againLocked has a lane wait for another attempt.
func (d *Destination) againLocked(l *Lane, it *item, r *Refusal, counts bool) {
	steps := d.cfg.Waits
	switch r.Class {
	case Off:
		d.turnOffLocked()
		d.nextLocked(l)
		return
	case Passing:
		if counts {
			d.failLocked(l)
		}
	default:
		steps = d.cfg.SlowWaits
	}
	if d.open && d.prober != l {
		d.nextLocked(l) // it was under way when the circuit opened
		return
	}
	d.doomOldLocked()
	d.timeLocked(l, wait(steps, it.attempts, r.After))
}

// timeLocked lets a lane wait. What the lane is for then says its state.
func (d *Destination) timeLocked(l *Lane, pause time.Duration) {
	l.state = timed
	d.timed[l] = struct{}{}
	l.timer = time.AfterFunc(pause, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if l.state != timed || d.closed {
			return
		}
		delete(d.timed, l)
		if d.prober == l {
			l.state = urgent
			d.now = append(d.now, l)
		} else {
			d.nextLocked(l)
		}
		d.pumpLocked()
	})
}

// doomLocked gives an item up. It is buried when its lane comes to it.
func (d *Destination) doomLocked(it *item, why string) {
	d.items.Remove(it.place)
	it.place = nil
	d.bytes -= it.event.Size()
	d.doomed++
	it.doom, it.lost = why, d.doomed > max(d.cfg.MaxEvents, doomedLeast)
	l := it.lane
	if l.queue[0] != it || l.state == busy {
		return
	}
	if l.state == timed {
		l.timer.Stop()
		delete(d.timed, l)
	}
	if d.prober == l {
		d.prober = nil
	}
	d.nextLocked(l)
}

// buriedLocked draws the consequences of burying a dead letter.
func (d *Destination) buriedLocked(l *Lane, it *item, err error) {
	if err != nil && !errors.Is(err, ErrNoRoom) {
		d.cfg.Logger.Warn("could not keep a dead letter yet", "destination", d.cfg.Name, "err", err)
		d.timeLocked(l, buryAgain)
		return
	}
	result := Dead
	if err != nil {
		result = Lost
		d.cfg.Logger.Error("an event is lost: nobody took it, and there is no room for dead letters",
			"destination", d.cfg.Name, "meeting", l.meeting.String(), "event", it.event.ID.String(), "type", it.event.Type)
	}
	d.tellLocked(it, result, it.doom)
	d.popLocked(l, it, false)
	d.nextLocked(l)
	d.probeLocked()
}

// popLocked takes the first item, which is done with, out of its lane.
func (d *Destination) popLocked(l *Lane, it *item, taken bool) {
	d.forgetLocked(it)
	l.queue[0] = nil
	l.queue = l.queue[1:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	l.done = it.event.Position
	l.settled(it.event, taken)
}
