package media

import "context"

// Peer is one client connection. All methods are safe for concurrent use.
type Peer struct{}

// Subscribe answers one offer of the client. It is quick and waits for
// nothing on the network; ctx is heeded before it begins. After an error
// (ErrBadOffer, ErrClosed) nothing has changed.
func (p *Peer) Subscribe(ctx context.Context, offer Offer) (Answer, error) { return Answer{}, nil }

// Index is the room's video as this peer may see it: without its own camera
// and content, and within its permissions.
func (p *Peer) Index() Index { return Index{} }

// UpdateVideo changes what is sent on receiving sections without a new offer,
// and stops sending on removedMids.
func (p *Peer) UpdateVideo(updates []VideoSubscription, removedMids []string) {}

// Pause stops sending these streams to the peer until Resume.
func (p *Peer) Pause(streamIDs []uint32) {}

// Resume takes up again what Pause stopped.
func (p *Peer) Resume(streamIDs []uint32) {}

// SetMuted says whether the client is muted; a muted peer is not mixed.
func (p *Peer) SetMuted(muted bool) {}

// SetPermissions changes what the peer may do, at once and in both directions.
// Video it may no longer send is no longer published.
func (p *Peer) SetPermissions(permissions Permissions) {}

// Close ends the connection. When it returns no media of the peer's goes
// anywhere and none goes to it.
func (p *Peer) Close() {}

// Stats is a snapshot of the peer's counters.
func (p *Peer) Stats() PeerStats { return PeerStats{} }
