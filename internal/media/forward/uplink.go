package forward

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/reception"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// UplinkConfig says how the client's sending section was negotiated.
type UplinkConfig struct {
	// Formats says for each payload type what it carries.
	Formats [128]UplinkFormat
	// Extension ids, 0 where not negotiated.
	RIDExt, RepairedExt, TransportExt uint8
	// RIDs are the simulcast layers from the lowest up, empty without
	// simulcast.
	RIDs []string
	// SSRCs as declared, and pairs of primary and retransmission.
	SSRCs []uint32
	Pairs [][2]uint32
}

// UplinkFormat is what a payload type carries: a codec, or retransmissions for
// the payload type Repairs.
type UplinkFormat struct {
	Codec   rtpx.Codec
	Repairs uint8 // 0: not retransmissions
}

// Uplink is one client's sending side. Safe for concurrent use.
type Uplink struct {
	ssrc    uint32 // names this side in feedback
	control Control
	live    func(*Publication, bool)

	// ssrcs of the layers' primary streams, 0 before they are known.
	ssrcs       [maxLayers]atomic.Uint32
	nacks, plis atomic.Uint64

	mu       sync.Mutex // guards what follows
	cfg      UplinkConfig
	streams  map[uint32]*stream
	bySlot   [maxLayers]*stream // primary stream of each layer
	clock    reception.Clock    // the client's
	pub      *Publication       // nil while nothing is published
	recorder *twcc.Recorder     // nil before the first numbered packet
	began    time.Time          // zero of the recorder's clock
	recorded bool               // numbered packets have come since the last feedback
	lastSent time.Time          // last feedback
	bits     reception.Meter
	capped   uint64    // bandwidth last told to the client, 0 none
	cappedAt time.Time // when
	keyAt    time.Time // last periodic key frame request
	scratch  []uint16
}

// maxLayers is the most simulcast layers of one publication; maxStreams bounds
// the SSRCs of a client.
const (
	maxLayers  = 4
	maxStreams = 32
)

// stream is one incoming SSRC.
type stream struct {
	ssrc    uint32
	slot    int     // layer
	primary *stream // of a retransmission stream, else nil
	*reception.Stream
}

// NewUplink makes a sending side that publishes nothing yet. ssrc names this
// side in feedback; live is called, from the goroutine of the packet and with
// locks held, when the first packet of a layer has come, and told whether it is
// the publication's first: it must not call back.
func NewUplink(ssrc uint32, control Control, live func(pub *Publication, first bool)) *Uplink {
	return &Uplink{ssrc: ssrc, control: control, live: live, streams: make(map[uint32]*stream)}
}

// Configure takes over what was negotiated.
func (u *Uplink) Configure(cfg UplinkConfig) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cfg = cfg
	if len(cfg.RIDs) > 0 {
		return // streams are found by their rid
	}
	for _, p := range cfg.Pairs {
		if primary := u.bindLocked(p[0], 0); primary != nil {
			u.bindRepairLocked(p[1], primary)
		}
	}
	if len(cfg.Pairs) == 0 && len(cfg.SSRCs) > 0 {
		u.bindLocked(cfg.SSRCs[0], 0)
	}
}

// Publish begins a publication of the given encodings, ending the one before.
// next yields fresh ids, growing.
func (u *Uplink) Publish(encodings []Encoding, content bool, next func() uint32) *Publication {
	p := newPublication(u, encodings[:min(len(encodings), maxLayers)], content, next)
	u.mu.Lock()
	old := u.pub
	u.pub = p
	u.mu.Unlock()
	if old != nil {
		old.close()
	}
	return p
}

// Unpublish ends the publication, if there is one, and returns it. The client's
// packets then go nowhere, but are still reported on.
func (u *Uplink) Unpublish() *Publication {
	u.mu.Lock()
	old := u.pub
	u.pub = nil
	u.mu.Unlock()
	if old != nil {
		old.close()
	}
	return old
}

// Publication returns what is being published, or nil.
func (u *Uplink) Publication() *Publication {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.pub
}

// RTP takes a packet from the client. It reports false if it belongs to nothing
// that was negotiated.
func (u *Uplink) RTP(h *rtpx.Header, pkt []byte, at time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.cfg.Formats[h.PayloadType&0x7f]
	if f.Codec == rtpx.CodecUnknown && f.Repairs == 0 {
		return false
	}
	s := u.enterLocked(h, pkt, f.Repairs != 0)
	if s == nil {
		return false
	}
	u.recordLocked(h, pkt, at)
	u.bits.Add(8*len(pkt), at)
	p := packet{seq: h.Seq, ts: h.TS, marker: h.Marker, at: at, codec: f.Codec, payload: h.Payload(pkt)}
	if s.primary != nil {
		if s.Note(h.Seq, h.TS, at); len(p.payload) < 2 || f.Repairs == 0 {
			return true // a probe for bandwidth
		}
		p.seq = binary.BigEndian.Uint16(p.payload)
		p.payload = p.payload[2:]
		p.codec = u.cfg.Formats[f.Repairs].Codec
		s = s.primary
	}
	u.deliverLocked(s, &p)
	return true
}

// deliverLocked hands a packet to its layer, unless it came before.
func (u *Uplink) deliverLocked(s *stream, p *packet) {
	v, overflow := s.Note(p.seq, p.ts, p.at)
	if v == reception.Duplicate || u.pub == nil || s.slot >= len(u.pub.layers) {
		return
	}
	layer := u.pub.layers[s.slot]
	if layer.taps.Load() != nil {
		p.captured = u.capturedLocked(s, p)
	}
	layer.receive(p)
	if overflow && layer.watched() {
		layer.RequestKeyFrame(p.at)
	}
	if len(p.payload) > 0 && !layer.flowed.Load() {
		layer.flowed.Store(true)
		u.live(u.pub, !u.pub.live.Swap(true))
	}
}

// What a client's reports say is believed if the packet was captured not so long
// before it came, and not later.
const (
	longestEncoding = 5 * time.Second
	reportTolerance = 50 * time.Millisecond
)

// capturedLocked returns when a packet's picture was captured, zero if its sender
// has not said, or said what cannot be.
func (u *Uplink) capturedLocked(s *stream, p *packet) time.Time {
	at, ok := s.Captured(p.ts, &u.clock)
	if ago := p.at.Sub(at); !ok || ago > longestEncoding || ago < -reportTolerance {
		return time.Time{}
	}
	return at
}

// enterLocked returns the stream a packet belongs to, entering it if it is new.
func (u *Uplink) enterLocked(h *rtpx.Header, pkt []byte, repair bool) *stream {
	if s := u.streams[h.SSRC]; s != nil && (s.primary != nil) == repair {
		return s
	}
	slot := 0
	if len(u.cfg.RIDs) > 0 {
		ext := u.cfg.RIDExt
		if repair {
			ext = u.cfg.RepairedExt
		}
		if slot = u.slotOfLocked(h.Extension(pkt, ext)); slot < 0 {
			return nil
		}
	}
	if !repair {
		return u.bindLocked(h.SSRC, slot)
	}
	if primary := u.bySlot[slot]; primary != nil {
		return u.bindRepairLocked(h.SSRC, primary)
	}
	return nil
}

// slotOfLocked finds a layer by its rid, -1 if there is none.
func (u *Uplink) slotOfLocked(rid []byte) int {
	for i, r := range u.cfg.RIDs {
		if i < maxLayers && r == string(rid) {
			return i
		}
	}
	return -1
}

// bindLocked enters the primary stream of a layer; nil if there are too many.
func (u *Uplink) bindLocked(ssrc uint32, slot int) *stream {
	s := u.streams[ssrc]
	if s == nil || s.primary != nil || s.slot != slot {
		if len(u.streams) >= maxStreams {
			return nil
		}
		s = &stream{ssrc: ssrc, slot: slot, Stream: reception.NewStream(videoClock)}
		u.streams[ssrc] = s
	}
	u.bySlot[slot] = s
	u.ssrcs[slot].Store(ssrc)
	return s
}

// bindRepairLocked enters a retransmission stream.
func (u *Uplink) bindRepairLocked(ssrc uint32, primary *stream) *stream {
	if s := u.streams[ssrc]; s != nil && s.primary == primary {
		return s
	}
	if len(u.streams) >= maxStreams {
		return nil
	}
	s := &stream{ssrc: ssrc, slot: primary.slot, primary: primary, Stream: reception.NewStream(videoClock)}
	u.streams[ssrc] = s
	return s
}

// recordLocked takes a packet's transport-wide number for the feedback.
func (u *Uplink) recordLocked(h *rtpx.Header, pkt []byte, at time.Time) {
	ext := h.Extension(pkt, u.cfg.TransportExt)
	if len(ext) < 2 {
		return
	}
	if u.recorder == nil {
		u.recorder, u.began = twcc.NewRecorder(u.ssrc), at
	}
	u.recorder.Record(h.SSRC, binary.BigEndian.Uint16(ext), at.Sub(u.began).Microseconds())
	u.recorded = true
}

// SenderReport takes the client's report on one of its streams, or on its sound.
func (u *Uplink) SenderReport(r *rtcp.SenderReport, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clock.Note(r.NTPTime, at)
	if s := u.streams[r.SSRC]; s != nil {
		s.SenderReport(r.NTPTime, r.RTPTime, at)
	}
}

// Reports describes the reception of every stream since the last call.
func (u *Uplink) Reports(now time.Time) []rtcp.ReceptionReport {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []rtcp.ReceptionReport
	for _, s := range u.streams {
		if s.Started() && len(out) < 31 {
			out = append(out, s.Report(s.ssrc, now))
		}
	}
	return out
}
