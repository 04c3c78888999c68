package media

import (
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/forward"
	"github.com/carillon-meetings/carillon/internal/media/mix"
)

// Room is one meeting's media. All methods are safe for concurrent use.
type Room struct {
	node  *Node
	id    string
	sound *mix.Room

	mu     sync.Mutex // guards what follows; taken before any Peer's or Downlink's
	peers  []*Peer    // in the order they joined
	ears   []*Listener
	nextID uint32
	voices map[string]uint32 // the number of each owner in the mix
	closed bool
}

func newRoom(n *Node, id string) *Room {
	return &Room{
		node: n, id: id, sound: n.engine.NewRoom(),
		// Clients keep the largest of the ids they have seen, even across a
		// restart of the server, so ids begin with the seconds of the clock.
		nextID: uint32(n.now().Unix()),
		voices: make(map[string]uint32),
	}
}

// voice returns the names in the mix of an attendee's own sound and of the
// sound of their content share, which they are not to hear. They are the same
// for every connection of the attendee, so it does not matter in which order
// the two come and come back.
func (r *Room) voice(owner string) (own, content uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, known := r.voices[owner]
	if !known {
		n = uint32(2 * (len(r.voices) + 1))
		r.voices[owner] = n
	}
	return n, n + 1
}

// freshID yields the room's next stream or group id.
func (r *Room) freshID() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nextID++
	return r.nextID
}

// Close closes every peer of the room; a later Node.Room with the same id
// opens a new one.
func (r *Room) Close() {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.closed = true
	peers, listeners := slices.Clone(r.peers), slices.Clone(r.ears)
	r.mu.Unlock()
	for _, p := range peers {
		p.Close()
	}
	for _, l := range listeners {
		l.Close()
	}
	r.sound.Close()
	r.node.forget(r)
}

// Join adds a peer. It returns ErrClosed on a closed room and ErrContentFull
// for a content session too many.
func (r *Room) Join(cfg PeerConfig) (*Peer, error) {
	if cfg.Owner == "" {
		cfg.Owner = cfg.AttendeeID
	}
	p, err := newPeer(r, cfg)
	if err != nil {
		return nil, ErrClosed
	}
	if err := r.admit(p); err != nil {
		p.conn.Close()
		return nil, err
	}
	return p, nil
}

func (r *Room) admit(p *Peer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if p.cfg.Content && r.ownersLocked(p, func(o *Peer) bool { return o.cfg.Content }) >= r.node.cfg.MaxContentShares {
		return ErrContentFull
	}
	r.peers = append(r.peers, p)
	return nil
}

// ownersLocked counts the attendees other than p's that have a peer for which is
// holds: one who is reconnecting counts once.
func (r *Room) ownersLocked(p *Peer, is func(*Peer) bool) int {
	seen := make(map[string]struct{})
	for _, o := range r.peers {
		if o.cfg.Owner != p.cfg.Owner && is(o) {
			seen[o.cfg.Owner] = struct{}{}
		}
	}
	return len(seen)
}

// remove takes a closed peer out.
func (r *Room) remove(p *Peer) {
	r.mu.Lock()
	if i := slices.Index(r.peers, p); i >= 0 {
		r.peers = slices.Delete(r.peers, i, i+1)
	}
	r.mu.Unlock()
}

// members is a snapshot of the peers.
func (r *Room) members() []*Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.peers)
}

// hasRoom says whether p may begin to send video now.
func (r *Room) hasRoom(p *Peer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return p.cfg.Content || r.camerasLocked(p) < r.node.cfg.MaxVideoSenders
}

// camerasLocked counts the attendees other than p's with a camera on.
func (r *Room) camerasLocked(p *Peer) int {
	return r.ownersLocked(p, func(o *Peer) bool { return !o.cfg.Content && o.up.Publication() != nil })
}

// changed tells everybody that the index may have changed.
func (r *Room) changed() {
	for _, p := range r.members() {
		p.indexChanged()
	}
	for _, l := range r.listeners() {
		l.changed()
	}
}

// ended makes everybody forget publications that are over.
func (r *Room) ended() {
	publishers := r.publishers()
	for _, p := range r.members() {
		p.refresh(publishers)
	}
	r.changed()
}

// publishers are the publications there are, with who publishes them.
func (r *Room) publishers() map[*forward.Publication]*Peer {
	out := make(map[*forward.Publication]*Peer)
	for _, p := range r.members() {
		if pub := p.up.Publication(); pub != nil {
			out[pub] = p
		}
	}
	return out
}

// find returns the peer that publishes a stream or group, and the publication.
func (r *Room) find(is func(*forward.Publication) bool) (*Peer, *forward.Publication) {
	for _, p := range r.members() {
		if pub := p.up.Publication(); pub != nil && is(pub) {
			return p, pub
		}
	}
	return nil, nil
}

// codecs is what every peer that has said so can decode, best first; nil while
// nobody has.
func (r *Room) codecs() []Codec {
	mask := codecMask(0xff)
	for _, p := range r.members() {
		if m := p.decodes(); m != 0 && !p.cfg.Content {
			mask &= m
		}
	}
	if mask == 0xff {
		return nil
	}
	for _, l := range r.listeners() {
		if both := mask & l.wants; both != 0 {
			mask = both
		}
	}
	return mask.list()
}

// Level is how one peer is heard.
type Level struct {
	AudioStreamID uint32
	Level         uint8 // dB below full scale; 127 is silence
	Muted         bool
	Signal        uint8 // 0: nothing arrives, 1: weak, 2: good
}

// Levels appends the level of every peer to the list and returns it.
func (r *Room) Levels(to []Level) []Level {
	now := r.node.now()
	for _, p := range r.members() {
		level, muted := p.loudness()
		to = append(to, Level{p.cfg.AudioStreamID, level, muted, p.signal(now)})
	}
	return to
}

// tick serves the peers once a second.
func (r *Room) tick(now time.Time) {
	for _, p := range r.members() {
		p.tick(now)
	}
}
