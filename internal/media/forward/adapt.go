package forward

import (
	"slices"
	"time"
)

const (
	// headroom is the share of the estimate that may be divided upwards, except
	// from nothing to the smallest picture, which is worth a try; what is in use
	// may exceed the estimate a little, as both are measured. Sound needs no
	// share: it is not part of what the estimate is made from.
	headroom, overrun = 0.85, 1.05
	// firstHold is how long the choice stays before it goes up; it doubles each
	// time a rise led straight back to congestion, up to lastHold.
	firstHold = 3 * time.Second
	lastHold  = 24 * time.Second
)

// adaptation is the state of dividing the bandwidth. Guarded by Downlink.mu.
type adaptation struct {
	divided bool      // something has been, so that a rise must wait
	stable  time.Time // last change of the choice
	raised  time.Time // last rise
	hold    time.Duration
	probing probing
}

// Tick renews the choice of layers; call it about five times a second. It
// returns the groups that were paused and resumed for want of bandwidth.
func (d *Downlink) Tick(now time.Time) (pausedGroups, resumedGroups []uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.adaptive {
		pausedGroups, resumedGroups = d.adaptLocked(now)
	} else {
		for _, s := range d.subs {
			s.applyLocked(false, now)
		}
	}
	for _, s := range d.subs {
		s.remindLocked(now)
	}
	return pausedGroups, resumedGroups
}

// adaptLocked divides the bandwidth anew.
func (d *Downlink) adaptLocked(now time.Time) (pausedGroups, resumedGroups []uint32) {
	subs, demands := d.demandsLocked(now)
	for _, s := range d.subs {
		if !slices.Contains(subs, s) {
			s.applyLocked(true, now)
		}
	}
	d.sending.Lock()
	d.est.Settle(now)
	bps, known := d.est.Estimate(now)
	d.sending.Unlock()
	if !known {
		bps = unlimited // nothing speaks against it yet
	}
	choice := d.adaptation.choose(float64(bps)/1000, demands, now)
	for i, s := range subs {
		was := s.serverPaused
		s.settleLocked(demands[i].options, choice[i], now)
		switch {
		case s.serverPaused && !was:
			pausedGroups = append(pausedGroups, s.Pub.GroupID)
		case was && !s.serverPaused:
			resumedGroups = append(resumedGroups, s.Pub.GroupID)
		}
	}
	d.probeLocked(demands, now)
	return pausedGroups, resumedGroups
}

// unlimited is a bandwidth that holds nobody back, in bits per second.
const unlimited = 1 << 40

// demandsLocked lists what wants bandwidth: subscriptions, not paused by the
// user, of publications that flow. They are in the order of their sections, so that
// equals are treated alike each time.
func (d *Downlink) demandsLocked(now time.Time) (subs []*subscription, demands []demand) {
	for _, s := range d.sortedLocked() {
		if s.Pub == nil || s.userPaused {
			continue
		}
		if dem := s.demandLocked(now); len(dem.rates) > 0 {
			subs, demands = append(subs, s), append(demands, dem)
		}
	}
	return subs, demands
}

// choose picks an option for each demand from a budget in kbit/s. It goes down at
// once, and up only after a while.
func (a *adaptation) choose(budget float64, demands []demand, now time.Time) []int {
	down := allocate(int(budget*overrun), demands)
	choice := make([]int, len(demands))
	fell := false
	for i := range demands {
		choice[i] = min(demands[i].current, down[i])
		fell = fell || choice[i] < demands[i].current
	}
	a.hold = max(a.hold, firstHold)
	switch {
	case fell:
		a.back(now)
	case now.Sub(a.stable) >= a.hold || !a.divided:
		a.rise(allocateUp(budget, demands), choice, now)
	}
	a.divided = len(demands) > 0
	return choice
}

// back notes that the choice had to go down: if that was soon after it went up,
// the next rise waits longer.
func (a *adaptation) back(now time.Time) {
	if !a.raised.IsZero() && now.Sub(a.raised) < 2*a.hold {
		a.hold = min(2*a.hold, lastHold)
	} else {
		a.hold = firstHold
	}
	a.stable = now
}

// rise lifts the choice as far as the budget went.
func (a *adaptation) rise(up, choice []int, now time.Time) {
	rose := false
	for i := range choice {
		if up[i] > choice[i] {
			choice[i], rose = up[i], true
		}
	}
	if rose {
		a.stable, a.raised = now, now
	}
}
