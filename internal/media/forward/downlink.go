package forward

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/netio"

	"github.com/carillon-meetings/carillon/internal/media/reception"
)

// Downlink is all that one subscriber watches. Safe for concurrent use.
type Downlink struct {
	out      Output
	adaptive bool // layers and pauses are chosen by bandwidth

	// sending numbers packets and hands them over in that order; its lock is the
	// estimator's.
	est estimator

	mu     sync.Mutex // guards what follows
	subs   map[string]*subscription
	rtt    time.Duration
	stable time.Time // last change of the adaptive choice
	holdUp time.Duration
	raised time.Time
	probed time.Time     // when the last probe began
	pause  time.Duration // from it to the next
	known  bool
	ssrcs  map[uint32]*Track
	closed bool
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

// subscription is a track and what it is for.
type subscription struct {
	Want
	track        *Track
	userPaused   bool
	serverPaused bool
	asked        time.Time // last request for a key frame while waiting
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
// fresh makes the configuration of a new one.
func (d *Downlink) Open(mid string, f Formats, stamp uint8, fresh func() TrackConfig) *Track {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.subs[mid]
	if s == nil {
		s = &subscription{track: newTrack(fresh(), d)}
		d.subs[mid] = s
		d.ssrcs[s.track.cfg.SSRC] = s.track
	}
	s.track.setFormats(f, stamp)
	return s.track
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
		d.stable = time.Time{} // a new wish need not wait
	}
	s.Want = w
	s.apply(d.adaptive, now)
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
			s.apply(d.adaptive, now)
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

// apply makes the track take the layer that is right now. With adaption the
// layer in use stays until the next division of the bandwidth.
func (s *subscription) apply(adaptive bool, now time.Time) {
	if s.Pub == nil || s.userPaused || s.serverPaused {
		s.track.choose(nil, now)
		return
	}
	if adaptive {
		if _, wanted := s.track.layers(); wanted != nil && wanted.pub == s.Pub {
			return
		}
	}
	s.track.choose(s.preferred(now), now)
}

// preferred is the layer asked for, or the nearest to it that flows: the next
// lower, else the next higher. A publication nothing flows of keeps its place.
func (s *subscription) preferred(now time.Time) *Layer {
	layers := s.Pub.layers
	want := len(layers) - 1
	for i, l := range layers {
		if l.StreamID == s.StreamID {
			want = i
		}
	}
	if s.StreamID == 0 && s.TargetKbps > 0 {
		for want > 0 && layers[want].maxKbps.Load() > s.TargetKbps {
			want--
		}
	}
	for i := want; i >= 0; i-- {
		if layers[i].Info(now).Flowing {
			return layers[i]
		}
	}
	for i := want + 1; i < len(layers); i++ {
		if layers[i].Info(now).Flowing {
			return layers[i]
		}
	}
	return layers[want]
}

// send numbers a packet and hands it over.
func (d *Downlink) send(b *netio.Buffer, stamp int, now time.Time) {
	if stamp == 0 {
		d.out.SendRTP(b)
		return
	}
	d.est.mu.Lock()
	defer d.est.mu.Unlock()
	seq := d.est.stamp(b.N, d.est.probe.running(now), now)
	binary.BigEndian.PutUint16(b.B[stamp:], seq)
	d.out.SendRTP(b)
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
	return t.resend(seqs, now, max(rtt, 20*time.Millisecond))
}

// KeyFrame passes on a subscriber's request for a key frame (PLI, FIR).
func (d *Downlink) KeyFrame(ssrc uint32, now time.Time) {
	if t := d.track(ssrc); t != nil {
		if _, wanted := t.layers(); wanted != nil {
			wanted.RequestKeyFrame(now)
		}
	}
}

// Feedback takes a report of arrival times.
func (d *Downlink) Feedback(f *rtcp.TransportLayerCC, now time.Time) { d.est.feedback(f, now) }

// Limit takes the client's own estimate of its bandwidth, in bits per second.
func (d *Downlink) Limit(bps uint64) { d.est.limit(bps) }

// SetRTT takes the measured round trip time.
func (d *Downlink) SetRTT(rtt time.Duration) {
	d.mu.Lock()
	d.rtt = rtt
	d.mu.Unlock()
}

// Estimate is the bandwidth towards the subscriber in bits per second, 0 while
// unknown.
func (d *Downlink) Estimate(now time.Time) uint64 {
	bps, known := d.est.estimate(now)
	if !known {
		return 0
	}
	return bps
}

// congestion is how long a lowered estimate counts as a sign of congestion.
const congestion = time.Minute

// Congested is the estimate if it had to be lowered recently, else 0.
func (d *Downlink) Congested(now time.Time) uint64 {
	if now.Sub(d.est.congestedAt()) > congestion {
		return 0
	}
	return d.Estimate(now)
}
