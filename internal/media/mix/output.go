package mix

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

const (
	// tailFrames is how many frames of silence are encoded behind a sound, so that
	// what the encoder holds back still comes out.
	tailFrames = 1
	// lingerFrames is how long a member who stops talking keeps its own encoder,
	// which then gets the same signal as the shared one. After that the two agree
	// well enough for the decoder not to notice the change.
	lingerFrames = 10
	// lossPeriod is the number of frames between two looks at the listeners' losses.
	lossPeriod = 50
)

// silence is the frame for nothing to hear. It is never written to.
var silence = opus.Silence()

// mixdown is what a room's talkers add up to, and the encoder for all who hear
// that sum unchanged.
type mixdown struct {
	audible int                      // talkers who made a sound in this tick
	sum     [frameSamples]float32    // of all of them, unlimited
	scratch [frameSamples]float32    // one member's sum, before encoding
	limited [2][frameSamples]float32 // sum after the soft clip, of this and the last tick
	now     int                      // index in limited
	tail    int                      // silent frames still to be encoded
	encoded uint64                   // tick after the last one that had something to encode
	before  bool                     // the last tick had

	shared      *stream
	sharedTick  uint64
	sharedFrame []byte
	sharedLoss  int
	lingering   int // members on an encoder of their own that they do not need
}

// output is how one member is being served.
type output struct {
	voice  *voice  // the member talks
	own    *stream // encoder for a mix that nobody else gets
	same   int     // frames for which that mix has been the shared one
	tail   int
	shared uint64 // tick after the last frame that came from the shared encoder
	sounds bool   // the last frame was not silence
}

// write hands a member its frame.
func (m *Member) write(n uint64, payload []byte, audible bool) {
	if m.first == 0 {
		m.first = n + 1
	}
	m.sink.WriteFrame(payload, uint32(n+1-m.first)*frameSamples, audible && !m.sounds)
	m.sounds = audible
}

// mix adds up the talkers. It returns false if there is nothing to encode.
func (r *Room) mix(n uint64) bool {
	r.audible, r.lingering = 0, 0
	for _, v := range r.voices {
		if !v.audible {
			continue
		}
		if r.audible == 0 {
			r.sum = v.frame
		} else {
			add(r.sum[:], v.frame[:])
		}
		r.audible++
	}
	r.before = r.encoded == n && n > 0
	switch {
	case r.audible > 0:
		r.tail = tailFrames
	case r.tail > 0:
		r.tail--
		clear(r.sum[:])
	default:
		if r.before {
			r.sleep()
		}
		return false
	}
	r.encoded = n + 1
	r.now ^= 1
	softClip(r.limited[r.now][:], r.sum[:])
	if n%lossPeriod == 0 {
		r.updateLoss()
	}
	return true
}

// endFaded lets go of talkers who have faded out.
func (r *Room) endFaded() {
	for i := len(r.voices) - 1; i >= 0; i-- {
		if r.voices[i].done {
			r.endVoice(r.voices[i])
		}
	}
}

// sleep gives back the encoders when there is nothing to encode.
func (r *Room) sleep() {
	if r.shared != nil {
		r.engine.pool.putStream(r.shared)
		r.shared = nil
	}
	for _, m := range r.members {
		r.releaseOwn(m)
	}
}

// frameFor returns what member m is to hear in tick n, and whether it is anything
// but the silence frame.
func (r *Room) frameFor(m *Member, n uint64) (payload []byte, audible bool) {
	if !m.receive.Load() {
		r.releaseOwn(m)
		return silence, false
	}
	left, without := r.without(m)
	switch {
	case without:
		return r.ownFrame(m, n, left)
	case m.own == nil || r.lingered(m):
		r.releaseOwn(m)
		m.shared = n + 1
		return r.sharedPayload(n)
	}
	return r.encodeOwn(m, n, r.limited[r.now][:])
}

// without reports whether m must not hear some of the talkers, and how many
// audible ones are left.
func (r *Room) without(m *Member) (left int, without bool) {
	left = r.audible
	for _, v := range r.voices {
		if v.member == m || slices.Contains(m.hearsNot, v.member.id) {
			without = true
			if v.audible {
				left--
			}
		}
	}
	return left, without
}

// lingered reports whether a member who could hear the shared mix again has had
// its own encoder for long enough, or if too many others have one.
func (r *Room) lingered(m *Member) bool {
	m.same++
	r.lingering++
	return m.same > lingerFrames || r.lingering > r.engine.cfg.MaxTalkers
}

// ownFrame returns the frame of a member who hears only some of the talkers.
func (r *Room) ownFrame(m *Member, n uint64, left int) (payload []byte, audible bool) {
	m.same = 0
	switch {
	case left > 0:
		m.tail = tailFrames
	case m.tail > 0:
		m.tail--
	default:
		r.releaseOwn(m)
		return silence, false
	}
	pcm := r.scratch[:]
	if left == 0 {
		clear(pcm)
	} else {
		r.scratch = r.sum
		for _, v := range r.voices {
			if v.audible && (v.member == m || slices.Contains(m.hearsNot, v.member.id)) {
				subtract(pcm, v.frame[:])
			}
		}
		softClip(pcm, pcm)
	}
	return r.encodeOwn(m, n, pcm)
}

// encodeOwn encodes pcm for m alone.
func (r *Room) encodeOwn(m *Member, n uint64, pcm []float32) (payload []byte, audible bool) {
	if m.own == nil {
		own, err := r.engine.pool.stream()
		if err != nil {
			r.engine.cfg.Logger.Error("a member cannot hear others", "error", err)
			return silence, false
		}
		m.own = own
	}
	m.own.setLoss(fecLoss(m.currentLoss()))
	var before []float32
	if m.shared == n && n > 0 && r.before {
		before = r.limited[r.now^1][:]
	}
	return r.encode(m.own, n, pcm, before)
}

// sharedPayload returns the frame for everybody who hears all talkers, encoding
// it for the first who asks.
func (r *Room) sharedPayload(n uint64) (payload []byte, audible bool) {
	if r.sharedTick == n+1 {
		return r.sharedFrame, true
	}
	if r.shared == nil {
		shared, err := r.engine.pool.stream()
		if err != nil {
			r.engine.cfg.Logger.Error("members cannot hear others", "error", err)
			return silence, false
		}
		r.shared = shared
	}
	r.shared.setLoss(r.sharedLoss)
	var before []float32
	if r.before {
		before = r.limited[r.now^1][:]
	}
	payload, audible = r.encode(r.shared, n, r.limited[r.now][:], before)
	if audible {
		r.sharedTick, r.sharedFrame = n+1, payload
	}
	return payload, audible
}

func (r *Room) encode(s *stream, n uint64, pcm, before []float32) (payload []byte, audible bool) {
	r.engine.count.encodes.Add(1)
	payload, err := s.encode(n, pcm, before)
	if err != nil {
		r.engine.cfg.Logger.Error("encoding audio", "error", err)
		return silence, false
	}
	return payload, true
}

func (r *Room) releaseOwn(m *Member) {
	if m.own != nil {
		r.engine.pool.putStream(m.own)
		m.own, m.same, m.tail = nil, 0, 0
	}
}

// updateLoss sets what the shared encoder should expect: the worst that one of
// its listeners reports. In-band FEC costs the others little.
func (r *Room) updateLoss() {
	worst := 0
	for _, m := range r.members {
		if m.own == nil {
			worst = max(worst, m.currentLoss())
		}
	}
	r.sharedLoss = fecLoss(worst)
}

// fecLoss rounds a loss in percent to the few values that encoders are set to,
// lest they change their mode all the time.
func fecLoss(percent int) int {
	switch {
	case percent < 2:
		return 0
	case percent < 8:
		return 5
	case percent < 15:
		return 10
	}
	return 20
}
