package media

// Room is one meeting's media. All methods are safe for concurrent use.
type Room struct{}

// Close closes every peer of the room; a later Node.Room with the same id
// opens a new one.
func (r *Room) Close() {}

// Join adds a peer. It returns ErrClosed on a closed room and ErrContentFull
// for a content session too many.
func (r *Room) Join(cfg PeerConfig) (*Peer, error) { return &Peer{}, nil }

// Levels calls fn for every peer with its loudness: level in dB below full
// scale (127 silence), whether it is muted, and signal 0 (nothing arrives),
// 1 (weak) or 2 (good). fn must not call the room.
func (r *Room) Levels(fn func(audioStreamID uint32, level uint8, muted bool, signal uint8)) {}
