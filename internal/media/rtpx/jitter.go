package rtpx

import "time"

// AudioPacket is one incoming Opus packet with what its RTP header says.
type AudioPacket struct {
	Seq uint16
	TS  uint32
	// Payload is an Opus packet; who takes an AudioPacket copies it.
	Payload []byte
	// Level is the loudness in dB below full scale, 0..127, and Voice the sender's
	// speech flag; both only if HasLevel (RFC 6464).
	Level    uint8
	HasLevel bool
	Voice    bool
	Arrival  time.Time
}

// FrameKind says how the next piece of a member's audio is to be made.
type FrameKind uint8

const (
	// FrameNone: nothing has come for a while; there is nothing to be heard.
	FrameNone FrameKind = iota
	// FrameWait: the next packet is late or not due yet. Fill the time; it will be
	// played when it comes.
	FrameWait
	// FramePlay: decode Payload.
	FramePlay
	// FrameFEC: a packet was lost; decode the redundant copy that Payload, the one
	// after it, may carry.
	FrameFEC
	// FrameConceal: a packet was lost and must be made up for.
	FrameConceal
)

// AudioFrame is what AudioBuffer.Pop returns.
type AudioFrame struct {
	Kind FrameKind
	// Payload is an Opus packet, valid until the next Push or Pop.
	Payload []byte
	// Prime is the packet just before the first one of a talk spurt, if it is known.
	// Decoding it first and throwing away the result gives the decoder a past.
	Prime []byte
	// Samples is the length of the frame at 48 kHz.
	Samples int
	// Excess is the delay in samples that could be saved by playing faster; 0 if
	// the buffer is as short as it should be.
	Excess int
}

// AudioStats counts what happened in an AudioBuffer.
type AudioStats struct {
	Received  uint64        // packets taken in, redundant copies not counted
	Late      uint64        // of those: too late to be played
	Duplicate uint64        // of those: known already
	Recovered uint64        // frames made from redundancy, in-band or RED
	Concealed uint64        // frames made up: lost, or waited for while somebody listened
	Delay     time.Duration // how long the last frame played had waited
}

// Limits of AudioBuffer.
const (
	audioSlots    = 32  // packets kept: 640 ms
	maxWaits      = 10  // frames waited for before the buffer counts as empty
	seqJump       = 500 // packets skipped that can only mean a new stream
	quietLevel    = 60  // dB below full scale: changes of speed pass unnoticed
	maxTransitGap = 10 * time.Second
	shrinkMargin  = 8 * time.Millisecond
	dropMargin    = 250 * time.Millisecond
	growMargin    = 2 * time.Millisecond
	growEvery     = 25   // frames between two stretches
	lossWeight    = 0.02 // of one packet in the estimate of the loss
	lossMatters   = 0.02 // share of lost packets that makes waiting for copies worth it
	lossForgotten = 0.005
	maxCopyWait   = 3 // packets
)

// AudioBuffer is an adaptive jitter buffer for one sender's Opus packets. It
// orders them, and decides for every piece of audio asked for whether to play,
// conceal or wait, so that packets wait as briefly as their jitter permits.
//
// Delay is measured from the moment at which the fastest packets arrive. A member
// who is not being played costs only a copy per packet: Push overwrites the oldest.
type AudioBuffer struct {
	slots [audioSlots]audioSlot
	delay delayEstimator
	stats AudioStats

	epoch   time.Time // arrival of the first packet
	ts      Unwrapper[uint32]
	newest  uint16
	started bool // a packet has come

	playing bool
	next    uint16 // sequence number to be played next
	nextTS  int64  // and its unwrapped timestamp, as far as known
	frame   int    // samples of the last packet played
	waits   int
	held    longest
	steady  int // frames played since one was stretched
	missed  int // packets that came too late since then

	loss     float32 // share of packets that do not come, lately
	lossy    bool    // it is worth waiting for copies of lost packets
	copiedBy int     // after how many packets copies come; in-band ones come with the next
}

type audioSlot struct {
	used, redundant bool
	seq             uint16
	level           uint8
	ts              int64
	arrival         time.Duration // since the epoch
	samples         int
	data            []byte
}

// Push takes in one packet and copies its payload. Malformed payloads are
// ignored.
func (b *AudioBuffer) Push(p AudioPacket) {
	samples := OpusSamples(p.Payload)
	if samples == 0 {
		return
	}
	b.stats.Received++
	if !b.started {
		b.epoch = p.Arrival
	}
	arrival := p.Arrival.Sub(b.epoch)
	ts := b.ts.Unwrap(p.TS)
	if b.started && b.isForeign(p.Seq, arrival-mediaTime(ts)) {
		b.restart()
		b.ts = Unwrapper[uint32]{}
		ts = b.ts.Unwrap(p.TS)
	}
	b.delay.observe(arrival, mediaTime(ts))
	if !b.started {
		b.newest = p.Seq
	} else if ahead := SeqDiff(p.Seq, b.newest); ahead > 0 {
		b.newest = p.Seq
		b.observeLoss(ahead - 1)
	}
	b.started = true
	switch {
	case b.playing && SeqLess(p.Seq, b.next):
		b.stats.Late++
		b.missed++
	case b.find(p.Seq) != nil:
		b.stats.Duplicate++
	default:
		b.store(p, ts, samples, false)
	}
}

// PushRedundant takes in a copy of an older packet that came along with a later
// one (RFC 2198). It is of use only if the packet itself has not come.
func (b *AudioBuffer) PushRedundant(p AudioPacket) {
	samples := OpusSamples(p.Payload)
	if samples == 0 || !b.started || b.find(p.Seq) != nil || b.playing && SeqLess(p.Seq, b.next) {
		return
	}
	if behind := SeqDiff(b.newest, p.Seq); behind <= 0 || behind >= audioSlots {
		return
	}
	b.copiedBy = SeqDiff(b.newest, p.Seq)
	b.store(p, b.ts.Unwrap(p.TS), samples, true)
}

// observeLoss notes that a packet came after so many that did not.
func (b *AudioBuffer) observeLoss(missing int) {
	for range min(missing, audioSlots) {
		b.loss += (1 - b.loss) * lossWeight
	}
	b.loss -= b.loss * lossWeight
	b.lossy = b.loss > lossMatters || b.lossy && b.loss > lossForgotten
	if !b.lossy {
		b.copiedBy = 0
	}
}

// target returns how long packets should wait: until nearly all have come, and
// if many are lost, until the copy of a lost one has come as well.
func (b *AudioBuffer) target() time.Duration {
	t := b.delay.wanted()
	if b.lossy {
		t += mediaTime(int64(b.frame) * int64(min(max(b.copiedBy, 1), maxCopyWait)))
	}
	return t
}

func (b *AudioBuffer) store(p AudioPacket, ts int64, samples int, redundant bool) {
	s := &b.slots[p.Seq%audioSlots]
	if s.used && SeqLess(p.Seq, s.seq) {
		b.stats.Late++ // its place belongs to a newer packet
		return
	}
	level := p.Level
	if !p.HasLevel {
		level = 0
	}
	*s = audioSlot{used: true, redundant: redundant, seq: p.Seq, level: level, ts: ts,
		arrival: p.Arrival.Sub(b.epoch), samples: samples, data: append(s.data[:0], p.Payload...)}
}

// isForeign reports whether a packet cannot belong to the stream so far: the
// sender started anew.
func (b *AudioBuffer) isForeign(seq uint16, transit time.Duration) bool {
	if gap := SeqDiff(seq, b.newest); gap > seqJump || gap < -seqJump {
		return true
	}
	gap := transit - b.delay.base()
	return gap > maxTransitGap || gap < -maxTransitGap
}

func (b *AudioBuffer) restart() {
	for i := range b.slots {
		b.slots[i].used = false
	}
	b.delay.reset()
	b.started, b.playing = false, false
}

// Stop ends playing. The next Pop begins with the packets that are due then,
// whatever was played before.
func (b *AudioBuffer) Stop() { b.playing = false }

// Stats returns the counters.
func (b *AudioBuffer) Stats() AudioStats {
	s := b.stats
	return s
}

// Held returns how long after its arrival a packet is heard that came as fast as
// any of late, 0 if none was heard yet.
func (b *AudioBuffer) Held() time.Duration { return b.held.value() }

// Pop decides about the next piece of audio. now is the time at which it will be
// heard; pending the samples that the caller has decoded already and will play
// before it.
func (b *AudioBuffer) Pop(now time.Time, pending int) AudioFrame {
	if !b.started {
		return AudioFrame{}
	}
	at := now.Sub(b.epoch) + mediaTime(int64(pending)) - b.delay.base()
	target := b.target()
	if !b.playing {
		return b.begin(at, target)
	}
	head := b.head()
	if head != nil && at-mediaTime(head.ts) > target+dropMargin {
		head = b.skipTo(at-target, head)
	}
	if head == nil {
		b.stats.Concealed++
		return b.wait()
	}
	waited := at - mediaTime(head.ts)
	contiguous := head.seq == b.next
	switch {
	case contiguous && head.ts <= b.nextTS, waited >= target && contiguous:
		return b.play(head, waited, target, pending)
	case contiguous: // the sender paused; what follows is not due yet
		return b.wait()
	case waited >= target: // the time of what is missing has been filled already
		return b.play(head, waited, target, pending)
	}
	return b.lost(head)
}

// begin starts playing if a packet is due. at is the media time that fast packets
// have now.
func (b *AudioBuffer) begin(at, target time.Duration) AudioFrame {
	b.next = b.newest - audioSlots + 1
	head := b.head()
	for head != nil && at-mediaTime(head.ts) >= target+mediaTime(int64(head.samples)) {
		b.next = head.seq + 1
		head = b.head()
	}
	if head == nil || at-mediaTime(head.ts) < target {
		return AudioFrame{}
	}
	b.playing, b.waits, b.steady, b.missed = true, 0, 0, 0
	f := b.play(head, at-mediaTime(head.ts), target, 0)
	if before := b.find(head.seq - 1); before != nil {
		f.Prime = before.data
	}
	return f
}

// play hands out head and moves on behind it.
func (b *AudioBuffer) play(head *audioSlot, waited, target time.Duration, pending int) AudioFrame {
	if b.steady >= growEvery && waited < target-growMargin && (head.level >= quietLevel || b.missed > 0) {
		// The buffer is too short: stretch it where nobody notices, or at once if
		// packets are being lost by it.
		b.steady, b.missed = 0, 0
		return AudioFrame{Kind: FrameWait, Samples: b.frame}
	}
	b.steady++
	b.next, b.nextTS = head.seq+1, head.ts+int64(head.samples)
	b.frame, b.waits = head.samples, 0
	b.stats.Delay = waited
	if head.redundant {
		b.stats.Recovered++
	} else {
		b.held.note(waited + b.delay.base() + mediaTime(head.ts) - head.arrival)
	}
	return AudioFrame{Kind: FramePlay, Payload: head.data, Samples: head.samples, Excess: excess(waited, target, pending)}
}

// excess returns how many samples of delay can be done without. Frames are asked
// for at a fixed rhythm, so a packet may have to wait for up to one frame longer
// than the target for its turn. What is more than that, and what is pending from
// packets before although this one has waited long enough, only adds delay.
func excess(waited, target time.Duration, pending int) int {
	n := 0
	if waited-mediaTime(int64(pending)) >= target+growMargin {
		n = pending
	}
	if more := waited - target - mediaTime(FrameSamples); more > shrinkMargin {
		n = max(n, int(more*SampleRate/time.Second))
	}
	return n
}

// lost makes up for the packet before head, which has not come although head has.
func (b *AudioBuffer) lost(head *audioSlot) AudioFrame {
	b.next++
	b.nextTS += int64(b.frame)
	b.waits = 0
	if head.seq == b.next {
		b.stats.Recovered++
		return AudioFrame{Kind: FrameFEC, Payload: head.data, Samples: b.frame}
	}
	b.stats.Concealed++
	return AudioFrame{Kind: FrameConceal, Samples: b.frame}
}

// wait bridges the time until the next packet, but not for ever.
func (b *AudioBuffer) wait() AudioFrame {
	if b.waits++; b.waits > maxWaits {
		b.playing = false
		return AudioFrame{}
	}
	return AudioFrame{Kind: FrameWait, Samples: b.frame}
}

// skipTo gives up packets from head on that would be played far too late, up to
// media time at, and returns the first one that is left.
func (b *AudioBuffer) skipTo(at time.Duration, head *audioSlot) *audioSlot {
	for head != nil && mediaTime(head.ts+int64(head.samples)) <= at {
		b.next, b.nextTS = head.seq+1, head.ts+int64(head.samples)
		b.stats.Late++
		head = b.head()
	}
	return head
}

// head returns the oldest packet that is still to be played, or nil.
func (b *AudioBuffer) head() *audioSlot {
	if SeqDiff(b.newest, b.next) >= audioSlots {
		b.next = b.newest - audioSlots + 1
	}
	for ahead := range SeqDiff(b.newest, b.next) + 1 {
		if s := b.find(b.next + uint16(ahead)); s != nil {
			return s
		}
	}
	return nil
}

func (b *AudioBuffer) find(seq uint16) *audioSlot {
	s := &b.slots[seq%audioSlots]
	if !s.used || s.seq != seq {
		return nil
	}
	return s
}

// mediaTime returns the duration of the given number of samples at 48 kHz.
func mediaTime(samples int64) time.Duration {
	return time.Duration(samples * 62500 / 3) // 1e9/48000 ns each; no overflow in our lifetime
}
