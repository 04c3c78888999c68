package forward

import (
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/reception"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Format is how one codec is numbered in a subscriber's section.
type Format struct {
	PayloadType uint8
	RTX         uint8 // of retransmissions, 0 for none
}

// codecs is one more than the highest codec.
const codecs = int(rtpx.AV1) + 1

// Formats has an entry for each codec the subscriber decodes, by codec; a
// payload type of 0 means that it does not.
type Formats [codecs]Format

// TrackConfig describes a subscriber's section.
type TrackConfig struct {
	SSRC, RTX uint32 // RTX 0: the subscriber takes no retransmissions apart
	// FirstSeq and FirstTS begin the numbering; they should be random.
	FirstSeq, FirstRTX uint16
	FirstTS            uint32
}

// maxSources is how many layers a track remembers for retransmissions.
const maxSources = 4

// Track is one receiving section of a subscriber. Safe for concurrent use.
type Track struct {
	cfg  TrackConfig
	down *Downlink

	mu       sync.Mutex // guards what follows
	formats  Formats
	stamp    uint8 // extension id of the transport-wide number, 0 for none
	rewriter *rtpx.Rewriter
	wanted   *Layer   // what the subscriber shall see, nil for nothing
	current  *Layer   // what he sees, nil while waiting for a key frame
	sources  []*Layer // recent values of current
	filter   filter   // of the layers inside current
	rtxSeq   uint16
	repeats  []repeat // by number sent, nil before the first

	packets, octets, resends uint64
	lastTS                   uint32
	lastAt                   time.Time
	sentBits                 reception.Meter
}

func newTrack(cfg TrackConfig, down *Downlink) *Track {
	return &Track{
		cfg: cfg, down: down, rtxSeq: cfg.FirstRTX, filter: filter{everything(), everything()},
		rewriter: rtpx.NewRewriter(rtpx.RewriterConfig{History: cachePackets, FirstSeq: cfg.FirstSeq, FirstTS: cfg.FirstTS}),
	}
}

// setFormats says how packets are to be numbered from now on.
func (t *Track) setFormats(f Formats, stamp uint8) {
	t.mu.Lock()
	t.formats, t.stamp = f, stamp
	t.mu.Unlock()
}

// choose makes the track take a layer, nil for none. The change happens at the
// new layer's next key frame, which is asked for; until then the old one goes
// on.
func (t *Track) choose(l *Layer, now time.Time) {
	t.mu.Lock()
	old := t.wanted
	if old == l {
		t.mu.Unlock()
		return
	}
	t.wanted = l
	if old != nil && old != t.current {
		old.detach(t)
	}
	if l == nil {
		t.stopLocked()
	} else {
		l.attach(t)
	}
	ask := l != nil && l != t.current
	t.mu.Unlock()
	if ask {
		l.RequestKeyFrame(now)
	}
}

// take is choose for an option: the layer, cut at its point.
func (t *Track) take(o option, now time.Time) {
	t.mu.Lock()
	ask := t.filter.cut(o.cut) && t.current == o.layer
	t.mu.Unlock()
	t.choose(o.layer, now)
	if ask {
		o.layer.RequestKeyFrame(now)
	}
}

// uncut lets whole streams through again.
func (t *Track) uncut() {
	t.mu.Lock()
	t.filter.wanted = everything()
	t.mu.Unlock()
}

// taken is what the track takes or shall take, and at which point it is cut.
func (t *Track) taken() (l *Layer, cut point) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wanted, t.filter.wanted
}

// stopLocked sends nothing more.
func (t *Track) stopLocked() {
	if t.current != nil {
		t.current.detach(t)
		t.current = nil
	}
	t.rewriter.Cut()
}

// release forgets a layer that has ended.
func (t *Track) release(l *Layer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.detach(t)
	if t.current == l {
		t.stopLocked()
	}
	if t.wanted == l {
		t.wanted = nil
	}
}

// write takes a packet of a layer the track is attached to; the layer hands them
// over in their order.
func (t *Track) write(l *Layer, p *packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != l && !t.switchToLocked(l, p) {
		return
	}
	in := rtpx.In{Source: l.StreamID, Seq: p.seq, TS: p.ts, Marker: p.marker, Arrival: p.at, Picture: p.info.Picture}
	if t.leaveOutLocked(in, p) {
		return
	}
	f := t.formats[p.codec]
	if f.PayloadType == 0 {
		// The publisher has gone over to a codec this subscriber lacks.
		t.current = nil
		t.rewriter.Cut()
		if t.wanted != l {
			l.detach(t)
		}
		return
	}
	if out, ok := t.rewriter.Forward(in); ok {
		t.emitLocked(p, out, f)
	}
}

// leaveOutLocked drops padding, and what the filter does not let through, so that the
// numbers close up.
func (t *Track) leaveOutLocked(in rtpx.In, p *packet) bool {
	if len(p.payload) > 0 && t.filter.pass(p.codec, &p.info) {
		return false
	}
	if p.codec == rtpx.VP9 {
		in.Picture = rtpx.Picture{} // its pictures refer to each other by id
	}
	// A late packet whose place is kept is better sent than left as a hole.
	return t.rewriter.Drop(in) || len(p.payload) == 0
}

// emitLocked sends a packet under its new numbers.
func (t *Track) emitLocked(p *packet, out rtpx.Out, f Format) {
	b := netio.Get()
	n, stamp := t.putHeaderLocked(b, rtpx.Header{
		Marker: p.marker || t.filter.ends(&p.info), PayloadType: f.PayloadType, Seq: out.Seq, TS: out.TS, SSRC: t.cfg.SSRC,
	})
	if n+len(p.payload) > len(b.B) {
		b.Release()
		return
	}
	b.N = n + copy(b.B[n:], p.payload)
	if out.Picture != p.info.Picture {
		rtpx.WritePicture(p.codec, b.B[n:b.N], out.Picture)
	}
	t.lastTS, t.lastAt = out.TS, p.at
	t.sendLocked(b, stamp, p.at)
}

// switchToLocked changes over to the wanted layer if the packet begins a key frame of
// it.
func (t *Track) switchToLocked(l *Layer, p *packet) bool {
	if l != t.wanted || !p.info.Key || t.formats[p.codec].PayloadType == 0 {
		return false
	}
	if t.current != nil {
		t.current.detach(t)
	}
	t.current = l
	for _, s := range t.sources {
		if s == l {
			return true
		}
	}
	if len(t.sources) == maxSources {
		t.sources = t.sources[:copy(t.sources, t.sources[1:])]
	}
	t.sources = append(t.sources, l)
	return true
}

// putHeaderLocked writes the header and returns its length and where the
// transport-wide number goes, 0 for nowhere.
func (t *Track) putHeaderLocked(b *netio.Buffer, h rtpx.Header) (n, stamp int) {
	n = rtpx.PutHeader(b.B[:], h)
	if t.stamp == 0 {
		return n, 0
	}
	b.B[0] |= 0x10
	stamp = n + putStamp(b.B[n:], t.stamp)
	return n + stampSize, stamp
}

// sendLocked counts and sends.
func (t *Track) sendLocked(b *netio.Buffer, stamp int, now time.Time) {
	t.packets++
	t.octets += uint64(b.N - rtpx.HeaderSize)
	t.sentBits.Add(8*b.N, now)
	t.down.send(b, stamp, now)
}

// layers returns what the track takes and what it shall take.
func (t *Track) layers() (current, wanted *Layer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current, t.wanted
}
