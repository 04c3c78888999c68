package mix

// group is an encoder for all members who hear every talker and take them in the
// same coding.
type group struct {
	coding coding
	stream *stream // nil while there is nothing to encode
	tick   uint64  // tick after that of the last frame
	frame  []byte
	loss   int // the worst that one of its listeners reports, in steps
}

// group returns the one for a coding. There are at most as many as there are
// bitrates to be had, so they are kept.
func (x *mixer) group(c coding) *group {
	for i := range x.groups {
		if x.groups[i].coding == c {
			return &x.groups[i]
		}
	}
	x.groups = append(x.groups, group{coding: c})
	return &x.groups[len(x.groups)-1]
}

// sharedPayload returns the frame for everybody who hears all talkers in coding c,
// encoding it for the first who asks.
func (x *mixer) sharedPayload(c coding, n uint64) (payload []byte, audible bool) {
	g := x.group(c)
	if g.tick == n+1 {
		return g.frame, true
	}
	if g.stream == nil {
		stream, err := x.engine.pool.stream(c)
		if err != nil {
			x.engine.cfg.Logger.Error("members cannot hear others", "error", err)
			return silence, false
		}
		g.stream = stream
	}
	g.stream.setLoss(g.loss)
	var before []float32
	if x.before {
		before = x.mixBefore(c.channels)
	}
	payload, audible = x.encode(g.stream, n, x.mixNow(c.channels), before)
	if audible {
		g.tick, g.frame = n+1, payload
	}
	return payload, audible
}

// updateLoss sets what the shared encoders should expect: the worst that one of
// their listeners reports. In-band FEC costs the others little.
func (x *mixer) updateLoss() {
	for i := range x.groups {
		x.groups[i].loss = 0
	}
	for _, m := range x.members {
		if m.own != nil || m.sink == nil {
			continue
		}
		loss := fecLoss(m.currentLoss())
		for i := range x.groups {
			if g := &x.groups[i]; g.coding == m.codings.mono || g.coding == m.codings.stereo {
				g.loss = max(g.loss, loss)
			}
		}
	}
}

// refreshGroups has the shared encoders code the next frames without reference to
// the past.
func (x *mixer) refreshGroups() {
	for i := range x.groups {
		if s := x.groups[i].stream; s != nil {
			s.independent()
		}
	}
}

// releaseGroups gives the shared encoders back.
func (x *mixer) releaseGroups() {
	for i := range x.groups {
		if g := &x.groups[i]; g.stream != nil {
			x.engine.pool.putStream(g.stream)
			g.stream, g.frame = nil, nil
		}
	}
}

// LossMatters is the loss in percent from which it is worth sending sound with
// redundancy.
const LossMatters = 2

// fecLoss rounds a loss in percent to the few values that encoders are set to,
// lest they change their mode all the time.
func fecLoss(percent int) int {
	switch {
	case percent < LossMatters:
		return 0
	case percent < 8:
		return 5
	case percent < 15:
		return 10
	}
	return 20
}
