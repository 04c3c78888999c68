package frame

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// patience is how long a missing packet is waited for.
	patience = 500 * time.Millisecond
	// maxWaiting bounds the packets that wait for one before them: two seconds of
	// video at 2 Mb/s.
	maxWaiting = 512
	// maxPicture bounds one picture, in bytes.
	maxPicture = 8 << 20
)

// Picture is one whole picture.
type Picture struct {
	Data []byte
	TS   uint32    // RTP time, in units of 1/90000 s
	At   time.Time // arrival of its first packet
	// Captured is when it was, see media.VideoPacket; zero if that is not known.
	Captured time.Time
	Key      bool // decoding can begin here
	// Track says how a key frame, and what follows, is coded.
	Track mp4.Track
}

// Assembler makes pictures of one publication's packets. The zero value is
// ready. It is not safe for concurrent use.
type Assembler struct {
	stream   uint32
	codec    rtpx.Codec
	unwrap   rtpx.Unwrapper[uint16]
	next     int64 // number of the packet that is to come
	waiting  map[int64]*packet
	since    time.Time // when the first of those came
	needsKey bool
	picture  building
	done     []Picture
	lost     bool // by the packet being pushed, something was
}

// packet is a packet that is kept.
type packet struct {
	ts       uint32
	marker   bool
	at       time.Time
	captured time.Time
	info     rtpx.Info
	payload  []byte
}

// building is a picture that is being put together.
type building struct {
	open     bool
	ts       uint32
	at       time.Time
	captured time.Time
	key      bool
	broken   bool // a payload made no sense
	parts    depacketizer
}

// depacketizer turns the payloads of one picture into what a file holds.
type depacketizer interface {
	// add takes the next payload; false when it is malformed.
	add(payload []byte, info *rtpx.Info) bool
	// finish returns the picture, and for a key frame how it is coded; ok is false
	// when there is none.
	finish(key bool) (data []byte, track mp4.Track, ok bool)
}

func newDepacketizer(c rtpx.Codec) depacketizer {
	switch c {
	case rtpx.H264:
		return new(h264)
	case rtpx.VP9:
		return new(vp9)
	case rtpx.AV1:
		return new(av1)
	}
	return new(vp8)
}

// Push takes a packet and returns the pictures that it completes, which are
// valid until the next call. broken says that something was lost: a key frame is
// needed before more pictures come.
func (a *Assembler) Push(p *media.VideoPacket) (pictures []Picture, broken bool) {
	a.done, a.lost = a.done[:0], false
	if p.StreamID != a.stream || p.Codec != a.codec || a.waiting == nil {
		a.begin(p)
	}
	n := a.unwrap.Unwrap(p.Seq)
	if a.next < 0 {
		a.next = n
	}
	switch {
	case n < a.next:
		return nil, false // too late
	case n == a.next:
		a.take(&packet{p.TS, p.Marker, p.At, p.Captured, p.Info, p.Payload})
		a.next++
	default:
		if len(a.waiting) == 0 {
			a.since = p.At
		}
		a.waiting[n] = &packet{p.TS, p.Marker, p.At, p.Captured, p.Info, append([]byte(nil), p.Payload...)}
	}
	a.catchUp()
	if len(a.waiting) > 0 && (p.At.Sub(a.since) > patience || len(a.waiting) > maxWaiting) {
		a.skip(p.At)
	}
	return a.done, a.lost
}

// begin starts with another layer or codec, whose first packet begins a key
// frame.
func (a *Assembler) begin(p *media.VideoPacket) {
	*a = Assembler{
		stream: p.StreamID, codec: p.Codec, next: -1, waiting: make(map[int64]*packet), needsKey: true, done: a.done,
		picture: building{parts: newDepacketizer(p.Codec)},
	}
}

// catchUp takes the packets that waited for the one just taken.
func (a *Assembler) catchUp() {
	for {
		p := a.waiting[a.next]
		if p == nil {
			return
		}
		delete(a.waiting, a.next)
		a.take(p)
		a.next++
		a.since = p.at
	}
}

// skip gives up the packets that are missing.
func (a *Assembler) skip(now time.Time) {
	first := int64(-1)
	for n := range a.waiting {
		if first < 0 || n < first {
			first = n
		}
	}
	a.abandon()
	a.next = first
	a.catchUp()
	a.since = now
}

// abandon drops the picture being built, and all that need it.
func (a *Assembler) abandon() {
	a.picture = building{parts: newDepacketizer(a.codec)}
	a.needsKey, a.lost = true, true
}

// take adds the next packet in order.
func (a *Assembler) take(p *packet) {
	if len(p.payload) == 0 {
		return
	}
	b := &a.picture
	if b.open && b.ts != p.ts {
		a.finish() // its last packet had no marker
	}
	if !b.open {
		if a.needsKey && !p.info.Key {
			return
		}
		a.needsKey = false
		b.open, b.ts, b.at, b.captured, b.key, b.broken = true, p.ts, p.at, p.captured, false, false
	}
	b.key = b.key || p.info.Key
	b.broken = !b.parts.add(p.payload, &p.info) || b.broken
	if p.marker {
		a.finish()
	}
}

// finish ends the picture being built.
func (a *Assembler) finish() {
	b := &a.picture
	b.open = false
	data, track, ok := b.parts.finish(b.key)
	if b.broken || !ok || len(data) > maxPicture {
		a.abandon()
		return
	}
	a.done = append(a.done, Picture{Data: data, TS: b.ts, At: b.at, Captured: b.captured, Key: b.key, Track: track})
}
