package forward

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/bwe"
	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/reception"
)

// Downlink is all that one subscriber watches. Safe for concurrent use.
type Downlink struct {
	out      Output
	adaptive bool // layers and pauses are chosen by bandwidth

	mu         sync.Mutex               // guards what follows
	subs       map[string]*subscription // by mid
	ssrcs      map[uint32]*Track
	idle       []*Track // of sections that have ended, to be used again
	rtt        time.Duration
	adaptation adaptation
	closed     bool

	// sending is held while a packet is numbered and handed over, so that the
	// numbers leave in their order. It guards what follows.
	sending sync.Mutex
	est     bwe.Estimator
	repeats repeatBudget
}

// Want is what a subscriber wants on one section.
type Want struct {
	// Pub is the publication to watch, nil for nothing.
	Pub *Publication
	// StreamID asks for one layer; 0 leaves the choice.
	StreamID uint32
	// Priority and TargetKbps as in the client's subscription.
	Priority, TargetKbps uint32
}

// NewDownlink makes the receiving side of a subscriber. adaptive lets it choose
// layers and pause by the bandwidth it finds.
func NewDownlink(out Output, adaptive bool) *Downlink {
	return &Downlink{
		out: out, adaptive: adaptive, subs: make(map[string]*subscription), ssrcs: make(map[uint32]*Track),
	}
}

// Open makes the track of a section, or returns the one there is. Its formats
// and the extension id of the transport-wide number are renewed either way.
// fresh makes the configuration of a new one. The track of a section that has
// ended is used again if it can be: encryption remembers each SSRC for as long as
// the connection lives.
func (d *Downlink) Open(mid string, f Formats, stamp uint8, fresh func() TrackConfig) *Track {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.subs[mid]
	if s == nil {
		s = &subscription{track: d.takeIdleLocked(f)}
		if s.track == nil {
			s.track = newTrack(fresh(), d)
		}
		d.subs[mid] = s
		d.ssrcs[s.track.cfg.SSRC] = s.track
	}
	s.track.setFormats(f, stamp)
	return s.track
}

// takeIdleLocked returns a track that no section has, with retransmissions
// apart if and only if there is a format for them; nil if there is none.
func (d *Downlink) takeIdleLocked(f Formats) *Track {
	rtx := slices.ContainsFunc(f[:], func(f Format) bool { return f.RTX != 0 })
	i := slices.IndexFunc(d.idle, func(t *Track) bool { return (t.cfg.RTX != 0) == rtx })
	if i < 0 {
		return nil
	}
	t := d.idle[i]
	d.idle = slices.Delete(d.idle, i, i+1)
	t.uncut()
	return t
}

// SSRC of what the track sends, and of its retransmissions (0 if none).
func (t *Track) SSRC() (media, rtx uint32) { return t.cfg.SSRC, t.cfg.RTX }

// Watch says what a section shall show. Pausing by the user ends when the
// publication changes.
func (d *Downlink) Watch(mid string, w Want, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.subs[mid]
	if s == nil || d.closed {
		return
	}
	if s.Pub != w.Pub {
		s.userPaused, s.serverPaused = false, false
		s.track.uncut()
	}
	if s.Pub != w.Pub || s.TargetKbps != w.TargetKbps {
		d.adaptation.stable = time.Time{} // a new wish need not wait
	}
	s.Want = w
	s.applyLocked(d.adaptive, now)
}

// Wanted returns what a section shows.
func (d *Downlink) Wanted(mid string) (w Want, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.subs[mid]
	if s == nil {
		return w, false
	}
	return s.Want, true
}

// Drop ends the sections that keep refuses.
func (d *Downlink) Drop(keep func(mid string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for mid, s := range d.subs {
		if keep(mid) {
			continue
		}
		s.track.choose(nil, time.Time{})
		delete(d.subs, mid)
		delete(d.ssrcs, s.track.cfg.SSRC)
		d.idle = append(d.idle, s.track)
	}
}

// Refresh ends watching publications that allowed refuses: they are over, or no
// longer permitted.
func (d *Downlink) Refresh(allowed func(*Publication) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.subs {
		if s.Pub != nil && !allowed(s.Pub) {
			s.Want = Want{}
			s.serverPaused = false
			s.track.choose(nil, time.Time{})
		}
	}
}

// SetPaused is the user's pausing and resuming of streams.
func (d *Downlink) SetPaused(streamIDs []uint32, pause bool, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.subs {
		if s.Pub == nil {
			continue
		}
		hit := slices.Contains(streamIDs, s.StreamID)
		for _, l := range s.Pub.layers {
			hit = hit || slices.Contains(streamIDs, l.StreamID)
		}
		if hit {
			s.userPaused = pause
			s.applyLocked(d.adaptive, now)
		}
	}
}

// Close ends all sections.
func (d *Downlink) Close() {
	d.Drop(func(string) bool { return false })
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
}

// Watching is the number of sections that show something.
func (d *Downlink) Watching() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.subs {
		if s.Pub != nil {
			n++
		}
	}
	return n
}

// send numbers a packet and hands it over.
func (d *Downlink) send(b *netio.Buffer, stamp int, now time.Time) {
	if stamp == 0 {
		d.out.SendRTP(b)
		return
	}
	d.sending.Lock()
	defer d.sending.Unlock()
	binary.BigEndian.PutUint16(b.B[stamp:], d.est.Sent(b.N, now))
	d.out.SendRTP(b)
}

// sortedLocked lists the subscriptions in the order of their sections' names.
func (d *Downlink) sortedLocked() []*subscription {
	out := make([]*subscription, 0, len(d.subs))
	for _, mid := range slices.Sorted(maps.Keys(d.subs)) {
		out = append(out, d.subs[mid])
	}
	return out
}

func (d *Downlink) track(ssrc uint32) *Track {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ssrcs[ssrc]
}

// NACK answers a request for lost packets and returns how many were sent again.
func (d *Downlink) NACK(n *rtcp.TransportLayerNack, now time.Time) int {
	t := d.track(n.MediaSSRC)
	if t == nil {
		return 0
	}
	d.mu.Lock()
	rtt := d.rtt
	d.mu.Unlock()
	var seqs []uint16
	for _, pair := range n.Nacks {
		if len(seqs) > reception.MaxMissing {
			break
		}
		pair.Range(func(seq uint16) bool {
			seqs = append(seqs, seq)
			return true
		})
	}
	return t.resend(seqs, now, rtt)
}

// KeyFrame passes on a subscriber's request for a key frame (PLI, FIR).
func (d *Downlink) KeyFrame(ssrc uint32, now time.Time) {
	if t := d.track(ssrc); t != nil {
		if _, wanted := t.layers(); wanted != nil {
			wanted.RequestKeyFrame(now)
		}
	}
}

// Feedback takes a report of arrival times, see bwe.Estimator.
func (d *Downlink) Feedback(report []byte, now time.Time) error {
	d.sending.Lock()
	defer d.sending.Unlock()
	return d.est.Feedback(report, now)
}

// Limit takes the client's own estimate of its bandwidth, in bits per second.
func (d *Downlink) Limit(bps uint64) {
	d.sending.Lock()
	defer d.sending.Unlock()
	d.est.SetLimit(bps)
}

// SetRTT takes the measured round trip time.
func (d *Downlink) SetRTT(rtt time.Duration) {
	d.mu.Lock()
	d.rtt = rtt
	d.mu.Unlock()
}

// Estimate is the bandwidth towards the subscriber in bits per second, 0 while
// unknown.
func (d *Downlink) Estimate(now time.Time) uint64 {
	d.sending.Lock()
	defer d.sending.Unlock()
	bps, known := d.est.Estimate(now)
	if !known {
		return 0
	}
	return bps
}

// congestion is how long a lowered estimate counts as a sign of congestion.
const congestion = time.Minute

// Congested is the estimate if it had to be lowered recently, else 0.
func (d *Downlink) Congested(now time.Time) uint64 {
	d.sending.Lock()
	lowered := d.est.LoweredAt()
	d.sending.Unlock()
	if now.Sub(lowered) > congestion {
		return 0
	}
	return d.Estimate(now)
}
