package jointoken

import (
	"encoding/hex"
	"sync/atomic"
)

// KeyID tells keys apart and gives nothing of them away. It may be shown.
type KeyID [4]byte

// String returns it as eight hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// ID returns the key's id.
func (k Key) ID() KeyID {
	sum := k.Derive("id of a join token key")
	return KeyID(sum[:])
}

// Ring is the keys of join tokens while one takes over from another: tokens are
// minted with one of them, and those of all are good. It may be used from any
// goroutine.
type Ring struct{ keys atomic.Pointer[[]ringKey] }

// ringKey is a key with its id at hand.
type ringKey struct {
	Key
	id KeyID
}

// NewRing returns a ring that mints with the first key.
func NewRing(mint Key, others ...Key) *Ring {
	r := &Ring{}
	r.Set(mint, others...)
	return r
}

// Set replaces all keys. Tokens of those that are not among them any more are
// no good from then on.
func (r *Ring) Set(mint Key, others ...Key) {
	keys := []ringKey{{mint, mint.ID()}}
	for _, k := range others {
		keys = append(keys, ringKey{k, k.ID()})
	}
	r.keys.Store(&keys)
}

// Mint is Key.Mint with the key that mints.
func (r *Ring) Mint(meeting, attendee [16]byte) string {
	return (*r.keys.Load())[0].Mint(meeting, attendee)
}

// MintAll is Key.MintAll with the key that mints.
func (r *Ring) MintAll(meeting [16]byte, n int, attendee func(i int) [16]byte) []string {
	return (*r.keys.Load())[0].MintAll(meeting, n, attendee)
}

// Verify reports whether the token was minted for an attendee of the meeting
// with one of the keys, for which, and with which.
func (r *Ring) Verify(meeting [16]byte, token string) (attendee [16]byte, with KeyID, ok bool) {
	for _, k := range *r.keys.Load() {
		if attendee, ok := k.Verify(meeting, token); ok {
			return attendee, k.id, true
		}
	}
	return attendee, with, false
}

// Has reports whether tokens of the key are good.
func (r *Ring) Has(id KeyID) bool {
	for _, k := range *r.keys.Load() {
		if k.id == id {
			return true
		}
	}
	return false
}
