// Package reception follows incoming RTP streams: what came, what is missing and
// worth asking for, how evenly it came, and at what rate. It has no goroutines
// and takes no locks.
package reception

import (
	"slices"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// seenWindow is how many packets back a duplicate is recognised.
	seenWindow = 1024
	// MaxMissing is how many packets may be asked for at a time; a larger hole
	// is not worth filling, a key frame is.
	MaxMissing = 128
	// maxTries is how often one packet is asked for.
	maxTries = 8
	// nackDelay is how long a hole may be mere reordering.
	nackDelay = 10 * time.Millisecond
)

// Verdict is what a Stream makes of a packet.
type Verdict uint8

const (
	Fresh     Verdict = iota // newer than all before
	Late                     // fills a hole
	Duplicate                // seen before, or too old to tell
)

// Stream follows one incoming stream. It is not safe for concurrent use.
type Stream struct {
	started       bool
	base, highest int64 // extended sequence numbers
	received      uint64
	seen          [seenWindow / 64]uint64
	missing       []hole

	clock    float64
	transit  float64 // of the packet before, in timestamp units
	jitter   float64 // RFC 3550 A.8
	priorExp uint64  // at the last report
	priorRec uint64

	srNTP uint64    // the last sender report's time
	srTS  uint32    // and which of the stream's that was
	srAt  time.Time // when it came

	lost float64 // share of the last report interval, 0..1
}

// hole is a packet that has not come.
type hole struct {
	seq   int64
	next  time.Time
	tries int
}

// Note takes a packet into account. overflow says that more is missing than
// can be asked for, so that only a key frame helps.
func (r *Stream) Note(seq uint16, ts uint32, at time.Time) (v Verdict, overflow bool) {
	if !r.started {
		r.restart(seq)
		r.see(r.highest)
		r.measure(ts, at)
		return Fresh, false
	}
	ext := r.highest + int64(rtpx.SeqDiff(seq, uint16(r.highest)))
	switch ahead := ext - r.highest; {
	case ahead > seenWindow || ahead < -8*seenWindow:
		r.restart(seq)
		overflow = true
	case ahead > 0:
		overflow = r.skip(ext, at)
		r.highest = ext
	case ahead <= -seenWindow || r.has(ext):
		return Duplicate, false
	default:
		r.see(ext)
		r.fill(ext)
		return Late, false
	}
	r.see(ext)
	r.measure(ts, at)
	return Fresh, overflow
}

// NewStream returns a Stream whose timestamps run at clock units a second.
func NewStream(clock int) *Stream { return &Stream{clock: float64(clock)} }

// Started says whether any packet has come.
func (r *Stream) Started() bool { return r.started }

// Missing is the number of packets being asked for.
func (r *Stream) Missing() int { return len(r.missing) }

// Lost is the share of packets that did not come in the last report interval,
// 0 to 1.
func (r *Stream) Lost() float64 { return r.lost }

// restart begins anew with a stream whose numbers have jumped.
func (r *Stream) restart(seq uint16) {
	r.started = true
	r.base, r.highest = int64(seq), int64(seq)
	r.received, r.priorExp, r.priorRec = 0, 0, 0
	r.seen = [seenWindow / 64]uint64{}
	r.missing = r.missing[:0]
	r.transit = 0
}

// skip enters the holes before ext.
func (r *Stream) skip(ext int64, at time.Time) (overflow bool) {
	for seq := r.highest + 1; seq <= ext; seq++ {
		r.clear(seq)
	}
	if n := ext - r.highest - 1; n+int64(len(r.missing)) > MaxMissing {
		r.missing = r.missing[:0]
		return true
	}
	for seq := r.highest + 1; seq < ext; seq++ {
		r.missing = append(r.missing, hole{seq: seq, next: at.Add(nackDelay)})
	}
	return false
}

func (r *Stream) fill(ext int64) {
	r.missing = slices.DeleteFunc(r.missing, func(h hole) bool { return h.seq == ext })
}

func (r *Stream) see(ext int64) {
	r.received++
	r.seen[ext/64&(seenWindow/64-1)] |= 1 << (ext & 63)
}

func (r *Stream) clear(ext int64) {
	r.seen[ext/64&(seenWindow/64-1)] &^= 1 << (ext & 63)
}

func (r *Stream) has(ext int64) bool {
	return ext < r.base || r.seen[ext/64&(seenWindow/64-1)]&(1<<(ext&63)) != 0
}

func (r *Stream) measure(ts uint32, at time.Time) {
	transit := float64(at.UnixMicro())*r.clock/1e6 - float64(ts)
	if r.transit != 0 {
		d := transit - r.transit
		if d < 0 {
			d = -d
		}
		if d < r.clock { // a jump of more than a second is no jitter
			r.jitter += (d - r.jitter) / 16
		}
	}
	r.transit = transit
}

// Due appends to dst the numbers to ask for now, given the round trip time to
// the sender. Those asked for too often are given up.
func (r *Stream) Due(dst []uint16, now time.Time, rtt time.Duration) []uint16 {
	keep := r.missing[:0]
	for _, h := range r.missing {
		if h.tries >= maxTries || h.seq <= r.highest-seenWindow {
			continue
		}
		if !now.Before(h.next) {
			dst = append(dst, uint16(h.seq))
			h.tries++
			h.next = now.Add(rtt + nackDelay)
		}
		keep = append(keep, h)
	}
	r.missing = keep
	return dst
}

// SenderReport remembers a sender report (RFC 3550 §6.4.1): its time, and which
// time of the stream that was.
func (r *Stream) SenderReport(ntp uint64, ts uint32, at time.Time) {
	r.srNTP, r.srTS, r.srAt = ntp, ts, at
}

// Report describes the reception since the last report.
func (r *Stream) Report(ssrc uint32, now time.Time) rtcp.ReceptionReport {
	expected := uint64(r.highest - r.base + 1)
	lost := int64(expected) - int64(r.received)
	exp, rec := expected-r.priorExp, r.received-r.priorRec
	r.priorExp, r.priorRec = expected, r.received
	r.lost = 0
	if exp > rec && exp != 0 {
		r.lost = float64(exp-rec) / float64(exp)
	}
	rr := rtcp.ReceptionReport{
		SSRC:               ssrc,
		FractionLost:       uint8(min(255, r.lost*256)),
		TotalLost:          uint32(min(max(lost, 0), 1<<23-1)),
		LastSequenceNumber: uint32(r.highest),
		Jitter:             uint32(r.jitter),
		LastSenderReport:   uint32(r.srNTP >> 16),
	}
	if !r.srAt.IsZero() {
		rr.Delay = uint32(now.Sub(r.srAt) * 65536 / time.Second)
	}
	return rr
}
