package media

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/mix"
	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/reception"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// audioPlan is how sound was negotiated. It is replaced as a whole.
type audioPlan struct {
	opus, red uint8      // payload types; red 0 if not negotiated
	level     uint8      // header extension id, 0 if not negotiated
	receives  bool       // the client takes sound
	format    mix.Format // and how
}

// copies says that what is lost on the way to the client is made up for by
// sending each packet twice (RED). That is for stereo: it has no in-band FEC.
func (p *audioPlan) copies() bool { return p.format.Stereo && p.red != 0 }

const (
	// copiesFor is how long copies are sent after the client has reported a loss that
	// matters.
	copiesFor = 30 * time.Second
	// maxWithCopy bounds two payloads in one packet, in bytes, so that it passes
	// through every network. At MaxBitrate they have 640 on average.
	maxWithCopy = 1000
)

// audio is a peer's sound, both ways.
type audio struct {
	peer *Peer
	ssrc uint32
	plan atomic.Pointer[audioPlan] // nil before the first answer
	seen atomic.Bool               // a packet has come
	sent atomic.Bool               // a packet has gone
	last atomic.Int64              // arrival of the last packet, Unix nanoseconds
	// copyUntil is until when packets are sent with a copy of the one before, in Unix
	// nanoseconds.
	copyUntil atomic.Int64

	in struct {
		sync.Mutex
		ssrc   uint32
		stream *reception.Stream
	}
	out struct {
		sync.Mutex
		seq             uint16
		offset          uint32 // of timestamps
		packets, octets uint32
		lastTS          uint32
		lastAt          time.Time
		before          []byte // the last payload, while copies are sent
	}
}

func (a *audio) init(p *Peer) {
	a.peer = p
	a.ssrc = rand.Uint32() | 1
	a.in.stream = reception.NewStream(rtpx.SampleRate)
	a.out.seq, a.out.offset = uint16(rand.Uint32()>>17), rand.Uint32()
}

// receive takes a packet if it is sound.
func (a *audio) receive(h *rtpx.Header, pkt []byte, at time.Time) bool {
	plan := a.plan.Load()
	if plan == nil || h.PayloadType != plan.opus && (plan.red == 0 || h.PayloadType != plan.red) {
		return false
	}
	a.last.Store(at.UnixNano())
	if !a.note(h, at) {
		return true
	}
	if !a.seen.Load() && !a.seen.Swap(true) {
		a.peer.step(StepFirstAudioIn, at)
		a.peer.post(func(e PeerEvents) { e.AudioStarted() })
	}
	member := a.peer.member.Load()
	if member == nil || h.PayloadStart == h.PayloadEnd {
		return true
	}
	p := rtpx.AudioPacket{Seq: h.Seq, TS: h.TS, Payload: h.Payload(pkt), Arrival: at}
	p.Level, p.Voice, p.HasLevel = rtpx.ParseLevel(h.Extension(pkt, plan.level))
	if h.PayloadType == plan.opus {
		member.Push(p)
	} else {
		member.PushRED(p)
	}
	return true
}

// note counts the packet; it reports false for one that came before.
func (a *audio) note(h *rtpx.Header, at time.Time) bool {
	a.in.Lock()
	defer a.in.Unlock()
	if h.SSRC != a.in.ssrc {
		a.in.ssrc, a.in.stream = h.SSRC, reception.NewStream(rtpx.SampleRate)
	}
	v, _ := a.in.stream.Note(h.Seq, h.TS, at)
	return v != reception.Duplicate
}

// WriteFrame implements mix.Sink.
func (a *audio) WriteFrame(payload []byte, timestamp uint32, marker bool) {
	plan := a.plan.Load()
	if plan == nil || len(payload) > netio.BufferSize/2 {
		return
	}
	b := netio.Get()
	now := a.peer.room.node.now()
	a.out.Lock()
	defer a.out.Unlock()
	ts := a.out.offset + timestamp
	h := rtpx.Header{Marker: marker, PayloadType: plan.opus, Seq: a.out.seq, TS: ts, SSRC: a.ssrc}
	if copies := plan.copies() && now.UnixNano() < a.copyUntil.Load(); !copies {
		b.N = rtpx.PutHeader(b.B[:], h)
		b.N += copy(b.B[b.N:], payload)
		a.out.before = nil
	} else {
		b.N = a.putWithCopy(b.B[:], h, plan.red, payload)
	}
	a.out.lastTS, a.out.lastAt = ts, now
	a.out.seq++
	a.out.packets++
	a.out.octets += uint32(b.N - rtpx.HeaderSize)
	if a.peer.conn.SendRTP(b) && !a.sent.Load() && !a.sent.Swap(true) {
		a.peer.step(StepFirstAudioOut, now)
	}
}

// putWithCopy writes a packet that holds the one before it as well, with payload
// type red, if the two are not too long for that. It returns the length.
func (a *audio) putWithCopy(dst []byte, h rtpx.Header, red uint8, payload []byte) int {
	before, opus := a.out.before, h.PayloadType
	fits := len(before) > 0 && len(before)+len(payload) < maxWithCopy && h.TS-a.out.lastTS == rtpx.FrameSamples
	if fits {
		h.PayloadType = red
	}
	n := rtpx.PutHeader(dst, h)
	if fits {
		n = len(rtpx.AppendRED(dst[:n], rtpx.REDBlock{PayloadType: opus, TSOffset: rtpx.FrameSamples, Payload: before}, payload))
	} else {
		n += copy(dst[n:], payload)
	}
	a.out.before = append(before[:0], payload...)
	return n
}

// senderReport describes what was sent, nil if that is nothing.
func (a *audio) senderReport(now time.Time, ntp uint64) *rtcp.SenderReport {
	a.out.Lock()
	defer a.out.Unlock()
	if a.out.packets == 0 {
		return nil
	}
	return &rtcp.SenderReport{
		SSRC: a.ssrc, NTPTime: ntp, RTPTime: a.out.lastTS + uint32(now.Sub(a.out.lastAt).Seconds()*rtpx.SampleRate),
		PacketCount: a.out.packets, OctetCount: a.out.octets,
	}
}

// report describes what was received, ok is false if that is nothing.
func (a *audio) report(now time.Time) (r rtcp.ReceptionReport, ok bool) {
	a.in.Lock()
	defer a.in.Unlock()
	if !a.in.stream.Started() {
		return r, false
	}
	return a.in.stream.Report(a.in.ssrc, now), true
}

// loss is the share of packets missing in the last report interval.
func (a *audio) loss() float64 {
	a.in.Lock()
	defer a.in.Unlock()
	return a.in.stream.Lost()
}

// lost learns how much of what is sent gets lost, in percent.
func (a *audio) lost(percent int, at time.Time) {
	plan, member := a.plan.Load(), a.peer.member.Load()
	switch {
	case plan == nil || member == nil:
	case !plan.copies():
		member.SetLoss(percent)
	case percent >= mix.LossMatters:
		a.copyUntil.Store(at.Add(copiesFor).UnixNano())
	}
}

// joinSound makes the peer a member of the mix as soon as it is connected and
// sound has been negotiated; later it passes on what has been negotiated anew.
func (p *Peer) joinSound() {
	plan := p.audio.plan.Load()
	if plan == nil || !p.conn.IsConnected() {
		return
	}
	own, content := p.room.voice(p.cfg.Owner)
	cfg := mix.MemberConfig{ID: own, HearsNot: []uint32{content}, Speaker: p.cfg.AttendeeID}
	if p.cfg.Content {
		cfg = mix.MemberConfig{ID: content}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if member := p.member.Load(); member != nil {
		member.SetFormat(plan.format)
		return
	}
	if p.closed.Load() {
		return
	}
	cfg.Format = plan.format
	if plan.receives {
		cfg.Sink = &p.audio
	}
	member := p.room.sound.AddMember(cfg)
	member.SetMuted(p.muted)
	member.SetSend(p.perms.AudioSend)
	member.SetReceive(p.perms.AudioReceive && !p.cfg.Content)
	p.member.Store(member)
}

func (p *Peer) leaveSound() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if member := p.member.Swap(nil); member != nil {
		member.Remove()
	}
}

// loudness is the peer's level in dB below full scale and its mute state.
func (p *Peer) loudness() (level uint8, muted bool) {
	p.mu.Lock()
	muted = p.muted
	p.mu.Unlock()
	member := p.member.Load()
	if member == nil || muted {
		return rtpx.LevelSilent, muted
	}
	return member.Level(), muted
}
