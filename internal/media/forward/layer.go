package forward

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/netio"
	"github.com/carillon-meetings/carillon/internal/media/reception"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// cachePackets is how many packets of a layer are kept to be sent again:
	// three seconds of video at 1.5 Mb/s.
	cachePackets = 512
	// keyInterval is the least time between two requests for a key frame.
	keyInterval = 300 * time.Millisecond
	// silence is how long a layer may pause before it counts as not flowing,
	// contentSilence the same for shared content, which may stand still.
	silence        = 1500 * time.Millisecond
	contentSilence = 5 * time.Second
)

// Layer is one encoding of a publication. Safe for concurrent use.
type Layer struct {
	// StreamID is the layer's id in the index.
	StreamID uint32
	pub      *Publication
	index    int

	maxKbps   atomic.Uint32 // as announced; 0 means switched off
	framerate atomic.Uint32 // as announced
	flowed    atomic.Bool   // a packet has come

	mu            sync.Mutex // guards what follows
	codec         rtpx.Codec
	cache         *rtpx.Cache // nil before the first packet
	bits, frames  reception.Meter
	scale         scalability
	width, height uint16
	lastTS        uint32
	lastAt        time.Time // zero before the first packet
	closed        bool

	// tracks that take this layer or wait for its key frame: replaced as a
	// whole, so that the packet path reads it without a lock.
	tracks   atomic.Pointer[[]*Track]
	tracksMu sync.Mutex

	// taps are those that take this layer without being sent it; as with tracks.
	taps atomic.Pointer[[]*Tap]

	key keyRequest
}

// receive takes a packet that is not a duplicate and hands it to the tracks.
func (l *Layer) receive(p *packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if len(p.payload) > 0 && !l.inspectLocked(p) {
		return
	}
	if tracks := l.tracks.Load(); tracks != nil {
		for _, t := range *tracks {
			t.write(l, p)
		}
	}
	if taps := l.taps.Load(); taps != nil {
		for _, t := range *taps {
			t.write(l, p)
		}
	}
}

// inspectLocked reads what the payload says, measures and keeps it. It reports false
// for a malformed one.
func (l *Layer) inspectLocked(p *packet) bool {
	info, err := rtpx.Inspect(p.codec, p.payload)
	if err != nil {
		return false
	}
	p.info = info
	if l.cache == nil || p.codec != l.codec {
		l.codec = p.codec
		l.cache = rtpx.NewCache(cachePackets)
	}
	if info.Width != 0 && info.Height != 0 {
		l.width, l.height = info.Width, info.Height
	}
	bits := 8 * (len(p.payload) + rtpx.HeaderSize)
	l.bits.Add(bits, p.at)
	l.scale.add(&info, bits, p.at)
	if p.ts != l.lastTS && (l.lastAt.IsZero() || rtpx.TSDiff(p.ts, l.lastTS) > 0) {
		l.frames.Add(1, p.at)
		l.lastTS = p.ts
	}
	l.lastAt = p.at
	l.cache.Put(p.seq, p.marker, p.payload)
	return true
}

// fetch writes a kept packet's payload into b behind the first n bytes and
// returns whether its marker bit is set; ok is false if it is gone.
func (l *Layer) fetch(seq uint16, b *netio.Buffer, n int) (codec rtpx.Codec, marker, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cache == nil {
		return 0, false, false
	}
	c, ok := l.cache.Get(seq)
	if !ok || n+len(c.Payload) > len(b.B) {
		return 0, false, false
	}
	b.N = n + copy(b.B[n:], c.Payload)
	return l.codec, c.Marker, true
}

// attach makes the layer's packets go to t as well.
func (l *Layer) attach(t *Track) {
	l.tracksMu.Lock()
	defer l.tracksMu.Unlock()
	var list []*Track
	if old := l.tracks.Load(); old != nil {
		if slices.Contains(*old, t) {
			return
		}
		list = append(list, *old...)
	}
	list = append(list, t)
	l.tracks.Store(&list)
}

// detach ends what attach began.
func (l *Layer) detach(t *Track) {
	l.tracksMu.Lock()
	defer l.tracksMu.Unlock()
	old := l.tracks.Load()
	if old == nil {
		return
	}
	list := slices.DeleteFunc(slices.Clone(*old), func(o *Track) bool { return o == t })
	if len(list) == 0 {
		l.tracks.Store(nil)
		return
	}
	l.tracks.Store(&list)
}

// watched says whether anybody takes the layer.
func (l *Layer) watched() bool { return l.tracks.Load() != nil || l.taps.Load() != nil }

// close lets nothing more through; tracks that took the layer take nothing.
func (l *Layer) close() {
	l.mu.Lock()
	l.closed = true
	l.cache = nil
	l.mu.Unlock()
	if tracks := l.tracks.Load(); tracks != nil {
		for _, t := range *tracks {
			t.release(l)
		}
	}
}

// LayerInfo is a snapshot of a layer.
type LayerInfo struct {
	StreamID uint32
	// MaxKbps and Framerate as announced by the publisher.
	MaxKbps, Framerate uint32
	// Bps is the measured rate in bits per second, FPS the measured frames per
	// second; both 0 when nothing flows.
	Bps, FPS      uint32
	Width, Height uint16
	// Seen says that the layer has ever carried packets, Flowing that it does.
	Seen, Flowing bool
}

// Info is a snapshot of the layer.
func (l *Layer) Info(now time.Time) LayerInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := LayerInfo{
		StreamID: l.StreamID, MaxKbps: l.maxKbps.Load(), Framerate: l.framerate.Load(),
		Width: l.width, Height: l.height,
		Seen: !l.lastAt.IsZero() && !l.closed,
	}
	limit := silence
	if l.pub.Content {
		limit = contentSilence
	}
	if i.Seen && now.Sub(l.lastAt) < limit {
		i.Flowing = true
		i.Bps = uint32(l.bits.PerSecond(now))
		i.FPS = uint32(l.frames.PerSecond(now) + 0.5)
	}
	return i
}

// options are the ways to take the layer, from the cheapest up; none while it
// does not flow. cut says whether its inner layers may be told apart.
func (l *Layer) options(cut bool, now time.Time) []option {
	i := l.Info(now)
	if !i.Flowing {
		return nil
	}
	if cut {
		l.mu.Lock()
		points := l.scale.options(l, int(i.MaxKbps), now)
		l.mu.Unlock()
		if points != nil {
			return points
		}
	}
	return []option{{layer: l, cut: everything(), kbps: int(i.Bps/1000) + 1, nominal: int(i.MaxKbps)}}
}

// keyRequest spaces the requests for key frames of one layer.
type keyRequest struct {
	mu      sync.Mutex
	last    time.Time
	waiting bool // asked for again within keyInterval
}

// RequestKeyFrame asks the publisher for a key frame, at most one in 300 ms; a
// request too early is made up for by tick.
func (l *Layer) RequestKeyFrame(now time.Time) {
	l.key.mu.Lock()
	defer l.key.mu.Unlock()
	if now.Sub(l.key.last) < keyInterval {
		l.key.waiting = true
		return
	}
	l.requestKeyFrameLocked(now)
}

// tick makes up for a key frame request that came too early.
func (l *Layer) tick(now time.Time) {
	l.key.mu.Lock()
	defer l.key.mu.Unlock()
	if l.key.waiting && now.Sub(l.key.last) >= keyInterval {
		l.requestKeyFrameLocked(now)
	}
}

// requestKeyFrameLocked sends the request. It needs key.mu.
func (l *Layer) requestKeyFrameLocked(now time.Time) {
	if l.pub.uplink.requestKeyFrame(l.index) {
		l.key.last, l.key.waiting = now, false
	} else {
		l.key.waiting = true // not even its SSRC is known yet
	}
}

// keyAge is how long ago a key frame was last asked for.
func (l *Layer) keyAge(now time.Time) time.Duration {
	l.key.mu.Lock()
	defer l.key.mu.Unlock()
	return now.Sub(l.key.last)
}
