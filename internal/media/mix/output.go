package mix

import (
	"sync/atomic"

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

// mixdown is what a room's talkers add up to, and the encoders for all who hear
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

	groups    []group     // of those who hear all talkers
	refresh   atomic.Bool // they code the next frame without reference to the past
	lingering int         // members on an encoder of their own that they do not need

	stereo     *stereoMix // nil while all is mono, for those who listen
	spell      spell      // in which it is not
	stereoEars int        // members that take stereo
}

// output is how one member is being served.
type output struct {
	codings codings
	voice   *voice  // the member talks
	own     *stream // encoder for a mix that nobody else gets
	next    *stream // one that takes over from it soon
	same    int     // frames for which that mix has been the shared one
	tail    int
	shared  uint64 // tick after the last frame that came from a shared encoder
	sounds  bool   // the last frame was not silence
	spell   spell  // in which the member hears stereo
}

// write hands a member its frame.
func (m *Member) write(n uint64, payload []byte, audible bool) {
	if m.first == 0 {
		m.first = n + 1
		at := m.room.engine.tickTime
		m.began.Store(&at)
	}
	m.sink.WriteFrame(payload, uint32(n+1-m.first)*frameSamples, audible && !m.sounds)
	m.sounds = audible
}

// mix adds up the talkers. It returns false if there is nothing to encode.
func (x *mixer) mix(n uint64) bool {
	x.audible, x.lingering = 0, 0
	for _, v := range x.voices {
		if !v.audible {
			continue
		}
		if x.audible == 0 {
			x.sum = v.frame
		} else {
			add(x.sum[:], v.frame[:])
		}
		x.audible++
	}
	x.before = x.encoded == n && n > 0
	switch {
	case x.audible > 0:
		x.tail = tailFrames
	case x.tail > 0:
		x.tail--
		clear(x.sum[:])
	default:
		if x.before {
			x.sleep()
		}
		return false
	}
	x.encoded = n + 1
	x.now ^= 1
	softClip(x.limited[x.now][:], x.sum[:])
	if x.stereoEars > 0 || x.stereo != nil {
		x.mixStereo(n)
	}
	if n%lossPeriod == 0 {
		x.updateLoss()
	}
	if x.refresh.Swap(false) {
		x.refreshGroups()
	}
	return true
}

// endFaded lets go of talkers who have faded out.
func (x *mixer) endFaded() {
	for i := len(x.voices) - 1; i >= 0; i-- {
		if x.voices[i].done {
			x.endVoice(x.voices[i])
		}
	}
}

// sleep gives back the encoders when there is nothing to encode.
func (x *mixer) sleep() {
	x.releaseGroups()
	x.endStereo()
	for _, m := range x.members {
		x.releaseOwn(m)
	}
}

// frameFor returns what member m is to hear in tick n, and whether it is anything
// but the silence frame.
func (x *mixer) frameFor(m *Member, n uint64) (payload []byte, audible bool) {
	if !m.receive.Load() {
		x.releaseOwn(m)
		return silence, false
	}
	left, without := x.without(m)
	switch {
	case without:
		return x.ownFrame(m, n, left)
	case m.own == nil || x.lingered(m):
		x.releaseOwn(m)
		m.shared, m.spell = n+1, x.spell
		send, warm := m.spell.codings(m.codings, n)
		if warm != send {
			x.sharedPayload(warm, n)
		}
		return x.sharedPayload(send, n)
	}
	if x.stereo == nil {
		m.spell = spell{}
	}
	return x.encodeOwn(m, n, x.mixNow)
}

// without reports whether m must not hear some of the talkers, and how many
// audible ones are left.
func (x *mixer) without(m *Member) (left int, without bool) {
	left = x.audible
	for _, v := range x.voices {
		if m.without(v.member) {
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
func (x *mixer) lingered(m *Member) bool {
	m.same++
	x.lingering++
	return m.same > lingerFrames || x.lingering > x.engine.cfg.MaxTalkers
}

// ownFrame returns the frame of a member who hears only some of the talkers.
func (x *mixer) ownFrame(m *Member, n uint64, left int) (payload []byte, audible bool) {
	m.same = 0
	switch {
	case left > 0:
		m.tail = tailFrames
	case m.tail > 0:
		m.tail--
	default:
		x.releaseOwn(m)
		return silence, false
	}
	if left == 0 {
		clear(x.scratch[:])
	} else {
		x.scratch = x.sum
		for _, v := range x.voices {
			if v.audible && m.without(v.member) {
				subtract(x.scratch[:], v.frame[:])
			}
		}
	}
	if m.codings.takesStereo() {
		x.ownStereo(m, n)
	}
	softClip(x.scratch[:], x.scratch[:])
	return x.encodeOwn(m, n, x.ownMix)
}

// encodeOwn encodes a mix for m alone.
func (x *mixer) encodeOwn(m *Member, n uint64, mix func(opus.Channels) []float32) (payload []byte, audible bool) {
	send, warm := m.spell.codings(m.codings, n)
	if err := x.ownStreams(m, send, warm); err != nil {
		x.engine.cfg.Logger.Error("a member cannot hear others", "error", err)
		return silence, false
	}
	if warm != send {
		x.encode(m.next, n, mix(warm.channels), nil)
	}
	m.own.setBitrate(send.bitrate)
	m.own.setLoss(fecLoss(m.currentLoss()))
	var before []float32
	if m.shared == n && n > 0 && x.before {
		before = x.mixBefore(send.channels)
	}
	return x.encode(m.own, n, mix(send.channels), before)
}

// ownStreams sees to the encoders of m alone: one for what is sent, and if that
// differs, the one that is to take over.
func (x *mixer) ownStreams(m *Member, send, warm coding) (err error) {
	if m.own != nil && m.own.coding.channels != send.channels {
		x.putOwn(&m.own)
		m.own, m.next = m.next, nil
	}
	if m.own == nil {
		if m.own, err = x.engine.pool.stream(send); err != nil {
			return err
		}
	}
	if warm != send && m.next == nil {
		m.next, err = x.engine.pool.stream(warm)
	}
	return err
}

func (x *mixer) encode(s *stream, n uint64, pcm, before []float32) (payload []byte, audible bool) {
	x.engine.count.encodes.Add(1)
	if s.coding.channels == opus.Stereo {
		x.engine.count.stereo.Add(1)
	}
	payload, err := s.encode(n, pcm, before)
	if err != nil {
		x.engine.cfg.Logger.Error("encoding audio", "error", err)
		return silence, false
	}
	return payload, true
}

func (x *mixer) releaseOwn(m *Member) {
	x.putOwn(&m.next)
	if m.own != nil {
		x.putOwn(&m.own)
		m.same, m.tail = 0, 0
	}
}

// putOwn gives an encoder back, if there is one.
func (x *mixer) putOwn(s **stream) {
	if *s != nil {
		x.engine.pool.putStream(*s)
		*s = nil
	}
}
