package media

import "errors"

var (
	// ErrClosed: the node, room or peer has been closed.
	ErrClosed = errors.New("media: closed")
	// ErrContentFull: the room has as many content shares as it takes.
	ErrContentFull = errors.New("media: no room for another content share")
	// ErrBadOffer: the offer cannot be answered.
	ErrBadOffer = errors.New("media: bad offer")
	// ErrTimeout: nothing was received from the client for too long.
	ErrTimeout = errors.New("media: connection timed out")
	// ErrClosedByClient: the client shut its end of the DTLS association.
	ErrClosedByClient = errors.New("media: connection closed by the client")
	// ErrHandshake: DTLS failed, for example by a foreign certificate.
	ErrHandshake = errors.New("media: handshake failed")
)
