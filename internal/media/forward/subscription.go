package forward

import "time"

// patience is how long a track waits for a key frame before it asks again.
const patience = time.Second

// subscription is a track and what it is for. Guarded by Downlink.mu.
type subscription struct {
	Want
	track        *Track
	userPaused   bool
	serverPaused bool
	asked        time.Time // last request for a key frame while waiting
}

// applyLocked makes the track take the layer that is right now. With adaption the
// layer in use stays until the next division of the bandwidth.
func (s *subscription) applyLocked(adaptive bool, now time.Time) {
	if s.Pub == nil || s.userPaused || s.serverPaused {
		s.track.choose(nil, now)
		return
	}
	if adaptive {
		if _, wanted := s.track.layers(); wanted != nil && wanted.pub == s.Pub {
			return
		}
	}
	s.track.choose(s.preferredLocked(now), now)
}

// preferredLocked is the layer asked for, or the nearest to it that flows: the next
// lower, else the next higher. A publication nothing flows of keeps its place.
func (s *subscription) preferredLocked(now time.Time) *Layer {
	layers := s.Pub.layers
	want := len(layers) - 1
	for i, l := range layers {
		if l.StreamID == s.StreamID {
			want = i
		}
	}
	if s.StreamID == 0 && s.TargetKbps > 0 {
		for want > 0 && layers[want].maxKbps.Load() > s.TargetKbps {
			want--
		}
	}
	for i := want; i >= 0; i-- {
		if layers[i].Info(now).Flowing {
			return layers[i]
		}
	}
	for i := want + 1; i < len(layers); i++ {
		if layers[i].Info(now).Flowing {
			return layers[i]
		}
	}
	return layers[want]
}

// remindLocked asks again for a key frame that does not come.
func (s *subscription) remindLocked(now time.Time) {
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

// demandLocked puts together what a subscription may take and what it takes. The
// layers of simulcast are its steps, or else those inside a single encoding.
func (s *subscription) demandLocked(now time.Time) demand {
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

// settleLocked carries out the choice of an option.
func (s *subscription) settleLocked(options []option, choice int, now time.Time) {
	s.serverPaused = choice == paused
	if s.serverPaused {
		s.track.choose(nil, now)
		return
	}
	s.track.take(options[choice], now)
}
