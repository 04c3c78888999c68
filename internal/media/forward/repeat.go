package forward

import (
	"encoding/binary"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// repeatShare is the part of the bandwidth that retransmissions may take, of
	// all that a subscriber watches together, and repeatBurst the time over which
	// it may be saved up: a lost key frame at a megabit a second fits.
	repeatShare = 0.25
	repeatBurst = time.Second
	// maxRepeats is how often one packet is sent again.
	maxRepeats = 3
	// minRepeatInterval is the least time between two of these, where the round
	// trip is shorter or what the subscriber says of it is.
	minRepeatInterval = 20 * time.Millisecond
)

// repeatBudget bounds what is sent again, which costs a subscriber who asks for
// it next to nothing. The zero value is full.
type repeatBudget struct {
	bytes float64
	since time.Time
}

// take says whether a packet of size bytes may be sent again at a bandwidth in bits
// per second.
func (r *repeatBudget) take(size int, bps uint64, now time.Time) bool {
	rate := repeatShare * float64(bps) / 8
	full := rate * repeatBurst.Seconds()
	if r.since.IsZero() {
		r.bytes = full
	} else {
		r.bytes = min(r.bytes+rate*max(now.Sub(r.since), 0).Seconds(), full)
	}
	r.since = now
	if r.bytes < float64(size) {
		return false
	}
	r.bytes -= float64(size)
	return true
}

// mayRepeat says whether a packet of size bytes may be sent again.
func (d *Downlink) mayRepeat(size int, now time.Time) bool {
	d.sending.Lock()
	defer d.sending.Unlock()
	bps, _ := d.est.Estimate(now)
	return d.repeats.take(size, bps, now)
}

// repeat remembers how often a packet was sent again and when last. Number and
// timestamp tell the packet apart from one with the same number long ago.
type repeat struct {
	seq   uint16
	times uint8
	ts    uint32
	last  int64 // Unix nanoseconds
}

// resend answers a NACK: numbers as the subscriber knows them. One that was
// sent again less than rtt ago is still on its way.
func (t *Track) resend(seqs []uint16, now time.Time, rtt time.Duration) (n int) {
	for _, seq := range seqs {
		sent, source := t.repeatable(seq, now, max(rtt, minRepeatInterval))
		if source != nil && t.repeat(seq, sent, source, now) {
			n++
		}
	}
	return n
}

// repeatable finds a packet that may be sent again; source is nil if there is
// none.
func (t *Track) repeatable(seq uint16, now time.Time, interval time.Duration) (sent rtpx.Sent, source *Layer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent, ok := t.rewriter.Lookup(seq)
	if !ok || sent.Padding { // the probe is over
		return sent, nil
	}
	r := t.repeatLocked(seq, sent.TS)
	if r.times >= maxRepeats || now.UnixNano()-r.last < int64(interval) {
		return sent, nil
	}
	return sent, t.sourceLocked(sent.Source)
}

// repeatLocked is what is remembered of a packet's repeats.
func (t *Track) repeatLocked(seq uint16, ts uint32) *repeat {
	if t.repeats == nil {
		t.repeats = make([]repeat, cachePackets)
	}
	r := &t.repeats[seq%cachePackets]
	if r.seq != seq || r.ts != ts {
		*r = repeat{seq: seq, ts: ts}
	}
	return r
}

// sourceLocked finds a recent layer.
func (t *Track) sourceLocked(streamID uint32) *Layer {
	for _, s := range t.sources {
		if s.StreamID == streamID {
			return s
		}
	}
	return nil
}

// repeat sends one packet again, on the stream for retransmissions (RFC 4588)
// or else as it was.
func (t *Track) repeat(seq uint16, sent rtpx.Sent, source *Layer, now time.Time) bool {
	b := netio.Get()
	const payload = rtpx.HeaderSize + stampSize + 2
	codec, marker, ok := source.fetch(sent.Seq, b, payload)
	if !ok || !t.down.mayRepeat(b.N, now) {
		b.Release()
		return false
	}
	info, err := rtpx.Inspect(codec, b.B[payload:b.N])
	rtpx.WritePicture(codec, b.B[payload:b.N], sent.Picture)
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.repeatLocked(seq, sent.TS)
	r.times, r.last = r.times+1, now.UnixNano()
	marker = marker || err == nil && t.filter.ends(&info)
	t.resends++
	t.sendAgainLocked(b, payload, rtpx.Header{Marker: marker, Seq: seq, TS: sent.TS, SSRC: t.cfg.SSRC}, t.formats[codec], now)
	return true
}

// sendAgainLocked puts the header before the payload that begins at start.
func (t *Track) sendAgainLocked(b *netio.Buffer, start int, h rtpx.Header, f Format, now time.Time) {
	original := h.Seq
	h.PayloadType = f.PayloadType
	rtx := f.RTX != 0 && t.cfg.RTX != 0
	if rtx {
		h.PayloadType, h.SSRC, h.Seq = f.RTX, t.cfg.RTX, t.rtxSeq
		t.rtxSeq++
	}
	n, stamp := t.putHeaderLocked(b, h)
	if rtx {
		binary.BigEndian.PutUint16(b.B[n:], original)
		n += 2
	}
	b.N = n + copy(b.B[n:], b.B[start:b.N])
	t.sendLocked(b, stamp, now)
}
