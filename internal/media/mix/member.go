package mix

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Sink takes what one member is to hear.
type Sink interface {
	// WriteFrame is called every 20 ms, from goroutines of the engine and with the
	// room locked: it must not block and must not call into this package. payload
	// is an Opus packet that other members may share: it is read-only and valid
	// during the call only. timestamp is in 48 kHz units, begins at 0 and goes on
	// through silence. marker is set on the first frame after a silence (RFC 3551
	// §4.1).
	WriteFrame(payload []byte, timestamp uint32, marker bool)
}

// MemberConfig describes somebody who joins a room.
type MemberConfig struct {
	// ID names the member in other members' HearsNot. It should be unique in the
	// room.
	ID uint32
	// HearsNot lists members that this one does not hear: itself it never hears,
	// but for instance its own screen share. They may join earlier or later.
	HearsNot []uint32
	// Speaker is the name under which a Tap is handed what the member says; empty
	// for sound that is nobody's voice.
	Speaker string
	// Sink takes the member's frames; nil for one who only sends.
	Sink Sink
	// Format of those frames; SetFormat changes it.
	Format Format
}

// Member is one sender and receiver of audio in a room. Its methods are safe for
// concurrent use.
type Member struct {
	room     *Room
	id       uint32
	hearsNot []uint32
	speaker  string
	sink     Sink
	first    uint64                    // tick of the first frame
	began    atomic.Pointer[time.Time] // when that was; nil before it
	receive  atomic.Bool

	mu     sync.Mutex // guards the following
	buffer rtpx.AudioBuffer
	loud   loudness
	muted  bool
	sends  bool
	gone   bool
	loss   int
	levels levels
	blocks []rtpx.REDBlock

	output // guarded by room.mu
}

// levels stands in for the header extension with senders that do not have it:
// their audio is decoded now and then to measure it.
type levels struct {
	inHeader bool
	measured uint8
	at       time.Time
}

const (
	measuredFor  = 2 * time.Second // a measurement is believed for so long
	unknownLevel = 45              // until then the member might be talking
	silenceBytes = 3               // an Opus packet of up to this size holds no sound
)

// MemberStats says how a member's audio is arriving.
type MemberStats struct {
	rtpx.AudioStats
	// Talking: the member is being decoded and mixed.
	Talking bool
}

// Push takes in one Opus packet of this member; the payload is copied.
func (m *Member) Push(p rtpx.AudioPacket) {
	m.mu.Lock()
	if !m.heardLocked() {
		m.mu.Unlock()
		return
	}
	m.buffer.Push(p)
	active := m.loud.observe(m.levelLocked(p), p.Voice, p.Arrival)
	m.mu.Unlock()
	if active {
		m.room.wake(p.Arrival)
	}
}

// PushRED takes in one packet of redundant audio (RFC 2198): the Opus packet in
// it, and copies of earlier ones, which are used if those were lost. Malformed
// packets are ignored.
func (m *Member) PushRED(p rtpx.AudioPacket) {
	m.mu.Lock()
	blocks, err := rtpx.UnwrapRED(p.Payload, m.blocks[:0])
	m.blocks = blocks[:0]
	m.mu.Unlock()
	if err != nil {
		return
	}
	primary := blocks[len(blocks)-1]
	p.Payload = primary.Payload
	m.Push(p)
	frame := uint32(rtpx.OpusSamples(primary.Payload))
	m.mu.Lock()
	defer m.mu.Unlock()
	if frame == 0 || !m.heardLocked() {
		return
	}
	for _, b := range blocks[:len(blocks)-1] {
		if b.PayloadType != primary.PayloadType || b.TSOffset == 0 || b.TSOffset%frame != 0 {
			continue
		}
		old := p
		old.Seq, old.TS, old.Payload = p.Seq-uint16(b.TSOffset/frame), p.TS-b.TSOffset, b.Payload
		m.buffer.PushRedundant(old)
	}
}

// heardLocked reports whether what the member sends may be played.
func (m *Member) heardLocked() bool { return m.sends && !m.muted && !m.gone }

// levelLocked returns the loudness of a packet: as its header says, or else as good
// as can be known without decoding it.
func (m *Member) levelLocked(p rtpx.AudioPacket) uint8 {
	switch {
	case p.HasLevel:
		m.levels.inHeader = true
		return min(p.Level, rtpx.LevelSilent)
	case len(p.Payload) <= silenceBytes:
		return rtpx.LevelSilent
	case p.Arrival.Sub(m.levels.at) < measuredFor:
		return m.levels.measured
	}
	return unknownLevel
}

func (m *Member) leveled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.levels.inHeader
}

// measured notes the loudness found by decoding.
func (m *Member) measured(level uint8, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.levels.measured, m.levels.at = level, now
}

// SetMuted says that the member has switched off its microphone. Nothing it sends
// is heard from the next frame on.
func (m *Member) SetMuted(muted bool) { m.setHeard(func() { m.muted = muted }) }

// SetSend says whether the member may be heard at all; true at first.
func (m *Member) SetSend(send bool) { m.setHeard(func() { m.sends = send }) }

func (m *Member) setHeard(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	if !m.heardLocked() {
		m.buffer.Stop()
		m.loud.silence()
	}
}

// SetReceive says whether the member may hear others; true at first. If not, its
// frames are silence.
func (m *Member) SetReceive(receive bool) { m.receive.Store(receive) }

// SetFormat changes how the member takes what it hears, from the next frame on.
func (m *Member) SetFormat(f Format) { m.room.setFormat(m, f) }

// without reports whether the member's mix leaves another out.
func (m *Member) without(other *Member) bool {
	return m == other || slices.Contains(m.hearsNot, other.id)
}

// hears reports whether the member hears another when that one talks.
func (m *Member) hears(other *Member) bool {
	return m.sink != nil && m.receive.Load() && !m.without(other)
}

// SetLoss tells how much of what is sent to the member gets lost, in percent, as
// its receiver reports say. It rises at once and falls slowly.
func (m *Member) SetLoss(percent int) {
	percent = min(max(percent, 0), 100)
	m.mu.Lock()
	defer m.mu.Unlock()
	if percent >= m.loss {
		m.loss = percent
	} else {
		m.loss = (3*m.loss + percent) / 4
	}
}

func (m *Member) currentLoss() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loss
}

// Level returns how loud the member is, in dB below full scale: 0 is the loudest,
// 127 silence.
func (m *Member) Level() uint8 {
	now := m.room.engine.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.heardLocked() {
		return rtpx.LevelSilent
	}
	return m.loud.shown(now)
}

// Stats returns the counters of the member's jitter buffer.
func (m *Member) Stats() MemberStats {
	m.room.mu.Lock()
	talking := m.voice != nil
	m.room.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	return MemberStats{AudioStats: m.buffer.Stats(), Talking: talking}
}

// Began returns when the frame with the timestamp 0 is heard, zero before there was
// one.
func (m *Member) Began() time.Time {
	if at := m.began.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// Held returns for how long after its arrival a packet of the member's that came
// as fast as any of late is heard, 0 if none was yet.
func (m *Member) Held() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buffer.Held()
}

// Remove takes the member out of its room. When it returns, the sink is not being
// called and will not be again.
func (m *Member) Remove() { m.room.remove(m) }
