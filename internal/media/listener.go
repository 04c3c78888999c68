package media

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/mix"
)

// SoundSink takes what a listener hears; see mix.Sink.
type SoundSink interface {
	WriteFrame(payload []byte, timestamp uint32, marker bool)
}

// ListenerConfig describes somebody who listens.
type ListenerConfig struct {
	// ID is unique among the room's attendees and listeners.
	ID string
	// Sound takes the mix of all who talk.
	Sound SoundSink
	// Codecs are those that it would rather see: clients are asked to send one of
	// them, if all of them can decode it. Empty asks for nothing.
	Codecs []Codec
	// Changed is called when Videos may answer differently, from the goroutine
	// that calls PeerEvents. It must not block.
	Changed func()
}

// Listener is a member of a room who sends nothing and has no connection: a
// recorder. All methods are safe for concurrent use.
type Listener struct {
	room  *Room
	cfg   ListenerConfig
	wants codecMask // 0 for no wish
	sound *mix.Member
	over  atomic.Bool
	dirty atomic.Bool

	mu   sync.Mutex // guards what follows
	taps map[*VideoTap]struct{}
}

// VoiceSink takes what people say, each apart; see mix.Tap.
type VoiceSink interface {
	Voice(attendee string, pcm []float32)
}

// Hear has the sink handed what the room's attendees say, under their ids, before
// it is mixed, also while nobody else listens; nil ends that. Content shares are
// not among it. A room has one such sink.
func (r *Room) Hear(sink VoiceSink) { r.sound.SetTap(sink) }

// Video is a publication that is live.
type Video struct {
	// GroupID is the publication's, as in Source.
	GroupID uint32
	// AttendeeID as in the index, of a content share with "#content".
	AttendeeID     string
	ExternalUserID string
	Content        bool
	pub            *forward.Publication
	peer           *Peer // who publishes it
}

// VideoTap is a publication being taken by a listener. Choose and
// RequestKeyFrame are those of forward.Tap.
type VideoTap struct {
	*forward.Tap
	listener *Listener
}

// VideoPacket is one packet of a publication; see forward.TapPacket.
type VideoPacket = forward.TapPacket

// Listen lets a listener in. It returns ErrClosed on a closed room.
func (r *Room) Listen(cfg ListenerConfig) (*Listener, error) {
	l := &Listener{room: r, cfg: cfg, taps: make(map[*VideoTap]struct{})}
	for _, c := range cfg.Codecs {
		l.wants |= 1 << c
	}
	own, _ := r.voice(cfg.ID)
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, ErrClosed
	}
	r.ears = append(r.ears, l)
	r.mu.Unlock()
	l.sound = r.sound.AddMember(mix.MemberConfig{ID: own, Sink: cfg.Sound})
	r.changed()
	return l, nil
}

// listeners is a snapshot.
func (r *Room) listeners() []*Listener {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ears) == 0 {
		return nil
	}
	return slices.Clone(r.ears)
}

// changed announces that Videos may answer differently, once for changes in
// quick succession.
func (l *Listener) changed() {
	if l.dirty.Swap(true) {
		return
	}
	l.room.node.events.Push(func() {
		l.dirty.Store(false)
		if !l.over.Load() {
			l.cfg.Changed()
		}
	})
}

// Videos returns the publications that are live, in the order in which their
// publishers joined.
func (l *Listener) Videos() (list []Video) {
	for _, p := range l.room.members() {
		if pub := p.up.Publication(); pub != nil && pub.Live() {
			list = append(list, Video{
				GroupID: pub.GroupID, AttendeeID: p.cfg.AttendeeID, ExternalUserID: p.cfg.ExternalUserID, Content: pub.Content, pub: pub, peer: p,
			})
		}
	}
	return list
}

// Take begins to hand the packets of a publication to sink; see
// forward.Publication.Tap.
func (l *Listener) Take(v Video, sink func(*VideoPacket)) *VideoTap {
	t := &VideoTap{listener: l, Tap: v.pub.Tap(sink, l.room.node.now())}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over.Load() {
		t.Tap.Close()
		return t
	}
	l.taps[t] = struct{}{}
	return t
}

// Began returns when the packet of the sound with the timestamp 0 is heard, zero
// before there was one.
func (l *Listener) Began() time.Time { return l.sound.Began() }

// Refresh has the next packet of the sound coded so that a decoder can begin with
// it.
func (l *Listener) Refresh() { l.room.sound.Refresh() }

const (
	// usuallyHeld is how long the packets of one who has not been heard yet would be
	// held, about, on an even network.
	usuallyHeld = 25 * time.Millisecond
	// throughCodecs is how much later than the first of its samples a packet of sound
	// is sent, 20 ms, and how far its sender's Opus encoder and the mixer's look
	// ahead: 6.5 ms each (libopus's OPUS_GET_LOOKAHEAD).
	throughCodecs = 33 * time.Millisecond
)

// SoundDelay returns how much later than it was captured, and on its way as fast as
// could be, what the publisher says is heard in the mix: pictures that are to be
// in step with it must wait for so long.
func (v *Video) SoundDelay() time.Duration {
	held := time.Duration(0)
	if v.peer != nil {
		if member := v.peer.member.Load(); member != nil {
			held = member.Held()
		}
	}
	return throughCodecs + cmp.Or(held, usuallyHeld)
}

// Close ends the tap.
func (t *VideoTap) Close() {
	t.Tap.Close()
	t.listener.mu.Lock()
	defer t.listener.mu.Unlock()
	delete(t.listener.taps, t)
}

// Close takes the listener out of the room. When it returns, the sound sink is
// not being called and will not be again.
func (l *Listener) Close() {
	l.mu.Lock()
	if l.over.Swap(true) {
		l.mu.Unlock()
		return
	}
	for t := range l.taps {
		t.Tap.Close()
	}
	clear(l.taps)
	l.mu.Unlock()
	l.sound.Remove()
	r := l.room
	r.mu.Lock()
	r.ears = slices.DeleteFunc(r.ears, func(o *Listener) bool { return o == l })
	r.mu.Unlock()
	r.changed()
}
