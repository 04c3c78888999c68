package rtpx

import "time"

// Rewriter gives one subscriber a single continuous stream, whatever happens at
// the source: layers and publishers change, frames are left out, packets come
// twice or late. It rewrites sequence numbers, timestamps and picture ids, and
// remembers what it did so that a NACK can be answered.
//
// Packets of the source in use go through Forward or Drop, in the order they
// come. When In.Source differs from that of the packet before, the new source
// takes over at once and its old packets are refused from then on, so the caller
// passes only the source it has chosen and changes it at a key frame.
type Rewriter struct {
	clockRate int64
	mask      uint16
	in        []inSlot // by incoming sequence number
	out       []outSlot
	strays    strayRun

	begun      bool   // something was sent
	attached   bool   // the offsets below belong to source
	source     uint32 // id of the source in use
	generation uint32 // counts sources, to tell their slots apart
	highest    uint16 // newest incoming sequence number of source
	shift      shift
	dropped    droppedPicture

	lastSeq     uint16 // newest outgoing packet
	lastTS      uint32
	lastMarker  bool
	lastArrival time.Time
	lastPicture Picture
}

// shift is what is added to the incoming numbers.
type shift struct {
	seq     uint16
	ts      uint32
	picture uint16
	tl0     uint8
}

// droppedPicture remembers the last frame that was left out, which arrives in
// several packets but closes the gap in the picture ids only once.
type droppedPicture struct {
	id  uint16
	set bool
}

type slotState uint8

const (
	slotEmpty   slotState = iota
	slotMissing           // skipped so far; shift tells where it belongs if it comes late
	slotDone              // forwarded or dropped: another one is a duplicate
)

type inSlot struct {
	generation uint32
	seq        uint16
	state      slotState
	shift      shift
}

type outSlot struct {
	used bool
	seq  uint16
	sent Sent
}

// RewriterConfig says how a Rewriter numbers what it sends.
type RewriterConfig struct {
	// ClockRate of the RTP timestamps in Hz; 0 = 90000, that of all video.
	ClockRate int
	// History is how many packets can be found again for a NACK and how late a
	// packet may come; 0 = 512.
	History int
	// FirstSeq and FirstTS are given to the first packet; they should be random
	// (RFC 3550 §5.1).
	FirstSeq uint16
	FirstTS  uint32
}

// In is an incoming packet.
type In struct {
	// Source identifies the incoming stream, for instance by its SSRC.
	Source uint32
	Seq    uint16
	TS     uint32
	// Marker is the RTP marker bit: the last packet of a frame.
	Marker  bool
	Arrival time.Time
	// Picture as found by Inspect.
	Picture Picture
}

// Out is the numbering to send a packet with.
type Out struct {
	Seq     uint16
	TS      uint32
	Picture Picture
}

// Sent is an outgoing packet remembered for a NACK.
type Sent struct {
	// Source and Seq find the packet in the Cache of the incoming stream.
	Source uint32
	Seq    uint16
	// Padding: the packet held nothing; the answer is another empty one.
	Padding bool
	// TS and Picture are as they were sent.
	TS      uint32
	Picture Picture
}

// NewRewriter returns a Rewriter that has sent nothing yet.
func NewRewriter(cfg RewriterConfig) *Rewriter {
	if cfg.ClockRate <= 0 {
		cfg.ClockRate = 90000
	}
	if cfg.History <= 0 {
		cfg.History = 512
	}
	n := ringSize(cfg.History)
	return &Rewriter{
		clockRate: int64(cfg.ClockRate), mask: uint16(n - 1),
		in: make([]inSlot, n), out: make([]outSlot, n),
		lastSeq: cfg.FirstSeq - 1, lastTS: cfg.FirstTS,
	}
}

// Forward numbers a packet that is to be sent. ok is false if it must not be:
// it was sent or dropped before, or it is too old to be placed.
func (r *Rewriter) Forward(in In) (out Out, ok bool) {
	s, late, ok := r.place(in)
	if !ok {
		return Out{}, false
	}
	out = Out{Seq: in.Seq + s.seq, TS: in.TS + s.ts, Picture: in.Picture}
	out.Picture.ID = (in.Picture.ID + s.picture) & 0x7FFF
	out.Picture.TL0 = in.Picture.TL0 + s.tl0
	if !late {
		r.lastSeq, r.lastTS, r.lastMarker, r.lastArrival = out.Seq, out.TS, in.Marker, in.Arrival
		r.rememberPicture(out.Picture)
	}
	r.begun = true
	r.out[out.Seq&r.mask] = outSlot{used: true, seq: out.Seq,
		sent: Sent{Source: in.Source, Seq: in.Seq, TS: out.TS, Picture: out.Picture}}
	return out, true
}

// Drop notes a packet that is left out on purpose, so that the packets after it
// close the gap. Picture ids close up too, once per frame. It returns false for a
// late packet whose successors have been sent: the subscriber waits for its
// number, so it is better forwarded than left as a hole.
func (r *Rewriter) Drop(in In) bool {
	if !r.attached || in.Source != r.source {
		return true // the source takes over with the first packet that is forwarded
	}
	if r.awaited(in.Seq) != nil {
		return false
	}
	if _, _, ok := r.place(in); !ok {
		return true
	}
	r.shift.seq--
	if in.Picture.HasID && (!r.dropped.set || r.dropped.id != in.Picture.ID) {
		r.shift.picture--
		r.dropped = droppedPicture{id: in.Picture.ID, set: true}
	}
	return true
}

// awaited returns the place of a packet that was skipped and not seen since, or
// nil.
func (r *Rewriter) awaited(seq uint16) *inSlot {
	slot := &r.in[seq&r.mask]
	if slot.generation != r.generation || slot.seq != seq || slot.state != slotMissing {
		return nil
	}
	return slot
}

// Cut makes the next packet that is forwarded start anew, as if it came from
// another source. Call it when forwarding is suspended: what is skipped meanwhile
// then leaves no gap.
func (r *Rewriter) Cut() { r.attached = false }

// place finds the numbers for an incoming packet and marks it as seen. late is
// true if newer packets have been placed before it.
func (r *Rewriter) place(in In) (s shift, late, ok bool) {
	if !r.attached || in.Source != r.source {
		r.attach(in)
		return r.shift, false, true
	}
	switch ahead := SeqDiff(in.Seq, r.highest); {
	case ahead > len(r.in):
		r.attach(in)
	case ahead > 0:
		for seq := r.highest + 1; seq != in.Seq; seq++ {
			r.mark(seq, slotMissing)
		}
		r.mark(in.Seq, slotDone)
		r.highest = in.Seq
	case ahead <= -len(r.in):
		if !r.strays.restarted(in.Seq) {
			return shift{}, false, false
		}
		r.attach(in)
	default:
		slot := r.awaited(in.Seq)
		if slot == nil {
			return shift{}, false, false
		}
		slot.state = slotDone
		return slot.shift, true, true
	}
	return r.shift, false, true
}

func (r *Rewriter) mark(seq uint16, state slotState) {
	r.in[seq&r.mask] = inSlot{generation: r.generation, seq: seq, state: state, shift: r.shift}
}

// attach continues the outgoing stream with the packet in of a new source. Its
// timestamp follows the last one by the time that has passed between the two.
func (r *Rewriter) attach(in In) {
	r.source, r.attached = in.Source, true
	r.generation++
	r.highest = in.Seq
	r.dropped = droppedPicture{}
	ts := r.lastTS
	if r.begun {
		passed := in.Arrival.Sub(r.lastArrival)
		ts += uint32(max(1, int64(passed)*r.clockRate/int64(time.Second)))
	}
	r.shift = shift{seq: r.lastSeq + 1 - in.Seq, ts: ts - in.TS}
	if r.lastPicture.HasID {
		r.shift.picture = r.lastPicture.ID + 1 - in.Picture.ID
	}
	if r.lastPicture.HasTL0 {
		r.shift.tl0 = r.lastPicture.TL0 + 1 - in.Picture.TL0
	}
	r.mark(in.Seq, slotDone)
}

func (r *Rewriter) rememberPicture(p Picture) {
	if p.HasID {
		r.lastPicture.ID, r.lastPicture.HasID = p.ID, true
	}
	if p.HasTL0 {
		r.lastPicture.TL0, r.lastPicture.HasTL0 = p.TL0, true
	}
}

// Pad numbers a packet of padding only, which probes for bandwidth. ok is false
// in the middle of a frame and before anything was sent.
func (r *Rewriter) Pad() (out Out, ok bool) {
	if !r.begun || !r.lastMarker {
		return Out{}, false
	}
	r.lastSeq++
	r.shift.seq++
	out = Out{Seq: r.lastSeq, TS: r.lastTS}
	r.out[out.Seq&r.mask] = outSlot{used: true, seq: out.Seq, sent: Sent{Padding: true, TS: out.TS}}
	return out, true
}

// Lookup finds an outgoing packet by the sequence number it was sent with. ok is
// false if it is too old or was never sent.
func (r *Rewriter) Lookup(outSeq uint16) (sent Sent, ok bool) {
	s := &r.out[outSeq&r.mask]
	return s.sent, s.used && s.seq == outSeq
}

// TSOffset returns what is added to the timestamps of the source in use, needed
// to translate its sender reports. ok is false if there is no source.
func (r *Rewriter) TSOffset() (offset uint32, ok bool) { return r.shift.ts, r.attached }

// Source returns the source in use, if any.
func (r *Rewriter) Source() (source uint32, ok bool) { return r.source, r.attached }
