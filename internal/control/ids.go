package control

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// idSource gives random ids shaped as UUIDs of version 4 (API decision D-22).
// It reads random bytes for several at a time. The zero idSource is ready.
type idSource struct {
	fetch int // how many ids to read at once, at least 1
	rest  []byte
}

// newIDs returns a source for a call that will need about n ids.
func newIDs(n int) *idSource { return &idSource{fetch: n} }

func (s *idSource) next() (id meeting.ID) {
	if len(s.rest) == 0 {
		s.rest = make([]byte, len(id)*max(s.fetch, 1))
		_, _ = rand.Read(s.rest) // never fails: it ends the process instead
		s.fetch = 1
	}
	n := copy(id[:], s.rest)
	s.rest = s.rest[n:]
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// tokenHash stands for a ClientRequestToken in records and in the index. It
// tells nothing about the token and differs between owners.
func (c *Control) tokenHash(owner meeting.Owner, token string) (t meeting.TokenHash) {
	h := hmac.New(sha256.New, c.tokenSecret[:])
	for _, part := range []string{owner.Account, owner.Region, owner.Flavour.String(), token} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	copy(t[:], h.Sum(nil))
	return t
}
