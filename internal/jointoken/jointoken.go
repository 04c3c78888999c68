// Package jointoken makes and checks join tokens: the bearer secrets with
// which a client opens its signaling connection. Nothing is stored. A token is
// computed from the meeting, the attendee and one secret of the whole cluster,
// and checked by computing it again.
//
// A token has the form real clients are used to: the unpadded base64 of
//
//	<attendee id> ":" <a UUID of version 4>
//
// both in lower case. That is always 98 characters, and because the input is
// hexadecimal digits, hyphens and one colon, all of them are letters or digits,
// which browsers need to send the token as a WebSocket sub-protocol. The UUID
// is the truncated HMAC-SHA256 of meeting and attendee id: 122 bits that nobody
// without the secret can guess.
//
// A token that checks out says only that it was issued. Whether the attendee is
// still in the meeting is for the caller to find out.
package jointoken

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"sync"

	"github.com/carillon-meetings/carillon/internal/guid"
)

const (
	// Size is the length of every token in characters.
	Size = 98
	// MinSecret is the shortest secret NewKey takes, in bytes.
	MinSecret = 32

	plainSize = guid.Size + 1 + guid.Size
)

var encoding = base64.RawStdEncoding

// ErrShortSecret is returned by NewKey.
var ErrShortSecret = errors.New("join token secret is shorter than 32 bytes")

// Key mints and verifies the tokens of one cluster. The zero Key is not
// usable. A Key may be copied, and used from any goroutine.
type Key struct{ *keyed }

type keyed struct {
	secret []byte
	hashes sync.Pool // of *minter
}

// minter holds one keyed hash with its scratch space; hashing with it again
// costs no new key set-up.
type minter struct {
	hash  hash.Hash
	sum   [sha256.Size]byte
	ids   [32]byte
	plain [plainSize]byte
	token [Size]byte
}

// NewKey returns the key made from a secret of at least MinSecret bytes, which
// must be the same on every node and over restarts, or issued tokens die.
func NewKey(secret []byte) (Key, error) {
	if len(secret) < MinSecret {
		return Key{}, ErrShortSecret
	}
	k := Key{&keyed{secret: append([]byte(nil), secret...)}}
	sub := k.Derive("join token")
	k.hashes.New = func() any { return &minter{hash: hmac.New(sha256.New, sub[:])} }
	return k, nil
}

// Derive returns a secret for another purpose, named by label, from which
// nothing can be learnt about the key itself or about other labels.
func (k Key) Derive(label string) [sha256.Size]byte {
	h := hmac.New(sha256.New, k.secret)
	h.Write([]byte("carillon: " + label))
	return [sha256.Size]byte(h.Sum(nil))
}

// Mint returns the token of one attendee.
func (k Key) Mint(meeting, attendee [16]byte) string {
	m := k.hashes.Get().(*minter)
	defer k.hashes.Put(m)
	m.mint(meeting, attendee)
	return string(m.token[:])
}

// MintAll returns the tokens of n attendees of one meeting; attendee(i) gives
// the id of number i. It is cheaper than n calls of Mint.
func (k Key) MintAll(meeting [16]byte, n int, attendee func(i int) [16]byte) []string {
	m := k.hashes.Get().(*minter)
	defer k.hashes.Put(m)
	var all strings.Builder // one allocation for all tokens
	all.Grow(n * Size)
	for i := range n {
		m.mint(meeting, attendee(i))
		all.Write(m.token[:])
	}
	joined := all.String()
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = joined[i*Size : (i+1)*Size]
	}
	return tokens
}

// Verify reports whether the token was minted for an attendee of the meeting,
// and for which. It takes the same time for every wrong secret half.
func (k Key) Verify(meeting [16]byte, token string) (attendee [16]byte, ok bool) {
	if len(token) != Size {
		return attendee, false
	}
	var given [Size]byte
	copy(given[:], token)
	var plain [plainSize]byte
	if _, err := encoding.Decode(plain[:], given[:]); err != nil {
		return attendee, false
	}
	if attendee, ok = guid.Parse(plain[:guid.Size]); !ok {
		return attendee, false
	}
	m := k.hashes.Get().(*minter)
	defer k.hashes.Put(m)
	m.mint(meeting, attendee)
	// Comparing whole tokens also refuses other spellings of the same bytes.
	if subtle.ConstantTimeCompare(m.token[:], given[:]) != 1 {
		return [16]byte{}, false
	}
	return attendee, true
}

// mint leaves the token of the attendee in m.token.
func (m *minter) mint(meeting, attendee [16]byte) {
	copy(m.ids[:16], meeting[:])
	copy(m.ids[16:], attendee[:])
	m.hash.Reset()
	m.hash.Write(m.ids[:])
	secret := [16]byte(m.hash.Sum(m.sum[:0])[:16])
	secret[6] = secret[6]&0x0f | 0x40 // version 4
	secret[8] = secret[8]&0x3f | 0x80 // variant of RFC 9562
	guid.Put(m.plain[:guid.Size], attendee)
	m.plain[guid.Size] = ':'
	guid.Put(m.plain[guid.Size+1:], secret)
	encoding.Encode(m.token[:], m.plain[:])
}
